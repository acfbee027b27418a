//! Much data read from the page cache: through two client libraries, and by a fetcher that drops the bytes, beside a bare sendfile loop.

use crate::bare;
use crate::broker::{Broker, Subject};
use crate::clients::{Aims, BOTH, Compared};
use crate::fetch::Uniform;
use crate::figure::{Figure, Of, at_least, at_most};
use crate::options::Options;
use crate::usage::measure;

pub fn run(options: &Options, subject: &Subject) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for size in &options.sizes {
        figures.extend(run_size(options, subject, *size)?);
    }
    Ok(figures)
}

fn run_size(options: &Options, subject: &Subject, size: usize) -> anyhow::Result<Vec<Figure>> {
    let mut broker = Broker::start(subject, &options.dir)?;
    let warm_up = Uniform::create(&mut broker, "warm-up", size, options.warm_up_mib)?;
    let data = Uniform::create(&mut broker, "measured", size, options.mib)?;
    for topic in [&warm_up, &data] {
        topic.write(broker.address(), 2)?;
    }
    for library in BOTH {
        library.consume(broker.address(), "warm-up", 1, warm_up.records())?;
    }
    warm_up.fetch(broker.address())?;
    bare::send_topic(&broker.data(), "warm-up")?;
    let bare = bare::send_topic(&broker.data(), "measured")?;
    let ((), fetched) = measure(&broker, || data.fetch(broker.address()))?;
    let compared = Compared::in_turns(&broker, [data.records(), data.bytes()], |library| {
        library.consume(broker.address(), "measured", 1, data.records()).map(Some)
    })?;
    let cpu = at_most(0.4, Of::Kafka).or(at_most(1.25, Of::Bare));
    let gb = data.bytes() as f64 / 1e9;
    let name = |what: &str| format!("{size} B, {what}");
    let rate = gb * 1e3 / fetched.seconds;
    let raw_rate = Figure::beside(name("raw fetcher, MB/s"), rate, bare.mb_per_second());
    let raw_cpu = fetched.broker_seconds / gb;
    let raw_cpu = Figure::beside(name("raw fetcher, broker CPU s/GB"), raw_cpu, bare.cpu_per_gb());
    let aims = Aims {
        rates: [Some(at_least(1.4, Of::Kafka)), None],
        broker_cpu: vec![cpu.clone()],
        bare_cpu: Some(bare.cpu_per_gb()),
    };
    let mut figures = vec![raw_rate.aim(at_least(0.8, Of::Bare)), raw_cpu.aim(cpu)];
    figures.extend(compared.figures(&format!("{size} B"), &aims));
    figures.push(Figure::new(name("broker peak RSS, MB"), broker.peak_mb()?));
    Ok(figures)
}
