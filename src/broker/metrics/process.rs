//! What the process takes of its machine, under the names that Prometheus has for that in any program. What this system does
//! not tell is left out.

use std::fmt::Result;
use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::sheet::Sheet;

/// Writes it.
pub fn write(sheet: &mut Sheet<'_>, started_ms: i64) -> Result {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    sheet.counter(
        "process_cpu_seconds",
        "Processor time that klog took, in user and system mode",
        cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
    )?;
    sheet.gauge(
        "process_start_time_seconds",
        "When klog was started, since 1970",
        started_ms as f64 / 1e3,
    )?;
    if let Some(open) = open_descriptors() {
        sheet.gauge("process_open_fds", "File descriptors that are open", open)?;
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        sheet.gauge("process_max_fds", "File descriptors that may be open", most)?;
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |field| number(&status, field).map(|kib| kib * 1024);
    if let Some(bytes) = kib("VmRSS:") {
        sheet.gauge("process_resident_memory_bytes", "Memory that is held in RAM", bytes)?;
    }
    if let Some(bytes) = kib("VmSize:") {
        sheet.gauge("process_virtual_memory_bytes", "Address space that is mapped", bytes)?;
    }
    if let Some(threads) = number(&status, "Threads:") {
        sheet.gauge("process_threads", "Threads that run", threads)?;
    }
    sheet.gauges(
        "klog_build_info",
        "Which klog this is; always 1",
        [([("version", env!("CARGO_PKG_VERSION"))], 1_u64)],
    )
}

fn open_descriptors() -> Option<u64> {
    // Without the one that they are listed by.
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

/// A field of `/proc/self/status`.
fn number(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
