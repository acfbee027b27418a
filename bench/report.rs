//! The report: what was measured, on what, and what it should come to.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::broker::Subject;
use crate::cases::{Case, ROWS, settings};
use crate::figure::{Figure, are_judged};
use crate::options::Options;
use crate::table::{Leg, judge, markdown};

const ABOUT: &str = "\
One machine runs both brokers in turns, A B B A, and the client beside them; every turn begins on a fresh broker with a fresh data directory, and
warms up. A figure is the median of its turns, in brackets the lowest and the highest. MB and GB are 10⁶ and 10⁹ bytes. *Bare* is the same work
without a broker, measured in the turns of klog.

**Durability.** Both brokers run with their own defaults: acks=1 and acks=all are given when the record is in the page cache. klog then syncs what
was written every second (`flush.ms`), Kafka leaves that to the system. In row 4 both sync each record before it is acknowledged
(`flush.messages=1`). Kafka's JVM has the flags of its own start script, with a heap of 1 GiB; in row 6 of 512 MiB.
";

pub struct Report<'a> {
    options: &'a Options,
    subjects: [&'a Subject; 2],
    machine: Vec<(&'static str, String)>,
    /// In the order of measuring; an error says why there are no figures.
    done: Vec<(Case, Result<Vec<Leg>, String>)>,
}

impl<'a> Report<'a> {
    pub fn new(options: &'a Options, subjects: [&'a Subject; 2]) -> Report<'a> {
        Report { options, subjects, machine: machine(&options.dir), done: Vec::new() }
    }

    pub fn add(&mut self, case: Case, result: Result<Vec<Leg>, String>) {
        self.done.push((case, result));
    }

    /// Writes what there is so far: a long run that breaks off keeps it.
    pub fn write(&self) -> anyhow::Result<()> {
        let Some(path) = &self.options.report else { return Ok(()) };
        let [a, b] = self.subjects;
        let mut text = format!("# {a} beside {b}\n\n{ABOUT}\n| | |\n|---|---|\n");
        for (name, value) in &self.machine {
            text.push_str(&format!("| {name} | {value} |\n"));
        }
        let again = command(if self.options.all { " --all" } else { "" });
        text.push_str(&format!("| again | `{again}` |\n"));
        if self.options.smoke {
            text.push_str("\n**A smoke run: the sizes are tiny, and the figures mean nothing.**\n");
        }
        text.push_str(&self.overview());
        for (row, title) in ROWS {
            let section = self.section(row);
            if !section.is_empty() {
                let settings = settings(row, self.options);
                text.push_str(&format!("\n## {row}. {title}\n\n{settings}\n{section}"));
            }
        }
        Ok(fs::write(path, text)?)
    }

    /// How many aims of each row are met.
    fn overview(&self) -> String {
        if !are_judged(self.subjects) {
            return String::new();
        }
        let mut text =
            String::from("\n| row | aims met | missed | not measured |\n|---|--:|--:|--:|\n");
        for (row, title) in ROWS {
            let mut counts = [0; 3];
            for (case, legs) in &self.done {
                let legs = legs.as_deref().unwrap_or_default();
                for (count, more) in counts.iter_mut().zip(judge(legs, in_row(*case, row))) {
                    *count += more;
                }
            }
            let [met, missed, unknown] = counts;
            let has_failed =
                self.done.iter().any(|(case, legs)| case.row() == Some(row) && legs.is_err());
            if has_failed {
                text.push_str(&format!("| {row}. {title} | | | all |\n"));
            } else if counts != [0; 3] {
                text.push_str(&format!("| {row}. {title} | {met} | {missed} | {unknown} |\n"));
            }
        }
        text
    }

    fn section(&self, row: u8) -> String {
        let mut text = String::new();
        for (case, result) in &self.done {
            let wanted = in_row(*case, row);
            match result {
                Err(why) if case.row() == Some(row) => {
                    text.push_str(&format!("\nNot measured: {}\n", why.trim()));
                }
                Ok(legs) if legs.iter().flat_map(|leg| &leg.figures).any(&wanted) => {
                    let again = command(&format!(" {}", case.name()));
                    let table = markdown(legs, self.subjects, wanted);
                    text.push_str(&format!("\n{table}\nAgain: `{again}`\n"));
                }
                _ => {}
            }
        }
        text
    }
}

fn in_row(case: Case, row: u8) -> impl Fn(&Figure) -> bool {
    move |figure| figure.row.or(case.row()) == Some(row)
}

/// The command that measures this again.
fn command(what: &str) -> String {
    let cases: Vec<String> =
        <Case as clap::ValueEnum>::value_variants().iter().map(|case| case.name()).collect();
    let rest = std::env::args()
        .skip(1)
        .filter(|word| !["--bench", "--all"].contains(&word.as_str()) && !cases.contains(word));
    let rest: String = rest.map(|word| format!(" {word}")).collect();
    format!("bench/run{what}{rest}")
}

/// What the figures depend on; what the system does not tell is left out.
fn machine(dir: &Path) -> Vec<(&'static str, String)> {
    let output = |program: &str, words: &[&str]| {
        let output =
            Command::new(program).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let named = |path: &str, name: &str| {
        let text = read(path);
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let gib = named("/proc/meminfo", "MemTotal").and_then(|text| {
        let kib: f64 = text.strip_suffix(" kB")?.parse().ok()?;
        Some(format!("{:.1} GiB", kib / f64::from(1 << 20)))
    });
    let dirty = output("git", &["status", "--porcelain", "--untracked-files=no"]);
    let dirty = if dirty.is_some_and(|changes| !changes.is_empty()) { ", changed" } else { "" };
    let known = [
        ("commit", output("git", &["rev-parse", "--short=7", "HEAD"]).map(|id| id + dirty)),
        ("date", output("date", &["--utc", "+%Y-%m-%d"])),
        ("processor", named("/proc/cpuinfo", "model name")),
        ("cores", std::thread::available_parallelism().ok().map(|cores| cores.to_string())),
        ("memory", gib),
        ("kernel", Some(format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()))),
        ("file system", dir.to_str().and_then(|dir| output("stat", &["-fc", "%T", dir]))),
        ("build", Some(if cfg!(debug_assertions) { "debug" } else { "release" }.into())),
        ("Java", output("java", &["--version"]).and_then(|text| Some(text.lines().next()?.into()))),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
