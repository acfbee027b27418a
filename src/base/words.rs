//! Texts for who reads a log, and types what it says.

use std::error::Error;
use std::path::Path;

/// An error with all its causes, for one field of a line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The command that saves what is whole of the partition in a folder, in place.
pub fn repair_command(folder: &Path) -> String {
    format!("klog dump-segment --repair --in-place {}", quoted(folder))
}

/// A path, or a word, as a shell takes it. None at all is where the shell is.
pub fn quoted(path: impl AsRef<Path>) -> String {
    let text = path.as_ref().display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    match text.is_empty() {
        true => ".".to_owned(),
        false if text.chars().all(plain) => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("orders-0: write failed")]
    struct Failed(#[source] io::Error);

    #[test]
    fn an_error_tells_what_the_system_said() {
        let error = Failed(io::Error::from_raw_os_error(28));
        let told = with_causes(&error);
        assert_eq!(told, "orders-0: write failed: No space left on device (os error 28)");
    }

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        for (path, word) in [
            ("/data/orders-0", "/data/orders-0"),
            ("my data/orders-0", "'my data/orders-0'"),
            ("it's", r"'it'\''s'"),
            ("", "."),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
