//! Rank 5. The `klog` command line: reads arguments, calls the library, prints. It is the only room that knows clap,
//! comfy-table, indicatif and anyhow, and it holds no rule of Kafka's: those live in the library.
//!
//! [`cli`] declares the commands, [`cmd`] runs them, [`values`] reads what is typed (durations, sizes, times, offsets),
//! [`record`] is the shape of records on stdin and stdout, [`output`] is everything printed, [`exit`] turns what went wrong
//! into words and an exit code, [`connect`] goes from options to a connected client.

mod admin_args;
mod cli;
mod client_args;
mod cluster;
mod cmd;
mod connect;
mod exit;
mod logging;
mod output;
mod producer_args;
mod record;
mod signals;
mod values;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args_os().any(|arg| arg == "serve") {
        take_small_pages();
    }
    exit::install_panic_message();
    match std::panic::catch_unwind(|| cli::run(std::env::args_os())) {
        Ok(code) => code,
        Err(_) => exit::Kind::Internal.into(),
    }
}

/// The allocator asks for huge pages, of which each takes 2 MiB for the first byte in it: of the memory of a broker at rest that was
/// the most, half of it from before its arguments were looked at. What is large in a broker, the logs, is the page cache's; producers
/// and consumers have large buffers, and are a tenth faster with them.
fn take_small_pages() {
    // Where they cannot be refused, a broker takes more memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
