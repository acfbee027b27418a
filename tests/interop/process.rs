//! Child processes with a deadline: a test that waits for ever tells nothing.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What a finished child said.
#[derive(Debug)]
pub struct Finished {
    pub ok: bool,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Finished {
    /// Standard output of a child that must have succeeded.
    pub fn output(self) -> Vec<u8> {
        assert!(self.ok, "failed: {}\n{}", self.stderr, String::from_utf8_lossy(&self.stdout));
        self.stdout
    }

    pub fn text(self) -> String {
        String::from_utf8(self.output()).expect("the output is UTF-8")
    }
}

/// Runs `command` with `input` on its stdin; kills it and panics after `deadline`.
pub fn run(command: &mut Command, input: &[u8], deadline: Duration) -> Finished {
    Running::start(command, input).finish(deadline)
}

/// A child whose output is gathered while the test goes on.
pub struct Running {
    name: String,
    child: Child,
    stdout: Gathered,
    stderr: Gathered,
}

/// What came through a pipe so far, and the thread that reads it.
struct Gathered(Arc<Mutex<Vec<u8>>>, Option<thread::JoinHandle<()>>);

impl Running {
    pub fn start(command: &mut Command, input: &[u8]) -> Running {
        let name = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: {e}; tests/peers/get fetches what is missing"));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = input.to_vec();
        // A child that ends early closes its stdin; its exit code says why.
        thread::spawn(move || stdin.write_all(&input).ok());
        let stdout = Gathered::from(child.stdout.take().expect("stdout is piped"));
        let stderr = Gathered::from(child.stderr.take().expect("stderr is piped"));
        Running { name, child, stdout, stderr }
    }

    /// Waits until the child has printed `lines` lines.
    pub fn wait_for_lines(&self, lines: usize, deadline: Duration) {
        let end = Instant::now() + deadline;
        while self.stdout.lines() < lines {
            assert!(Instant::now() < end, "{} printed {} lines", self.name, self.stdout.lines());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn finish(mut self, deadline: Duration) -> Finished {
        let end = Instant::now() + deadline;
        let (status, late) = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break (status, false);
            }
            if Instant::now() > end {
                self.child.kill().ok();
                break (self.child.wait().expect("a killed child ends"), true);
            }
            thread::sleep(Duration::from_millis(5));
        };
        let stdout = self.stdout.all();
        let stderr = String::from_utf8_lossy(&self.stderr.all()).into_owned();
        assert!(
            !late,
            "{} still ran after {deadline:?}\n{stderr}\n{}",
            self.name,
            String::from_utf8_lossy(&stdout)
        );
        Finished { ok: status.success(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Gathered {
    fn from(mut pipe: impl Read + Send + 'static) -> Gathered {
        let all = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&all);
        let reader = thread::spawn(move || {
            let mut piece = vec![0; 1 << 16];
            while let Ok(n @ 1..) = pipe.read(&mut piece) {
                sink.lock().expect("nobody panics with the output").extend_from_slice(&piece[..n]);
            }
        });
        Gathered(all, Some(reader))
    }

    fn lines(&self) -> usize {
        let all = self.0.lock().expect("nobody panics with the output");
        all.iter().filter(|byte| **byte == b'\n').count()
    }

    /// All of the output; the child has ended.
    fn all(&mut self) -> Vec<u8> {
        if let Some(reader) = self.1.take() {
            reader.join().expect("the reader does not panic");
        }
        std::mem::take(&mut *self.0.lock().expect("nobody panics with the output"))
    }
}
