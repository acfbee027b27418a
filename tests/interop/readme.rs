//! What the pages show, as typed; only the port is another, as 9092 may be taken.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::ports::free_address;
use crate::process::run;

#[test]
fn the_examples_in_the_readme_work_as_typed() {
    let home = TempDir::new().expect("a temporary folder can be made");
    let address = free_address();
    let readme = read("README.md");
    fs::write(home.path().join("README.md"), &readme).expect("can be written");
    let examples = blocks(&readme, "sh").replace("127.0.0.1:9092", &address);
    assert!(examples.contains("klog serve &"), "README has no examples");

    // `klog` listens on the free port where the examples give none.
    let wrapper = format!(
        "#!/bin/sh\ncase $1 in serve) set -- \"$@\" --listen {address};; esac\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_klog")
    );
    let bin = home.path().join("bin");
    fs::create_dir(&bin).expect("can be made");
    fs::write(bin.join("klog"), wrapper).expect("can be written");
    fs::set_permissions(bin.join("klog"), fs::Permissions::from_mode(0o755)).expect("can be set");

    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("there is a PATH"));
    let script = format!("set -eux -o pipefail\ntrap 'kill %1' EXIT\n{examples}");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(home.path());
    command.env_remove("LD_LIBRARY_PATH").env("PATH", path).env("KLOG_BOOTSTRAP_SERVERS", &address);
    let printed = run(&mut command, b"", Duration::from_secs(60)).text();
    assert!(printed.contains("A Kafka-compatible log"), "kcat printed no README\n{printed}");
    assert!(printed.contains(r#""key":"k1""#), "{printed}");
}

#[test]
fn the_configuration_shown_to_operators_passes_the_check() {
    let home = TempDir::new().expect("a temporary folder can be made");
    let page = read("docs/configuration.md");
    let file = home.path().join("klog.yaml");
    let shown = blocks(&page, "yaml");
    assert!(shown.contains("node.id: 1"), "docs/configuration.md shows no configuration");
    fs::write(&file, &shown).expect("can be written");
    let check = |file: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klog"));
        command.args(["serve", "--check", "--config"]).arg(file);
        run(&mut command, b"", Duration::from_secs(10))
    };
    check(&file).output();

    fs::write(&file, shown + "no.such.key: 1\n").expect("can be written");
    let refused = check(&file);
    assert!(!refused.ok && refused.stderr.contains("no.such.key"), "{refused:?}");
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The contents of all fenced blocks of one language.
fn blocks(page: &str, language: &str) -> String {
    let opening = format!("```{language}\n");
    let pieces = page.split(&opening).skip(1);
    pieces.filter_map(|piece| piece.split("```").next()).collect()
}
