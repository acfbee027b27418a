//! The machine that a test ran on, as far as the system tells.

use std::fs;

/// Names and values; what is not known is left out.
pub fn describe() -> Vec<(String, String)> {
    let processor = first_of("/proc/cpuinfo", "model name");
    let memory = first_of("/proc/meminfo", "MemTotal").and_then(|text| kib(&text));
    let cores = std::thread::available_parallelism().ok().map(|cores| cores.to_string());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let known = [
        ("klog", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("processor", processor),
        ("cores", cores),
        ("memory", memory.map(crate::output::size)),
        ("kernel", kernel.map(|text| format!("Linux {}", text.trim()))),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The first `name : value` of a file of /proc.
fn first_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kib(text: &str) -> Option<u64> {
    let number: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}
