//! What of a data directory was removed between two starts is told, with what to do; a broker never quietly begins anew beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::server::{Server, klog_assert, stderr};

/// A broker that was stopped cleanly, after it took 300 records in several segments.
fn left_behind() -> tempfile::TempDir {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    server.output_of(["topics", "create", "t", "-p", "1", "-c", "segment.bytes=1500"]);
    for from in [0, 100, 200] {
        server.produce("t", &(from..from + 100).map(|n| format!("{n}\n")).collect::<String>());
    }
    assert!(server.stop().success());
    data
}

/// The partition's segment files, in order.
fn segments(data: &Path) -> Vec<PathBuf> {
    let folder = data.join("t-0");
    let mut segments: Vec<_> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("a name").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "log"))
        .collect();
    segments.sort();
    segments
}

/// What a broker logs that starts over `data`, while `work` is done with it, and is then stopped.
fn logged(data: &Path, work: impl FnOnce(&Server)) -> String {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let server = Server::start_logging(data, log.path());
    work(&server);
    assert!(server.stop().success());
    fs::read_to_string(log.path()).expect("UTF-8")
}

#[test]
fn a_start_without_the_metadata_or_without_meta_properties_is_refused_and_changes_nothing() {
    for (name, told) in [
        ("__cluster_metadata-0", "metadata.log.dir"),
        ("meta.properties", "printf '%s\\n' 'cluster.id="),
    ] {
        let data = left_behind();
        let away = tempfile::tempdir().expect("a folder");
        let (here, there) = (data.path().join(name), away.path().join(name));
        fs::rename(&here, &there).expect("it is there");
        let path = data.path().to_str().expect("it is UTF-8");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", path];
        let said = stderr(&klog_assert(serve).assert().code(1));
        assert!(said.contains(told) && said.contains(path) && said.contains(name), "{said}");
        let command = said.rsplit_once("is: ").map(|(_, command)| command);
        match command {
            // Done as it says.
            Some(command) => {
                let status = std::process::Command::new("sh").args(["-c", command]).status();
                assert!(status.expect("a shell").success(), "{command}");
            }
            None => fs::rename(&there, &here).expect("it can be put back"),
        }
        let log = logged(data.path(), |server| {
            assert_eq!(server.output_of(["consume", "t", "-e", "-q"]).lines().count(), 300);
        });
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
        assert!(
            !log.contains("recovered"),
            "a refused start takes the mark of a clean stop: {log}"
        );
    }
}

#[test]
fn a_partition_that_is_gone_is_told_and_gives_no_offset_out_twice() {
    let data = left_behind();
    fs::remove_dir_all(data.path().join("t-0")).expect("it is there");
    let log = logged(data.path(), |server| {
        server.produce("t", "later\n");
        let found = server.output_of(["consume", "t", "-e", "-q", "--format", "json"]);
        assert!(found.contains("\"offset\":300") && found.lines().count() == 1, "{found}");
    });
    let line = log.lines().find(|line| line.contains("ERROR")).expect("a line");
    assert!(line.contains("the log is gone") && line.contains("partition=t-0"), "{line}");
    assert!(line.contains("end=300"), "{line}");
}

#[test]
fn a_segment_that_is_gone_is_told_before_what_stands_behind_it_is_read() {
    let data = left_behind();
    let segments = segments(data.path());
    let base = |at: usize| -> i64 {
        segments[at].file_stem().and_then(|stem| stem.to_str()?.parse().ok()).expect("an offset")
    };
    for end in ["log", "index", "timeindex", "snapshot"] {
        fs::remove_file(segments[1].with_extension(end)).expect("it is there");
    }
    let log = logged(data.path(), |server| {
        let left = 300 - (base(2) - base(1));
        let read = server.output_of(["consume", "t", "-e", "-q"]).lines().count();
        assert_eq!(i64::try_from(read).expect("small"), left);
    });
    let line = log.lines().find(|line| line.contains("records are missing")).expect("a line");
    let told = format!("from={} up_to={}", base(1), base(2) - 1);
    assert!(line.contains(&told) && line.contains("klog dump-segment --verify"), "{line}");
    assert_eq!(log.matches("records are missing").count(), 1, "{log}");
}

#[test]
fn a_topic_is_described_without_waiting_for_its_partition_that_is_offline() {
    let data = left_behind();
    fs::write(&segments(data.path())[1], "").expect("it can be emptied");
    let server = Server::start(data.path());
    let mut describe = server.klog(["topics", "describe", "t", "--format", "json"]);
    let assert = describe.timeout(Duration::from_secs(10)).assert().success();
    assert_eq!(stderr(&assert), "");
    let told = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(told.contains("\"offline\":[1]"), "{told}");
}

#[test]
fn what_is_rebuilt_is_named() {
    let data = left_behind();
    let lost = segments(data.path())[0].with_extension("timeindex");
    fs::remove_file(&lost).expect("it is there");
    let log = logged(data.path(), |server| {
        assert_eq!(server.output_of(["consume", "t", "-e", "-q"]).lines().count(), 300);
    });
    let line = log.lines().find(|line| line.contains("recovered a log")).expect("a line");
    let name = lost.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    assert!(line.contains(&format!("rebuilt={name:?}")), "{line}");
    assert!(line.contains(&format!("folder={}", data.path().join("t-0").display())), "{line}");
}
