//! What is typed after an option: durations, sizes, times, offsets, texts with escapes. A value that needs a unit is refused
//! without one, and every refusal shows a value that would do.

use klog::base::{InvalidTopicName, TopicName};

mod duration;
mod offset;
mod span;
mod text;
mod time;

pub use duration::duration;
pub use offset::{From, ResetTo, TrimTo, Until, from, reset_to, trim_to, until};
pub use span::{Span, offsets, times};
use text::no_pattern;
pub use text::{key_value, pattern, server, text, unescape};
pub use time::{When, now, when};

/// A topic's name.
pub fn topic(text: &str) -> Result<TopicName, InvalidTopicName> {
    TopicName::new(text)
}

/// A regular expression that has to match a whole topic name.
pub fn whole_name(text: &str) -> Result<regex::Regex, String> {
    // By itself first: an error is to show what was typed.
    regex::Regex::new(text)
        .and_then(|_| regex::Regex::new(&format!("^(?:{text})$")))
        .map_err(|e| no_pattern(&e))
}

/// A number of bytes: `16KiB`, `1MiB`, `1MB` (10⁶), `4096`.
pub fn size(text: &str) -> Result<u64, String> {
    parse_size::parse_size(text).map_err(|_| "a size is like 4096, 16KiB, 1MiB or 1MB".to_owned())
}

/// What [`size`] reads, where it must fit into memory.
pub fn size_in_memory(text: &str) -> Result<usize, String> {
    usize::try_from(size(text)?)
        .map_err(|_| "it does not fit into this machine's memory".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_binary_or_decimal_as_their_unit_says() {
        assert_eq!(super::size("16KiB"), Ok(16 * 1024));
        assert_eq!(super::size("1MB"), Ok(1_000_000));
        assert_eq!(super::size("4096"), Ok(4096));
        assert!(super::size("many").is_err());
    }
}
