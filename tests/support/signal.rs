//! Signals to processes that a test started. Not by `kill`: it is a package of its own on Debian (procps).

use std::process::Child;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Sends one. The child must not have been waited for.
pub fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("a child can be signalled");
}
