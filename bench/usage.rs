//! What processes use: processor time and memory, as /proc and the clocks tell.

use std::fs;
use std::time::Instant;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};

use crate::broker::Broker;

/// What some work took.
#[derive(Clone, Copy, Default)]
pub struct Used {
    pub seconds: f64,
    /// The broker's processor time.
    pub broker_seconds: f64,
    /// This process's.
    pub client_seconds: f64,
}

impl std::ops::AddAssign for Used {
    fn add_assign(&mut self, more: Used) {
        self.seconds += more.seconds;
        self.broker_seconds += more.broker_seconds;
        self.client_seconds += more.client_seconds;
    }
}

/// Does `work`; tells what it took.
pub fn measure<T>(
    broker: &Broker,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Used)> {
    let own = || cpu_seconds("/proc/self/stat");
    let (client, cpu, clock) = (own()?, broker.cpu_seconds()?, Instant::now());
    let done = work()?;
    let seconds = clock.elapsed().as_secs_f64();
    let broker_seconds = broker.cpu_seconds()? - cpu;
    Ok((done, Used { seconds, broker_seconds, client_seconds: own()? - client }))
}

/// User and system time by a `stat` file of /proc, to a hundredth of a second.
pub fn cpu_seconds(stat: &str) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(stat)?;
    // The name, in brackets, may hold spaces; utime and stime are the 12th and 13th fields after it.
    let fields = stat.rsplit(')').next().context("/proc/PID/stat has a name")?;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap_or_default()).sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Of this thread, exactly.
pub fn thread_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// `VmRSS`, what a process holds, or `VmHWM`, the most that it has held, in MB.
pub fn memory_mb(process: u32, field: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = kib.with_context(|| format!("/proc/PID/status has {field}"))?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}
