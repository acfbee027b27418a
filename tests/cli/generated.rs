//! `completions/` and `man/` are what klog itself prints. `KLOG_BLESS=1 cargo test --test cli generated` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::server::klog_assert;

const COMMANDS: [&str; 10] = [
    "serve",
    "produce",
    "consume",
    "topics",
    "groups",
    "transactions",
    "dump-segment",
    "perf-test",
    "completions",
    "man",
];

fn printed(args: &[&str]) -> String {
    let output = klog_assert(args).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("it is UTF-8")
}

/// Every committed file with what klog prints for it.
fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for (shell, name) in [
        ("bash", "klog.bash"),
        ("zsh", "_klog"),
        ("fish", "klog.fish"),
        ("elvish", "klog.elv"),
        ("powershell", "_klog.ps1"),
    ] {
        files.push((root.join("completions").join(name), printed(&["completions", shell])));
    }
    files.push((root.join("man/klog.1"), printed(&["man"])));
    for command in COMMANDS {
        let path = root.join(format!("man/klog-{command}.1"));
        files.push((path, printed(&["man", command])));
    }
    files
}

#[test]
fn committed_completions_and_manual_pages_are_what_klog_prints() {
    let bless = std::env::var_os("KLOG_BLESS").is_some();
    for (path, text) in files() {
        if bless {
            fs::create_dir_all(path.parent().expect("it is in a folder"))
                .expect("the folder can be made");
            fs::write(&path, &text).expect("it can be written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{} is out of date: KLOG_BLESS=1 cargo test --test cli generated",
            path.display()
        );
    }
}

#[test]
fn every_command_has_a_committed_manual_page() {
    let help = printed(&["--help"]);
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed, COMMANDS);
}
