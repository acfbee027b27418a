//! One scrape, taken apart by Prometheus's own strict parser for Python.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::http;

pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

/// The text format, line by line. Whether it is sound, [`strictly`] tells.
#[derive(Debug)]
pub struct Scrape {
    pub text: String,
    /// Values by what stands before them, labels included.
    pub values: BTreeMap<String, f64>,
}

impl Scrape {
    pub fn of(address: SocketAddr) -> Scrape {
        let page = http::get(address, "/metrics", "");
        assert_eq!(page.status, 200, "{page:?}");
        Scrape::read(page.body)
    }

    pub fn read(text: String) -> Scrape {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let values = samples.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            (series.to_owned(), value.parse().expect("a number"))
        });
        let values: BTreeMap<_, _> = values.collect();
        Scrape { text, values }
    }

    /// The value of a series, written as it stands in the page; 0 if it is not there.
    pub fn value(&self, series: &str) -> f64 {
        self.values.get(series).copied().unwrap_or(0.0)
    }

    /// The rows of a metric.
    pub fn rows(&self, name: &str) -> Vec<(&str, f64)> {
        let rows = self.values.iter().map(|(series, value)| (series.as_str(), *value));
        rows.filter(|(series, _)| series.split('{').next() == Some(name)).collect()
    }

    pub fn sum(&self, name: &str) -> f64 {
        self.rows(name).iter().map(|(_, value)| value).sum()
    }

    /// Names and types of all families, by the names that stand in the text format.
    pub fn families(&self) -> BTreeMap<String, String> {
        let types = self.text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let pair = |line: &str| line.split_once(' ').map(|(name, kind)| (name.into(), kind.into()));
        types.map(|line| pair(line).expect("a name and a type")).collect()
    }

    /// What counts up must never count down.
    pub fn assert_not_before(&self, earlier: &Scrape) {
        for (name, kind) in self.families() {
            let counts = |series: &str| match kind.as_str() {
                "counter" => series.split('{').next() == Some(&name),
                "histogram" => series.starts_with(&name),
                _ => false,
            };
            for (series, before) in earlier.values.iter().filter(|(series, _)| counts(series)) {
                let now = self.value(series);
                assert!(now >= *before, "{series} fell from {before} to {now}");
            }
        }
    }
}

/// Has a page parsed by `prometheus_client.parser`, or where it is OpenMetrics by `prometheus_client.openmetrics.parser`. Returns
/// how many samples it finds.
pub fn strictly(text: &str, openmetrics: bool) -> usize {
    let here = env!("CARGO_MANIFEST_DIR");
    let parser = if openmetrics { "openmetrics" } else { "text" };
    let mut child = Command::new(format!("{here}/target/peers/python/bin/python"))
        .arg(format!("{here}/tests/peers/python/exposition.py"))
        .arg(parser)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tests/run fetches Python's packages");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads all");
    let done = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{parser}: {said}\n{text}");
    let count = String::from_utf8_lossy(&done.stdout).trim().parse();
    count.expect("a number")
}
