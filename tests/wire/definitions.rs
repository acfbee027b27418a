//! Kafka's own definitions of its messages, as they stand in its jars.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::ZipArchive;

const KAFKA: &str = "4.3.1";

fn jar(name: &str) -> PathBuf {
    let fetched = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/kafka-4.3.1/libs");
    let libs = std::env::var_os("KLOG_KAFKA_LIBS").map_or_else(fetched, PathBuf::from);
    let jar = libs.join(format!("{name}-{KAFKA}.jar"));
    let missing = "`tests/run` fetches it, or set KLOG_KAFKA_LIBS to a folder that has it";
    assert!(jar.exists(), "{} is missing: {missing}", jar.display());
    jar
}

/// All definitions in a folder of a jar.
pub fn read(jar_name: &str, folder: &str) -> Vec<Value> {
    let mut archive = ZipArchive::new(File::open(jar(jar_name)).unwrap()).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let wanted = |name: &&String| name.starts_with(folder) && name.ends_with(".json");
    let mut all = Vec::new();
    for name in names.iter().filter(wanted) {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        all.push(
            serde_json::from_str(&without_comments(&text))
                .unwrap_or_else(|e| panic!("{name}: {e}")),
        );
    }
    assert!(!all.is_empty(), "{jar_name} has nothing in {folder}");
    all
}

/// Kafka's JSON has comments, from `//` to the end of the line.
fn without_comments(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let comment = line.char_indices().find(|(at, c)| {
            quoted ^= *c == '"';
            !quoted && line[*at..].starts_with("//")
        });
        out.push_str(&line[..comment.map_or(line.len(), |(at, _)| at)]);
        out.push('\n');
    }
    out
}
