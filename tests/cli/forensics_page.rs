//! docs/forensics.md: each command is run as it stands there, and prints what stands below it. `KLOG_BLESS=1` writes the page anew.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// The page with what the commands print now.
fn printed(page: &str) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let bin = home.path().join("bin");
    fs::create_dir(&bin).expect("it can be made");
    let klog = env!("CARGO_BIN_EXE_klog");
    // What serves listens on the free port, and has listened before the next command begins.
    let wrapper = format!(
        "#!/bin/sh\ncase $1 in serve) set -- \"$@\" --listen {address};; esac\nexec {klog} \"$@\"\n"
    );
    fs::write(bin.join("klog"), wrapper).expect("it can be written");
    fs::set_permissions(bin.join("klog"), fs::Permissions::from_mode(0o755))
        .expect("it can be set");
    let mut script = "exec 2>&1\ntrap 'kill $(jobs -p) 2> errors' EXIT\n".to_owned();
    for (at, command) in commands(page).iter().enumerate() {
        let command = match command.strip_suffix(" &") {
            Some(served) => format!(
                "rm -f serve.log; {served} > serve.log 2>&1 &\nuntil grep -qs listening serve.log; do sleep 0.02; done"
            ),
            None => (*command).to_owned(),
        };
        script.push_str(&format!("echo '@@@ {at}'\n{command}\n"));
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("there is a PATH"));
    let mut bash = Command::new("timeout");
    bash.args(["120", "bash", "-c", &script]).current_dir(home.path());
    bash.env("PATH", path).env("KLOG_BOOTSTRAP_SERVERS", &address).env("NO_COLOR", "1");
    let output = bash.output().expect("bash runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let marker = Regex::new(r"(?m)^@@@ [0-9]+\n").expect("a pattern");
    let mut outputs = marker.split(&text).skip(1);
    let mut out = String::new();
    let mut in_block = false;
    for line in page.lines() {
        in_block = match line {
            "```console" => true,
            "```" => false,
            _ => in_block,
        };
        let is_output = in_block && line != "```console" && !line.starts_with("$ ");
        if !is_output {
            out.push_str(line);
            out.push('\n');
        }
        if in_block && line.starts_with("$ ") {
            out.push_str(outputs.next().unwrap_or("(it was not reached)\n"));
        }
    }
    out
}

fn commands(page: &str) -> Vec<&str> {
    page.split("```console\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap_or_default().lines())
        .filter_map(|line| line.strip_prefix("$ "))
        .collect()
}

/// Times and checksums are others each time, and so is how wide a column with a time is not.
fn steady(page: &str) -> String {
    let time = Regex::new(r"[0-9]{8}T[0-9]{6}Z").expect("a pattern");
    let sum = Regex::new(r"\b[0-9a-f]{8}\b").expect("a pattern");
    sum.replace_all(&time.replace_all(page, "TIME"), "CRC").into_owned()
}

#[test]
fn every_command_of_the_page_on_damage_prints_what_stands_below_it() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/forensics.md");
    let page = fs::read_to_string(&path).expect("the page");
    let now = printed(&page);
    if std::env::var_os("KLOG_BLESS").is_some() {
        fs::write(&path, &now).expect("it can be written");
        return;
    }
    let (page, now) = (steady(&page), steady(&now));
    for (at, (wanted, found)) in page.lines().zip(now.lines()).enumerate() {
        assert_eq!(found, wanted, "line {} of docs/forensics.md; all of it:\n{now}", at + 1);
    }
    assert_eq!(page, now);
}
