//! klog beside Apache Kafka 4.3.1, or beside itself with other settings, on the same machine, driven by the same client in the
//! same run: one file per case, each of which measures one broker once. Run it through `bench/run`.

mod bare;
mod broker;
mod closed;
mod dump;
mod groups;
mod load;
mod many;
mod members;
mod options;
mod raw;
mod restart;
mod sink;
mod small;
mod start;
mod table;
mod throughput;
mod transactions;

use broker::Subject;
use clap::{Parser, ValueEnum};
use options::{Case, Options};
use table::{Leg, Side};

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    std::fs::create_dir_all(&options.dir)?;
    let filler = options.dir.join("filler");
    if options.fill_page_cache_gib > 0 {
        eprintln!("filling the page cache with {} GiB", options.fill_page_cache_gib);
        load::write_filler(&filler, options.fill_page_cache_gib)?;
    }
    let [a, b] = options.subjects();
    let all = Case::value_variants();
    for case in if options.cases.is_empty() { all } else { &options.cases } {
        let name = case.to_possible_value().map_or(String::new(), |value| value.get_name().into());
        let legs = run(&options, [&a, &b], *case, &name)?;
        println!("## {name}\n\n{}", table::markdown(&legs, [&a, &b]));
    }
    if options.fill_page_cache_gib > 0 {
        std::fs::remove_file(&filler)?;
    }
    Ok(())
}

fn run(
    options: &Options,
    [a, b]: [&Subject; 2],
    case: Case,
    name: &str,
) -> anyhow::Result<Vec<Leg>> {
    let measure = match case {
        Case::Throughput => throughput::run,
        Case::Start => start::run,
        Case::Restart => restart::run,
        Case::Small => small::run,
        Case::Flush => small::run_flush,
        Case::Partitions => many::run,
        Case::Groups => groups::run,
        Case::Members => members::run,
        Case::Transactions => transactions::run,
        Case::Dump => dump::run,
    };
    let mut legs = Vec::new();
    for round in 1..=options.rounds {
        for (place, side) in [Side::A, Side::B, Side::B, Side::A].into_iter().enumerate() {
            let subject = if side == Side::A { a } else { b };
            let figures = measure(options, subject)?;
            eprintln!("{name}, round {round}, turn {} of 4: {side:?}, {subject}", place + 1);
            figures.iter().for_each(|figure| eprintln!("  {figure}"));
            legs.push(Leg { side, figures });
        }
    }
    Ok(legs)
}
