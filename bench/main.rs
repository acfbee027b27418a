//! klog beside Apache Kafka 4.3.1, or beside itself with other settings, on the same machine, driven by the same client in the
//! same run: one file per case, each of which measures one broker once. Run it through `bench/run`.

mod bare;
mod broker;
mod cases;
mod cgroup;
mod clients;
mod closed;
mod codecs;
mod cold;
mod consume;
mod dump;
mod fan_out;
mod fetch;
mod figure;
mod groups;
mod idle;
mod latency;
mod librdkafka;
mod load;
mod many;
mod members;
mod options;
mod own;
#[path = "../tests/support/ports.rs"]
mod ports;
mod produce;
mod raw;
mod relay;
mod report;
mod restart;
mod rolls;
mod sink;
mod small;
mod start;
mod table;
mod transactions;
mod usage;

use anyhow::ensure;
use broker::Subject;
use cases::Case;
use options::Options;
use report::Report;
use table::{Leg, Side};

fn main() -> anyhow::Result<()> {
    let options = Options::read();
    std::fs::create_dir_all(&options.dir)?;
    let filler = options.dir.join("filler");
    if options.fill_page_cache_gib > 0 {
        eprintln!("filling the page cache with {} GiB", options.fill_page_cache_gib);
        load::write_filler(&filler, options.fill_page_cache_gib)?;
    }
    let [a, b] = options.subjects();
    let mut report = Report::new(&options, [&a, &b]);
    let mut failed = Vec::new();
    for case in options.cases() {
        let name = case.name();
        let result = run(&options, [&a, &b], case);
        match &result {
            Ok(legs) => {
                println!("## {name}\n\n{}", table::markdown(legs, [&a, &b], |_| true));
            }
            Err(error) => {
                // One case must not take the others with it: a run is long.
                eprintln!("{name} failed: {error:#}");
                failed.push(name);
            }
        }
        report.add(case, result.map_err(|error| format!("{error:#}")));
        report.write()?;
    }
    if options.fill_page_cache_gib > 0 {
        std::fs::remove_file(&filler)?;
    }
    std::fs::remove_dir_all(many::kept(&options)).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

fn run(options: &Options, [a, b]: [&Subject; 2], case: Case) -> anyhow::Result<Vec<Leg>> {
    let (name, turns) = (case.name(), options.turns());
    let mut legs = Vec::new();
    for round in 1..=options.rounds {
        for (place, side) in turns.iter().enumerate() {
            let subject = if *side == Side::A { a } else { b };
            let figures = case.run(options, subject)?;
            let place = format!("turn {} of {}", place + 1, turns.len());
            eprintln!("{name}, round {round}, {place}: {side:?}, {subject}");
            figures.iter().for_each(|figure| eprintln!("  {figure}"));
            legs.push(Leg { side: *side, figures });
        }
    }
    Ok(legs)
}
