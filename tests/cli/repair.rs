//! `klog dump-segment --verify` and `--repair` as commands: exit codes, JSON, what is refused and what is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use serde_json::Value;

use crate::dump_segment::copy;
use crate::seed::{chance, rounds};
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

#[test]
fn a_partition_that_was_here_by_the_metadata_log_and_a_checkpoint_is_missed() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    server.output_of(["topics", "create", "empty", "t", "-p", "1"]);
    server.produce("t", "one\n");
    assert!(server.stop().success());
    for folder in ["empty-0", "t-0"] {
        fs::remove_dir_all(data.path().join(folder)).expect("removed");
    }
    let path = data.path().to_str().expect("UTF-8");
    let missed = |args: &[&str], code: i32| {
        let done = klog_assert([&["dump-segment", "--format", "json", path], args].concat());
        let mut done = done;
        json(&done.assert().code(code).get_output().stdout)
    };
    let [_, finding] = &missed(&["--verify"], 1)[..] else { panic!("two things are wrong") };
    let folder = data.path().join("t-0");
    assert_eq!(
        (&finding["kind"], &finding["file"]),
        (&"missing-file".into(), &folder.to_str().into())
    );
    let is_it = |line: &Value| line["kind"] == "damage" && line["file"] == finding["file"];
    assert!(missed(&[], 1).iter().any(is_it));
    assert!(!missed(&["--topic", "other"], 0).iter().any(is_it));
    // A broker that was killed may not have made all of them: then it takes a checkpoint to tell that there was something.
    fs::remove_file(data.path().join(".kafka_cleanshutdown")).expect("removed");
    assert_eq!(missed(&["--verify"], 1).len(), 1);
    fs::remove_file(data.path().join("recovery-point-offset-checkpoint")).expect("removed");
    assert_eq!(missed(&["--verify"], 0), [] as [Value; 0]);
}

/// A log of many segments, one of them damaged, in a data directory of its own.
fn damaged() -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    server.output_of(["topics", "create", "t", "-p", "1", "-c", "segment.bytes=4096"]);
    let lines: String = (0..3000).map(|at| format!("record {at} of a log\n")).collect();
    server.klog(["produce", "t", "--batch-size", "512"]).write_stdin(lines).assert().success();
    assert!(server.stop().success());
    rot(data.path());
    data
}

/// A repair that has begun.
fn repair(folder: &Path) -> std::process::Child {
    let mut klog = Command::new(env!("CARGO_BIN_EXE_klog"));
    klog.args(["dump-segment", "--repair", "--in-place"]).arg(folder);
    klog.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("klog runs")
}

/// Folders that stand in a folder, but for those whose name says nothing of a repair.
fn of_repairs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with("damaged-") || name.ends_with("-stray")
    };
    entries.filter(is_it).collect()
}

#[test]
fn a_repair_that_is_killed_leaves_the_old_log_or_the_new_one_and_the_next_run_ends_it() {
    let original = damaged();
    let old = files(&original.path().join("t-0"));
    let whole = copy_of(original.path());
    let begun = Instant::now();
    assert!(repair(&whole.path().join("t-0")).wait().expect("it ends").success());
    let took = begun.elapsed().as_micros() as u64;
    let new = files(&whole.path().join("t-0"));
    assert_ne!(old, new);
    let (mut chance, mut olds, mut under_way) = (chance(), 0, 0);
    let count = rounds(300, 5);
    for _ in 0..count {
        let home = copy_of(original.path());
        let folder = home.path().join("t-0");
        let mut killed = repair(&folder);
        // Any moment will do.
        std::thread::sleep(Duration::from_micros(chance.random_range(0..=took + took / 4)));
        killed.kill().expect("it is killed");
        killed.wait().expect("it ends");
        let now = files(&folder);
        assert!(now == old || now == new, "neither the old state nor the new one");
        olds += u32::from(now == old);
        under_way += u32::from(!of_repairs(home.path()).is_empty());
        assert!(repair(&folder).wait().expect("it ends").success(), "a second run ends it");
        assert!(files(&folder) == new, "a second run ends it");
        assert_eq!(of_repairs(home.path()), [] as [PathBuf; 0]);
        let [kept] = &of_repairs(&folder)[..] else { panic!("what was damaged is kept once") };
        assert!(files(kept) == old, "all that was damaged is kept");
    }
    println!(
        "{took} µs each; killed {count} times: {olds} times the old state, {under_way} times with a folder under way"
    );
    assert!(under_way > 0, "no kill came while something was under way");
}

/// A copy of a data directory.
fn copy_of(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a folder");
    copy(from, to.path());
    to
}
