//! Starting a `klog serve`, and finding out where it listens.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A broker that accepts connections.
pub struct Listening {
    pub child: Child,
    /// Kept open: a broker that cannot write its line would stop.
    _stdout: BufReader<ChildStdout>,
    /// `HOST:PORT`
    pub address: String,
}

/// Starts it and waits until it says that it listens. If it says something else, `log` is printed.
pub fn start(command: &mut Command, log: impl FnOnce() -> String) -> Listening {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdout = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("its stdout can be read");
    let Some(address) = line.trim_end().strip_prefix("listening on ") else {
        child.kill().ok();
        child.wait().ok();
        panic!("klog did not say that it listens, but {line:?}\n{}", log());
    };
    let address = address.to_owned();
    Listening { child, _stdout: stdout, address }
}
