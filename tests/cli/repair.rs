//! `klog dump-segment --verify` and `--repair` as commands: exit codes, JSON, what is refused and what is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::server::{Server, klog_assert, stderr};

/// A data directory with a topic of one partition, after a clean stop.
fn stopped() -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    let lines: String = (0..200).map(|at| format!("record {at}\n")).collect();
    server.klog(["produce", "t", "--batch-size", "512"]).write_stdin(lines).assert().success();
    assert!(server.stop().success());
    data
}

fn segment(data: &Path) -> std::path::PathBuf {
    data.join("t-0/00000000000000000000.log")
}

/// Flips a bit in the middle of the log.
fn rot(data: &Path) {
    let mut bytes = fs::read(segment(data)).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(segment(data), bytes).expect("written");
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("readable"))
        })
        .collect()
}

fn json(output: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(output);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_finding_is_an_object_with_the_command_that_mends_it_and_the_exit_code_is_1() {
    let data = stopped();
    let verify = |code: i32| {
        let path = data.path().to_str().expect("UTF-8");
        let done = klog_assert(["dump-segment", "--verify", "--deep", "--format", "json", path]);
        let mut done = done;
        json(&done.assert().code(code).get_output().stdout)
    };
    assert_eq!(verify(0), [] as [Value; 0]);
    rot(data.path());
    let [finding] = &verify(1)[..] else { panic!("one thing is wrong") };
    assert_eq!(finding["kind"], "crc-mismatch");
    assert_eq!(finding["file"], segment(data.path()).to_str().expect("UTF-8"));
    assert!(finding["position"].is_u64() && finding["offset"].is_i64(), "{finding}");
    let fix = finding["fix"].as_str().expect("a command");
    let words: Vec<&str> = fix.strip_prefix("klog ").expect("it is klog's").split(' ').collect();
    klog_assert(words).assert().success();
    assert_eq!(verify(0), [] as [Value; 0]);
}

#[test]
fn a_dry_run_tells_what_would_be_lost_and_changes_nothing() {
    let data = stopped();
    rot(data.path());
    let folder = data.path().join("t-0");
    let before = files(&folder);
    let path = folder.to_str().expect("UTF-8");
    for how in [&["--in-place"][..], &["--to", "/nonexistent/rescued"]] {
        let words = [&["dump-segment", "--repair", "--dry-run", "--format", "json"], how, &[path]];
        let done = klog_assert(words.concat()).assert().success();
        let told = json(&done.get_output().stdout);
        let lost = told.iter().find(|line| line["kind"] == "lost").expect("something is lost");
        assert!(lost["first_offset"].as_i64() <= lost["last_offset"].as_i64(), "{lost}");
        assert!(lost["position"].as_u64() < lost["end"].as_u64(), "{lost}");
        assert_eq!(lost["dry_run"], true);
    }
    assert_eq!(files(&folder), before);
    assert!(!Path::new("/nonexistent").exists());
}

#[test]
fn what_a_broker_holds_is_refused_with_its_pid() {
    let data = stopped();
    rot(data.path());
    let server = Server::start(data.path());
    let folder = data.path().join("t-0");
    let rescued = data.path().join("rescued");
    let (folder, to) = (folder.to_str().expect("UTF-8"), rescued.to_str().expect("UTF-8"));
    for how in [&["--in-place"][..], &["--to", to]] {
        let words = [&["dump-segment", "--repair"], how, &[folder]];
        let refused = klog_assert(words.concat()).assert().code(1);
        let said = stderr(&refused);
        assert!(said.contains(&format!("process {}", server.pid())), "{said}");
        assert!(said.contains("hint: stop the broker first"), "{said}");
    }
    assert!(!rescued.exists());
}

#[test]
fn a_copy_is_written_nowhere_where_something_stands() {
    let data = stopped();
    let to = tempfile::tempdir().expect("a folder");
    fs::create_dir(to.path().join("t-0")).expect("made");
    let (path, to) = (data.path().to_str().expect("UTF-8"), to.path().to_str().expect("UTF-8"));
    let refused = klog_assert(["dump-segment", "--repair", "--to", to, path]).assert().code(1);
    assert!(stderr(&refused).contains("is there already"), "{}", stderr(&refused));
}
