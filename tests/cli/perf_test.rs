//! `klog perf-test`

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::server::{Server, fresh, stderr};
use crate::signal::{self, Signal};

/// The one line of JSON that a test prints.
pub fn report(server: &Server, args: &[&str]) -> Value {
    let args = ["perf-test"].iter().chain(args).chain(&["--format", "json"]).copied();
    serde_json::from_str(&server.output_of(args)).expect("it prints one object")
}

fn number(report: &Value, field: &str) -> f64 {
    report[field].as_f64().unwrap_or_else(|| panic!("{field} in {report}"))
}

#[test]
fn an_open_loop_reports_all_records_in_the_shape_that_scripts_rely_on() {
    let (server, _data) = fresh();
    let load =
        ["produce", "--topic", "t", "--partitions", "2", "--rate", "2000", "--records", "1000"];
    let more = ["--record-size", "100", "--producers", "2", "--warmup", "200ms"];
    let report = report(&server, &[&load[..], &more].concat());
    let fields: Vec<&str> =
        report.as_object().expect("an object").keys().map(String::as_str).collect();
    for field in ["test", "records", "bytes", "seconds", "records_per_s", "mb_per_s", "errors"] {
        assert!(fields.contains(&field), "{field} in {report}");
    }
    for field in ["mean", "p50", "p90", "p99", "p99_9", "p99_99", "max"] {
        assert!(report["latency_ms"][field].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    }
    assert_eq!((&report["test"], &report["loop"]), (&"produce".into(), &"open".into()));
    assert_eq!((number(&report, "records"), number(&report, "bytes")), (1000.0, 100_000.0));
    assert_eq!((number(&report, "errors"), &report["note"]), (0.0, &Value::Null));
    assert!(number(&report, "seconds") >= 0.49, "a rate is kept: {report}");
    // The warm-up's 400 records are written, too.
    let written = server.output_of(["consume", "t", "-e", "--template", r"%K %V\n"]);
    assert_eq!(written.lines().filter(|line| *line == "-1 100").count(), 1400);
}

#[test]
fn a_closed_loop_says_that_its_latency_is_no_service_time() {
    let (server, data) = fresh();
    let lines = data.path().join("lines");
    std::fs::write(&lines, "one\ntwo\nthree\n").expect("it can be written");
    let lines = lines.to_str().expect("a path");
    let load = ["perf-test", "produce", "--topic", "t", "--partitions", "1", "--records", "301"];
    let assert = server.klog([&load[..], &["--payload", lines]].concat()).assert().success();
    assert!(stderr(&assert).contains("not a service time"), "{}", stderr(&assert));
    let table = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(table.starts_with("TEST") && table.contains("\nproduce      301 "), "{table}");
    let written = server.output_of(["consume", "t", "-e"]);
    assert_eq!(written.lines().filter(|line| *line == "one").count(), 101);

    let report = report(&server, &["produce", "--topic", "t", "--records", "10"]);
    assert!(report["note"].as_str().is_some_and(|note| note.contains("not a service time")));
}

#[test]
fn records_of_transactions_count_once_they_are_committed() {
    let (server, _data) = fresh();
    let load = ["produce", "--topic", "t", "--partitions", "1", "--records", "25"];
    let report = report(&server, &[&load[..], &["--transaction-size", "10"]].concat());
    assert_eq!((number(&report, "records"), number(&report, "errors")), (25.0, 0.0));
    let written = server.output_of(["consume", "t", "-e", "--template", r"%o\n"]);
    // Each of the three transactions ends with a marker.
    assert_eq!((written.lines().count(), written.lines().last()), (25, Some("26")));
}

#[test]
fn a_topic_that_is_not_as_asked_for_is_refused() {
    let (server, _data) = fresh();
    let load = ["perf-test", "produce", "--topic", "t", "--records", "1"];
    let missing = server.klog(load).assert().code(1);
    assert!(stderr(&missing).contains("hint: --partitions N creates it"), "{}", stderr(&missing));
    server.output_of(["topics", "create", "t", "-p", "3"]);
    let other = server.klog([&load[..], &["--partitions", "4"]].concat()).assert().code(1);
    assert!(stderr(&other).contains("topic t has 3 partitions, not 4"), "{}", stderr(&other));
}

#[test]
fn records_that_fail_are_counted_by_kind_and_the_exit_code_tells() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "1", "-c", "max.message.bytes=1000"]);
    let load = ["perf-test", "produce", "--topic", "t", "--records", "20", "--format", "json"];
    let assert = server.klog(load).assert().code(1);
    let report: Value = serde_json::from_slice(&assert.get_output().stdout).expect("one object");
    assert_eq!((number(&report, "records"), number(&report, "errors")), (0.0, 20.0));
    assert_eq!(report["errors_by_kind"]["MESSAGE_TOO_LARGE"], 20);
    assert!(stderr(&assert).contains("20 of 20 records failed: 20 MESSAGE_TOO_LARGE"));
}

