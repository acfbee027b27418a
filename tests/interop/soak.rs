//! A broker under everything that comes and goes: records, segments, topics, producers, consumers, connections. What it takes
//! of the machine stays flat, it logs no complaint, no client sees an error, and nothing deleted stays behind.
//!
//! Half a minute; with `KLOG_LONG=1` for `KLOG_SOAK_MINUTES` (60).

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::klogs_own::{Own, klog_with};
use crate::librdkafka::Admin;
use crate::seed::is_long;
use crate::soak_clients as clients;
use crate::vitals::{Vitals, growth, open_files};

/// What a log keeps here is little, so that segments come and go all the time.
const KEEP: [(&str, &str); 5] = [
    ("segment.bytes", "1048576"),
    ("segment.ms", "1000"),
    ("retention.bytes", "262144"),
    ("file.delete.delay.ms", "1000"),
    ("index.interval.bytes", "512"),
];
const PARTITIONS: i32 = 3;

#[test]
fn a_broker_stays_flat_and_silent_while_everything_comes_and_goes() {
    let broker = klog_with(
        Own::Bounds,
        &[
            ("log.retention.check.interval.ms", "500"),
            ("log.segment.delete.delay.ms", "1000"),
            ("log.flush.offset.checkpoint.interval.ms", "1000"),
            ("producer.id.expiration.ms", "5000"),
        ],
    );
    let admin = Admin::new(broker.address());
    for (topic, flush) in [("steady", "1000000"), ("flushed", "1"), ("producers", "1000000")] {
        let configs = [&KEEP[..], &[("flush.messages", flush)]].concat();
        admin.create(topic, PARTITIONS, &configs);
    }
    let crowd = Crowd::gather(broker.address());
    let samples = watch(&broker, duration(), &crowd);
    crowd.dismiss();
    report(&samples);
    assert_flat(&samples);
    assert_nothing_is_left(&broker);
    broker.assert_no_complaint();
}

fn duration() -> Duration {
    let minutes = std::env::var("KLOG_SOAK_MINUTES").ok();
    let minutes = minutes.map_or(60, |text| text.parse().expect("KLOG_SOAK_MINUTES is a number"));
    Duration::from_secs(if is_long() { minutes * 60 } else { 27 })
}

/// Clients of all kinds, each on a thread, each doing the same thing over and over until told to stop.
struct Crowd {
    stop: Arc<AtomicBool>,
    threads: Vec<(&'static str, JoinHandle<u64>)>,
}

impl Crowd {
    fn gather(address: &str) -> Crowd {
        let mut crowd = Crowd { stop: Arc::default(), threads: Vec::new() };
        crowd.add("records written", address, |at, go| clients::produce(at, "steady", go));
        crowd.add("records written and flushed", address, |at, go| {
            clients::produce(at, "flushed", go)
        });
        crowd.add("records read", address, |at, go| clients::consume(at, "steady", go));
        crowd.add("producers that came and went", address, |at, go| {
            clients::come_and_go_producing(at, "producers", go)
        });
        crowd.add("consumers that came and went", address, |at, go| {
            clients::come_and_go_consuming(at, "steady", go)
        });
        crowd.add("topics that came and went", address, clients::make_and_delete_topics);
        crowd.add("connections that came and went", address, clients::connect_and_leave);
        crowd
    }

    fn add(
        &mut self,
        name: &'static str,
        address: &str,
        client: impl FnOnce(&str, &dyn Fn() -> bool) -> u64 + Send + 'static,
    ) {
        let (stop, address) = (Arc::clone(&self.stop), address.to_owned());
        let run = move || client(&address, &|| !stop.load(Ordering::Relaxed));
        self.threads.push((name, thread::spawn(run)));
    }

    /// A client ends before it is told to only by a panic.
    fn has_lost_one(&self) -> bool {
        self.threads.iter().any(|(_, client)| client.is_finished())
    }

    /// Tells all to stop; fails with the first that met an error.
    fn dismiss(self) {
        self.stop.store(true, Ordering::Relaxed);
        for (name, client) in self.threads {
            match client.join() {
                Ok(count) => println!("{count} {name}"),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    }
}

/// Looks at the broker a few hundred times.
fn watch(broker: &Broker, duration: Duration, crowd: &Crowd) -> Vec<Vitals> {
    let (start, pause) = (Instant::now(), (duration / 300).max(Duration::from_millis(100)));
    let mut samples = Vec::new();
    while start.elapsed() < duration && !crowd.has_lost_one() {
        thread::sleep(pause);
        samples.push(Vitals::of(broker.pid()));
    }
    samples
}

type Figure = fn(&Vitals) -> u64;

fn report(samples: &[Vitals]) {
    for (part, samples) in samples.chunks(samples.len().div_ceil(15).max(1)).enumerate() {
        let peak = |figure: Figure| samples.iter().map(figure).max().unwrap_or(0);
        println!(
            "part {:2} of 15: {} MiB, {} descriptors, {} threads at most",
            part + 1,
            peak(|at| at.rss_kib) / 1024,
            peak(|at| at.descriptors),
            peak(|at| at.threads)
        );
    }
}

fn assert_flat(samples: &[Vitals]) {
    let figures: [(&str, Figure, u64); 3] = [
        ("memory in KiB", |at| at.rss_kib, 8 << 10),
        ("descriptors", |at| at.descriptors, 40),
        ("threads", |at| at.threads, 10),
    ];
    for (name, figure, room) in figures {
        let samples: Vec<u64> = samples.iter().map(figure).collect();
        assert_eq!(growth(&samples, room), None, "{name}");
    }
}

/// Renamed files and folders go, and are closed, once their delay has passed.
fn assert_nothing_is_left(broker: &Broker) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let mut left = deleted_in(&broker.data_dir());
        let data = broker.data_dir();
        let ours = |at: &String| Path::new(at).starts_with(&data) && at.ends_with("(deleted)");
        left.extend(open_files(broker.pid()).into_iter().filter(ours));
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left behind:\n{}", left.join("\n"));
        thread::sleep(Duration::from_millis(100));
    }
}

fn deleted_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if ["-delete", "-stray", ".deleted"].iter().any(|end| name.ends_with(end)) {
            found.push(path.display().to_string());
        } else if path.is_dir() {
            found.extend(deleted_in(&path));
        }
    }
    found
}
