//! What is counted, of a request or of a stretch of time.

use std::collections::BTreeMap;
use std::fmt;

/// How many of these there are depends on when a thread had something to do: on the time that passes, for some part.
const WAITS: [&str; 3] = ["epoll_wait", "futex", "sched_yield"];

/// One of the numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    Instructions,
    Syscalls,
    /// System calls by which threads wait, and wake each other.
    Waits,
    Allocations,
}

impl Counter {
    pub const ALL: [Counter; 4] =
        [Counter::Instructions, Counter::Syscalls, Counter::Waits, Counter::Allocations];
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Counter::Instructions => "instructions",
            Counter::Syscalls => "system calls",
            Counter::Waits => "waits and wakes",
            Counter::Allocations => "allocations",
        })
    }
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub instructions: f64,
    pub allocations: f64,
    /// By the function that makes them; looks at the clock are none.
    pub syscalls: BTreeMap<String, f64>,
}

impl Counts {
    pub fn get(&self, counter: Counter) -> f64 {
        match counter {
            Counter::Instructions => self.instructions,
            Counter::Syscalls => self.syscalls_that(|name| !WAITS.contains(&name)),
            Counter::Waits => self.syscalls_that(|name| WAITS.contains(&name)),
            Counter::Allocations => self.allocations,
        }
    }

    fn syscalls_that(&self, wanted: impl Fn(&str) -> bool) -> f64 {
        let calls = self.syscalls.iter().filter(|(name, _)| wanted(name));
        calls.map(|(_, count)| count).sum()
    }

    /// How often a function calls the system.
    pub fn syscall(&self, function: &str) -> f64 {
        self.syscalls.get(function).copied().unwrap_or(0.0)
    }

    pub fn add_syscalls(&mut self, function: &str, count: f64) {
        *self.syscalls.entry(function.to_owned()).or_default() += count;
    }

    /// Which functions call the system how often, but for what seldom happens.
    pub fn shown_syscalls(&self) -> String {
        let seen = self.syscalls.iter().filter(|(_, count)| count.abs() >= 0.05);
        let all = seen.map(|(name, count)| format!("{name} {count:.1}"));
        all.collect::<Vec<_>>().join(", ")
    }

    /// Without so many times `other`.
    pub fn less(mut self, other: &Counts, times: f64) -> Counts {
        self.instructions -= other.instructions * times;
        self.allocations -= other.allocations * times;
        for (function, count) in &other.syscalls {
            self.add_syscalls(function, -count * times);
        }
        self
    }

    /// One of so many.
    pub fn over(mut self, parts: f64) -> Counts {
        self.instructions /= parts;
        self.allocations /= parts;
        self.syscalls.values_mut().for_each(|count| *count /= parts);
        self
    }
}
