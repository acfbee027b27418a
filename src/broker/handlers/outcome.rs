//! How an administrative wish ended, as the protocol says it.

use std::collections::HashSet;
use std::hash::Hash;

use bytestring::ByteString;

use crate::base::ErrorCode;
use crate::meta::Refused;
use crate::quorum::SubmitError;

/// A code that is not NONE, with words for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to answer.
    pub code: ErrorCode,
    /// In words.
    pub message: String,
}

impl Failure {
    /// Puts code and words together.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        Failure::new(refused.code, refused.message)
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Failure {
        match error {
            SubmitError::Refused(refused) => refused.into(),
            SubmitError::Failed(_) => Failure::new(ErrorCode::KafkaStorageError, error.to_string()),
            SubmitError::Stopped => Failure::new(ErrorCode::BrokerNotAvailable, error.to_string()),
        }
    }
}

/// The error code and message of an answer.
pub fn on_wire<T>(result: &Result<T, Failure>) -> (i16, Option<ByteString>) {
    match result {
        Ok(_) => (ErrorCode::None.to_wire(), None),
        Err(failure) => (failure.code.to_wire(), Some(failure.message.as_str().into())),
    }
}

/// What stands more than once among `keys`.
pub fn repeated<K: Eq + Hash + Clone>(keys: impl IntoIterator<Item = K>) -> HashSet<K> {
    let mut seen = HashSet::new();
    keys.into_iter().filter(|key| !seen.insert(key.clone())).collect()
}