#[test]
fn ctrl_c_ends_a_run_early_and_prints_what_was_seen() {
    let (server, data) = fresh();
    let log = data.path().join("load.hlog");
    let log_path = log.to_str().expect("a path");
    server.output_of(["topics", "create", "t", "-p", "1"]);
    let load = ["perf-test", "produce", "--topic", "t", "--rate", "500"];
    let more = ["--duration", "1h", "--format", "json", "--hdr", log_path];
    let mut process = server.process([&load[..], &more].concat());
    let mut child = process.stdout(Stdio::piped()).spawn().expect("it starts");
    server.klog(["consume", "t", "-n", "100"]).assert().success();
    signal::send(&child, Signal::INT);
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("it prints");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let report: Value = serde_json::from_str(&line).expect("one object");
    assert!(number(&report, "records") >= 100.0 && number(&report, "errors") == 0.0, "{report}");
    let log = std::fs::read_to_string(log).expect("the log is written");
    assert!(log.contains("#[Histogram log format version 1.2]\n"), "{log}");
    assert!(log.lines().last().is_some_and(|line| line.contains(",HISTFAAA")), "{log}");
}

#[test]
fn reading_ends_where_the_topic_ended_and_knows_no_latency() {
    let (server, _data) = fresh();
    let load = ["produce", "--topic", "t", "--partitions", "3", "--record-size", "100"];
    report(&server, &[&load[..], &["--records", "5000", "--transaction-size", "700"]].concat());
    for more in [&["--consumers", "2"][..], &["-g", "readers", "--consumers", "2"]] {
        let report = report(&server, &[&["consume", "--topic", "t"][..], more].concat());
        assert_eq!((number(&report, "records"), number(&report, "bytes")), (5000.0, 500_000.0));
        assert_eq!((&report["loop"], &report["latency_ms"]["p99"]), (&Value::Null, &Value::Null));
    }
    let report = report(&server, &["consume", "--topic", "t", "--records", "1234"]);
    assert_eq!(number(&report, "records"), 1234.0);
}

#[test]
fn pages_need_nothing_from_elsewhere() {
    let (server, data) = fresh();
    let page = data.path().join("page.html");
    let path = page.to_str().expect("a path");
    let written = || std::fs::read_to_string(&page).expect("the page is written");
    let load = ["produce", "--topic", "t", "--partitions", "1", "--rate", "1000"];
    report(&server, &[&load[..], &["--duration", "2s", "--html", path]].concat());
    assert_eq!(
        headings(&written()),
        ["Throughput", "Latency by percentile", "Latency over time", "Settings", "This machine"]
    );
    assert_alone(&written(), 3);

    let brokers = ["--a", &server.address, "--b", &server.address];
    let runs = ["--duration", "300ms", "--warmup", "0s", "--html", path];
    let args = [&["perf-test", "compare"], &brokers[..], &runs, &["--case", "produce-10k"]];
    let lines = server.output_of([&args.concat()[..], &["--format", "json"]].concat());
    let rows: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["measure"].as_str()).collect();
    assert_eq!(names, ["p50 ms", "p99 ms", "p99.9 ms"]);
    for row in &rows {
        assert_eq!(row["a"]["runs"].as_array().map(Vec::len), Some(2), "{row}");
        let medians = number(&row["a"], "median") / number(&row["b"], "median");
        assert!((medians - number(row, "ratio")).abs() < 1e-9, "{row}");
    }
    assert_alone(&written(), 3);
    let topics = server.output_of(["topics", "list"]);
    assert!(!topics.contains("klog-perf"), "a topic is left behind:\n{topics}");
}

fn headings(page: &str) -> Vec<&str> {
    page.split("<h2>").skip(1).filter_map(|rest| rest.split("</h2>").next()).collect()
}

/// Charts within the page, and no word of any other place.
fn assert_alone(page: &str, charts: usize) {
    assert_eq!(page.matches("<svg ").count(), charts, "{page}");
    for other in ["<script", "<link", "http:", "https:", "url(", "@import"] {
        assert!(!page.contains(other), "{other} in {page}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.ends_with("</html>\n"));
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn from_end_to_end_every_record_is_seen_by_a_consumer() {
    let (server, _data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "3"]);
    server.produce("t", "older\nthan the test\n");
    let load = ["end-to-end", "--topic", "t", "--rate", "1000", "--duration", "1s"];
    let more = ["--warmup", "100ms", "--producers", "2", "--consumers", "2"];
    let properties = ["-X", "fetch.min.bytes=1", "-X", "max.in.flight=5"];
    for how in [&[][..], &["--transaction-size", "10"]] {
        let report = report(&server, &[&load[..], &more, &properties, how].concat());
        assert_eq!((number(&report, "records"), number(&report, "errors")), (1000.0, 0.0));
        assert!(report["latency_ms"]["p50"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
    }
}
