//! Where the foreign clients are, and Kafka's own tools in one shared JVM.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What `tests/peers/get` fetched and built.
pub fn fetched(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(name);
    assert!(path.exists(), "{} is missing; tests/peers/get fetches it", path.display());
    path
}

/// Where a file of the peers' own source lies.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Java with Apache Kafka's jars and the test's own classes on its class path.
pub fn java() -> Command {
    let libs = match std::env::var_os("KLOG_KAFKA_LIBS") {
        Some(libs) => PathBuf::from(libs),
        None => fetched("kafka-4.3.1/libs"),
    };
    let mut command = Command::new("java");
    command.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
    command.arg(format!("{}:{}/*", fetched("java").display(), libs.display()));
    command.arg(
        "-Dlog4j2.configurationFile=".to_owned() + &source("java/log4j2.xml").to_string_lossy(),
    );
    command
}

/// What one of Kafka's tools printed, and its exit code.
#[derive(Debug)]
pub struct Printed {
    pub code: i32,
    pub text: String,
}

impl Printed {
    /// What a tool printed that must have succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.text);
        self.text
    }
}

/// Runs the tool with main class `main` in the shared JVM, with `input` on its stdin.
pub fn kafka_tool(main: &str, arguments: &[&str], input: &[u8]) -> Printed {
    static JVM: LazyLock<Mutex<Jvm>> = LazyLock::new(|| Mutex::new(Jvm::start()));
    // A test that failed inside leaves a JVM that still answers: each call is read to its end.
    JVM.lock().unwrap_or_else(PoisonError::into_inner).call(main, arguments, input)
}

/// See `tests/peers/java/KafkaTools.java` for what is said over the pipes.
struct Jvm {
    _child: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Jvm {
    fn start() -> Jvm {
        let mut child = java()
            .arg("KafkaTools")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("java runs; tests/peers/get installs it");
        let calls = child.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Jvm { _child: child, calls, answers }
    }

    fn call(&mut self, main: &str, arguments: &[&str], input: &[u8]) -> Printed {
        let mut words = vec![STANDARD.encode(main), STANDARD.encode(input)];
        words.extend(arguments.iter().map(|argument| STANDARD.encode(argument)));
        writeln!(self.calls, "{}", words.join(" ")).expect("the JVM takes calls");
        let mut head = String::new();
        self.answers.read_line(&mut head).expect("the JVM answers");
        let (code, size) =
            head.trim_end().split_once(' ').expect("an answer has a code and a size");
        let mut text = vec![0; size.parse().expect("a size is a number")];
        self.answers.read_exact(&mut text).expect("the answer is complete");
        let text = String::from_utf8_lossy(&text).into_owned();
        Printed { code: code.parse().expect("an exit code is a number"), text }
    }
}
