//! `klog serve`

use std::fs;
use std::os::unix::net::UnixDatagram;

use crate::server::{Server, klog_assert, stderr};

#[test]
fn a_data_directory_in_use_is_refused_with_the_pid_that_holds_it() {
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path());
    let path = data.path().to_str().expect("it is UTF-8");
    let assert =
        klog_assert(["serve", "--listen", "127.0.0.1:0", "--data-dir", path]).assert().code(1);
    let said = stderr(&assert);
    assert!(said.contains(&server.pid().to_string()), "{said}");
    assert!(said.contains(path), "{said}");
}

#[test]
fn readiness_is_told_to_the_one_who_asked() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut child = crate::server::klog()
        .args(["serve", "--listen", "127.0.0.1:0", "-q", "--data-dir"])
        .arg(data.path().join("data"))
        .env("NOTIFY_SOCKET", &path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("klog runs");
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).expect("a message");
    assert_eq!(&buffer[..length], b"READY=1");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn a_wrong_config_file_is_refused_with_every_line_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("klog.yaml");
    fs::write(&file, "node.id: 1\nlog.segment.byte: 5\nnum.partitions: none\n")
        .expect("it can be written");
    let path = file.to_str().expect("it is UTF-8");
    let said = stderr(&klog_assert(["serve", "--config", path, "--check"]).assert().code(1));
    for part in ["log.segment.byte", "log.segment.bytes", "num.partitions", "2", "3"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_sound_config_file_passes_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.properties");
    fs::write(&file, "num.partitions=3\nlog.segment.bytes=1048576\n").expect("it can be written");
    let path = file.to_str().expect("it is UTF-8");
    klog_assert(["serve", "--config", path, "--check"]).assert().success();
    let output =
        klog_assert(["serve", "--config", path, "--set", "num.partitions=5", "--print-config"])
            .assert()
            .success()
            .get_output()
            .stdout
            .clone();
    let printed = String::from_utf8(output).expect("it is UTF-8");
    let line = |key: &str| {
        let found = printed.lines().find(|line| line.split_whitespace().next() == Some(key));
        found.unwrap_or_else(|| panic!("{key} is missing:\n{printed}"))
    };
    assert!(
        line("num.partitions").contains(" 5 ") && line("num.partitions").contains("command line"),
        "{printed}"
    );
    assert!(line("log.segment.bytes").contains("line 2"), "{printed}");
    assert!(
        line("log.retention.ms").contains("default")
            || line("log.retention.hours").contains("default")
    );
}

#[test]
fn a_listener_open_to_others_needs_a_word() {
    let data = tempfile::tempdir().expect("a folder");
    let path = data.path().to_str().expect("it is UTF-8");
    let said = stderr(
        &klog_assert(["serve", "--listen", "0.0.0.0:0", "--data-dir", path, "--check"])
            .assert()
            .code(1),
    );
    assert!(said.contains("klog.allow.anonymous.listeners"), "{said}");
}
