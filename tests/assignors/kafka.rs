//! Kafka's own classes: a small program that reads a case a line, and answers each with a line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::SeedableRng;
use rand::rngs::StdRng;

/// What the program in `tests/peers/java` answers to these lines.
pub fn ask_kafka(program: &str, lines: &[String]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libs = std::env::var_os("KLOG_KAFKA_LIBS").map(PathBuf::from);
    let libs = libs.unwrap_or_else(|| root.join("target/peers/kafka-4.3.1/libs"));
    assert!(libs.exists(), "no Apache Kafka in {}: `tests/run` fetches it", libs.display());
    let programs = root.join("tests/peers/java");
    let mut java = Command::new("java");
    java.args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=OFF", "-cp"]);
    java.arg(libs.join("*")).arg(programs.join(program));
    let child = java.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let mut child = child.expect("java runs; tests/peers/get installs it");
    let text: String = lines.iter().map(|line| line.clone() + "\n").collect();
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("java ends");
    writer.join().expect("the writer ends").expect("java reads");
    assert!(output.status.success(), "java failed");
    let text = String::from_utf8(output.stdout).expect("it prints text");
    let answers: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len());
    answers
}

/// Chance, from `KLOG_SEED` if that is set; it says which seed it is.
pub fn random() -> StdRng {
    let seed = std::env::var("KLOG_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("KLOG_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// So many cases, fifty times as many with `KLOG_LONG`.
pub fn how_many(cases: usize) -> usize {
    if std::env::var_os("KLOG_LONG").is_some() { 50 * cases } else { cases }
}
