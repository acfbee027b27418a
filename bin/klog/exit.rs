//! What went wrong, in words and as an exit code. The code is a function of the error's kind, found anywhere in its chain.

use std::fmt;
use std::process::ExitCode;

use anstream::eprintln;
use clap::builder::styling::{AnsiColor, Style};

/// Which kind of end a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whoever read our output has gone: nothing is wrong.
    BrokenPipe,
    /// What was asked for could not be done.
    Failed,
    /// The command line is wrong.
    Usage,
    /// A bug of klog's.
    Internal,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Kind {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Kind::BrokenPipe => 0,
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Internal => 70,
            Kind::Interrupted => 130,
            Kind::Terminated => 143,
        }
    }
}

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> ExitCode {
        kind.code().into()
    }
}

/// A sign in the chain of causes that says which kind of end this is. Without one it is [`Kind::Failed`].
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// A command line that clap could not find wrong.
    #[error("{0}")]
    Usage(String),
    /// stdout was closed by its reader.
    #[error("nobody reads the output any more")]
    BrokenPipe,
    /// A signal asked us to stop.
    #[error("{}", match .0 { Kind::Terminated => "stopped by SIGTERM", _ => "interrupted" })]
    Signal(Kind),
}

/// A usage error that only shows once options are seen together.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Ended::Usage(message.into()).into()
}

/// An error together with the next thing to try. Reads as the error itself.
#[derive(Debug)]
struct Advised {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for Advised {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Adds the next thing to try to an error.
pub trait Hint<T> {
    /// `hint` is a command, or a sentence without a full stop.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| advise(error.into(), hint))
    }
}

/// [`Hint`] for an error that is not yet in a result.
pub fn advise(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
    let error: anyhow::Error = error.into();
    let kind = kind_of(&error);
    let advised = anyhow::Error::new(Advised { error, hint: hint.into() });
    match kind {
        // `Advised` replaces the error that it wraps, so a usage error has to stay visible in the chain.
        Kind::Usage => advised.context(UsageMark),
        _ => advised,
    }
}

/// Marks a chain as a usage error; never printed.
#[derive(Debug)]
struct UsageMark;

impl fmt::Display for UsageMark {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

fn kind_of(error: &anyhow::Error) -> Kind {
    if error.downcast_ref::<UsageMark>().is_some() {
        return Kind::Usage;
    }
    let ended = error.chain().find_map(|cause| cause.downcast_ref::<Ended>());
    match ended {
        Some(Ended::Usage(_)) => Kind::Usage,
        Some(Ended::BrokenPipe) => Kind::BrokenPipe,
        Some(Ended::Signal(kind)) => *kind,
        None => Kind::Failed,
    }
}

/// Prints a command's error to stderr, and says how to exit.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let kind = kind_of(error);
    match kind {
        // An interrupted command was asked to stop: it has said what is to be said.
        Kind::BrokenPipe | Kind::Interrupted | Kind::Terminated => {}
        Kind::Failed | Kind::Usage | Kind::Internal => eprintln!("{}", styled(&lines(error))),
    }
    kind.into()
}

/// `klog: what failed`, a line per cause, `hint: what to try`.
fn lines(error: &anyhow::Error) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = String::new();
    for text in error.chain().map(ToString::to_string).filter(|text| !text.is_empty()) {
        // Some errors repeat their source in their own text.
        if last.contains(&text) {
            continue;
        }
        out.push(if out.is_empty() {
            format!("klog: {text}")
        } else {
            format!("  because {text}")
        });
        last = text;
    }
    let hint = error.chain().find_map(|cause| cause.downcast_ref::<Advised>());
    out.extend(hint.map(|advised| format!("hint: {}", advised.hint)));
    out
}

/// Colours the two words that structure a message; anstream strips them where they are not wanted.
pub fn styled(lines: &[String]) -> String {
    const RED: Style = AnsiColor::Red.on_default().bold();
    const CYAN: Style = AnsiColor::Cyan.on_default().bold();
    let paint = |style: Style, word: &str, rest: &str| format!("{style}{word}{style:#}{rest}");
    let line = |line: &String| match (line.strip_prefix("klog:"), line.strip_prefix("hint:")) {
        (Some(rest), _) => paint(RED, "klog:", rest),
        (_, Some(rest)) => paint(CYAN, "hint:", rest),
        _ => line.clone(),
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A panic is a bug: says so in one line and asks for a report, whatever thread it is in.
pub fn install_panic_message() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        eprintln!("{}", styled(&[format!("klog: bug at {place}: {text}")]));
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            eprintln!("{}", std::backtrace::Backtrace::force_capture());
        } else {
            eprintln!(
                "{}",
                styled(&["hint: please report it, with what RUST_BACKTRACE=1 prints".into()])
            );
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_reads_as_what_failed_then_why_then_what_to_try() {
        let error = Err::<(), _>(std::io::Error::other("connection refused"))
            .context("no broker answers at 127.0.0.1:9092")
            .hint("start one with `klog serve`")
            .unwrap_err();
        assert_eq!(
            lines(&error),
            [
                "klog: no broker answers at 127.0.0.1:9092",
                "  because connection refused",
                "hint: start one with `klog serve`"
            ]
        );
        assert_eq!(kind_of(&error), Kind::Failed);
    }

    #[test]
    fn the_kind_survives_hints_and_context() {
        assert_eq!(kind_of(&advise(usage("-p twice"), "once will do")), Kind::Usage);
        assert_eq!(lines(&advise(usage("-p twice"), "once")), ["klog: -p twice", "hint: once"]);
        let pipe = anyhow::Error::from(Ended::BrokenPipe).context("cannot write");
        assert_eq!(kind_of(&pipe), Kind::BrokenPipe);
    }
}
