//! README's examples, as typed; only the port is another, as 9092 may be taken.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::broker::free_address;
use crate::process::run;

#[test]
fn the_examples_in_the_readme_work_as_typed() {
    let home = TempDir::new().expect("a temporary folder can be made");
    let address = free_address();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("README.md is readable");
    fs::write(home.path().join("README.md"), &readme).expect("can be written");
    let examples = shell_blocks(&readme).replace("127.0.0.1:9092", &address);
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
    command.env("PATH", path).env("KLOG_BOOTSTRAP_SERVERS", &address);
    let printed = run(&mut command, b"", Duration::from_secs(60)).text();
    assert!(printed.contains("A Kafka-compatible log"), "kcat printed no README\n{printed}");
    assert!(printed.contains(r#""key":"k1""#), "{printed}");
}

fn shell_blocks(page: &str) -> String {
    let pieces = page.split("```sh\n").skip(1);
    pieces.filter_map(|piece| piece.split("```").next()).collect()
}
