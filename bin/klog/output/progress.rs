//! A bar or spinner on stderr, for work that may take long; nothing where stderr is no terminal.

use std::fs::File;
use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a command has come. Ticks by itself; costs nothing when hidden.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows nothing.
    pub fn hidden() -> Progress {
        Progress { bar: ProgressBar::hidden() }
    }

    /// What is read from stdin: nothing if that is a terminal, where the bar would stand in what is typed.
    pub fn for_stdin(shown: bool) -> Progress {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            return Progress::hidden();
        }
        let file = stdin.as_fd().try_clone_to_owned().ok().map(File::from);
        let metadata = file.and_then(|file| file.metadata().ok());
        Progress::bytes(shown, metadata.filter(|m| m.is_file()).map(|m| m.len()))
    }

    /// Files that are read; nothing for what takes no time.
    pub fn of_files(shown: bool, total: u64) -> Progress {
        const LONG: u64 = 256 << 20;
        Progress::bytes(shown && total >= LONG, Some(total))
    }

    /// The same while lines are printed: nothing where they go to a terminal too, among which the bar would stand.
    pub fn between_lines(shown: bool, total: u64) -> Progress {
        Progress::of_files(shown && !std::io::stdout().is_terminal(), total)
    }

    /// A bar if the number of bytes is known, else a spinner with counts.
    pub fn bytes(shown: bool, total: Option<u64>) -> Progress {
        if !shown {
            return Progress::hidden();
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {msg} {eta}",
            ),
            None => (ProgressBar::no_length(), "{spinner} {bytes} {bytes_per_sec} {msg}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar }
    }

    /// A bar over the time that the work is to take; a spinner where that is not known.
    pub fn of_time(shown: bool, total: Option<Duration>) -> Progress {
        if !shown {
            return Progress::hidden();
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(millis(total)), "{bar:20} {msg}"),
            None => (ProgressBar::no_length(), "{spinner} {msg}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress { bar }
    }

    /// So much of the time has gone.
    pub fn time_goes(&self, elapsed: Duration, what: impl FnOnce() -> String) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(millis(elapsed));
        self.bar.set_message(what());
    }

    /// More bytes are done; `records` in all.
    pub fn advance(&self, bytes: u64, records: u64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.inc(bytes);
        self.bar.set_message(format!("{records} records"));
    }

    /// More bytes are done; `what` says what was found.
    pub fn advance_to(&self, bytes: u64, what: impl FnOnce() -> String) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.inc(bytes);
        self.bar.set_message(what());
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
