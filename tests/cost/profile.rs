//! What callgrind counted, as it writes it down: <https://valgrind.org/docs/manual/cl-format.html>.

use std::collections::HashMap;

use crate::counts::Counts;

/// Rust's allocator as the program calls it, behind whatever path the compiler gives it.
const ALLOCATES: [&str; 3] = ["rust_alloc", "rust_alloc_zeroed", "rust_realloc"];
/// A system call under valgrind only: elsewhere it is answered in the process itself (vDSO).
const CLOCK: &str = "clock_gettime";
/// What the broker does by itself ten times a second begins here.
const TICK: &str = "klog::broker::background::flush";

/// What was counted over some time, in all threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    pub counts: Counts,
    /// How often the broker's background got a turn meanwhile.
    pub ticks: f64,
}

/// What a line of costs is about.
enum Costs<'a> {
    /// What a function did itself.
    Own(&'a str),
    /// What came of a function's calls of another.
    Call(&'a str, &'a str),
}

impl Profile {
    /// Reads a part of a profile whose events are `Ir sysCount …`, without positions by instruction.
    pub fn parse(text: &str) -> Profile {
        let mut profile = Profile::default();
        let mut names = HashMap::new();
        let (mut function, mut callee) = ("", "");
        let mut next = Costs::Own(function);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = named(&mut names, name);
                next = Costs::Own(function);
            } else if let Some(name) = line.strip_prefix("cfn=") {
                callee = named(&mut names, name);
            } else if let Some(calls) = line.strip_prefix("calls=") {
                profile.add_calls(callee, number(calls.split(' ').next()));
                next = Costs::Call(function, callee);
            } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
                profile.add_costs(&next, line);
                next = Costs::Own(function);
            }
        }
        profile
    }

    fn add_calls(&mut self, callee: &str, count: f64) {
        if ALLOCATES.contains(&short(callee)) {
            self.counts.allocations += count;
        } else if callee == TICK {
            self.ticks += count;
        }
    }

    /// Adds a line: a position, instructions, system calls and more; zeros at the end are left out.
    fn add_costs(&mut self, costs: &Costs<'_>, line: &str) {
        let mut numbers = line.split(' ').skip(1);
        let instructions = number(numbers.next());
        let calls = numbers.next().map_or(0.0, |count| number(Some(count)));
        let function = match *costs {
            Costs::Own(function) => {
                self.counts.instructions += instructions;
                (!makes_any(function)).then(|| short(function))
            }
            // Which call a function makes that makes any, its caller tells.
            Costs::Call(function, callee) => {
                (makes_any(callee) && !makes_any(function)).then(|| short(function))
            }
        };
        match function {
            Some(function) if calls > 0.0 && function != CLOCK => {
                self.counts.add_syscalls(function, calls);
            }
            _ => {}
        }
    }
}

/// The name that stands there, `(3) main`, or that stood there before, `(3)`.
fn named<'a>(names: &mut HashMap<&'a str, &'a str>, text: &'a str) -> &'a str {
    match text.split_once(' ') {
        Some((id, name)) => {
            names.insert(id, name);
            name
        }
        None => names.get(text).copied().expect("a name stands where it is used first"),
    }
}

fn number(text: Option<&str>) -> f64 {
    text.and_then(|text| text.parse().ok()).expect("callgrind writes a number")
}

/// `rustix::fs::sendfile` is `sendfile`, `__read@@GLIBC_2.2.5` is `read`. By libc's `syscall` locks wait.
fn short(function: &str) -> &str {
    let name = function.split('@').next().unwrap_or(function);
    match name.rsplit("::").next().unwrap_or(name).trim_start_matches('_') {
        "syscall" => "futex",
        name => name,
    }
}

/// rustix' `syscall3` and such, and from glibc 2.41 on what is behind each call that a thread can be cancelled in.
fn makes_any(function: &str) -> bool {
    let name = short(function);
    name.starts_with("syscall") || name.starts_with("internal_syscall")
}

#[test]
fn a_profile_is_read_as_the_format_says() {
    let text = "\
version: 1
positions: line
events: Ir sysCount sysTime
summary: 185 12 9

fn=(1) klog::main
0 100
cfn=(2) __rustc::__rust_alloc
calls=3 0
0 60
cfn=(4) clock_gettime@@GLIBC_2.17
calls=2 0
0 6 2 1
cfn=(7) klog::broker::background::flush
calls=4 0
0 6 2 1

fn=(2)
0 60
cfn=(3) mi_malloc
calls=3 0
0 30

fn=(4)
+1 6 2 1
fn=(5) recv@@GLIBC_2.2.5
* 5 3 8

fn=(9) syscall
0 7 4

fn=(6) rustix::backend::fs::syscalls::sendfile
0 2
cfn=(8) rustix::backend::arch::asm::syscall4
calls=3 0
0 5 3

fn=(8)
0 5 3
";
    let syscalls = [("recv", 3.0), ("sendfile", 3.0), ("futex", 4.0)];
    let syscalls = syscalls.map(|(name, count)| (name.to_owned(), count));
    let counts =
        Counts { instructions: 185.0, allocations: 3.0, syscalls: syscalls.into_iter().collect() };
    assert_eq!(Profile::parse(text), Profile { counts, ticks: 4.0 });
}
