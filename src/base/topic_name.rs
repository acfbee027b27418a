//! Topic names: what Kafka allows, checked once at the border.

use std::fmt;
use std::sync::Arc;

/// A name that Kafka allows: 1 to 249 of `[a-zA-Z0-9._-]`, but neither `.` nor `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a text is no topic name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopicName {
    /// Nothing there.
    #[error("a topic name is not empty")]
    Empty,
    /// `.` and `..` would be folders.
    #[error("a topic is not named \".\" or \"..\"")]
    Dots,
    /// A file name holds no more.
    #[error("a topic name has at most 249 characters, this one has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A character outside the set.
    #[error("a topic name has only ASCII letters, digits, '.', '_' and '-', not {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
}

impl TopicName {
    /// The longest name in bytes; the partition's folder adds `-` and a number.
    pub const MAX_LEN: usize = 249;

    /// Takes a name from outside.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(name: &str) -> Result<TopicName, InvalidTopicName> {
        if name.is_empty() {
            return Err(InvalidTopicName::Empty);
        }
        if name == "." || name == ".." {
            return Err(InvalidTopicName::Dots);
        }
        if name.len() > TopicName::MAX_LEN {
            return Err(InvalidTopicName::TooLong { length: name.len() });
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(found) = name.chars().find(|c| !allowed(*c)) {
            return Err(InvalidTopicName::Character { found });
        }
        Ok(TopicName(name.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Kafka keeps its own state in it (`__consumer_offsets`, `__transaction_state`, …).
    pub fn is_internal(&self) -> bool {
        matches!(
            self.as_str(),
            "__consumer_offsets"
                | "__transaction_state"
                | "__share_group_state"
                | "__cluster_metadata"
        )
    }

    /// The form in which metrics would name it: `.` and `_` collide (Kafka refuses both in one cluster).
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
}

impl std::ops::Deref for TopicName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_the_data_directory_are_refused() {
        for bad in ["", ".", "..", "../x", "a/b", "nul\0", "sp ace", "ü"] {
            assert!(TopicName::new(bad).is_err(), "{bad:?}");
        }
        assert!(TopicName::new(&"x".repeat(250)).is_err());
        assert!(TopicName::new(&"x".repeat(249)).is_ok());
        assert!(TopicName::new("orders.v1_eu-west").is_ok());
    }
}
