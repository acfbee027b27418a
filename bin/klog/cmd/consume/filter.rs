//! Which records are printed.

use regex::bytes::Regex;

use crate::record::Shown;

/// Patterns that must all match.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Against the key.
    pub key: Option<Regex>,
    /// Against the value.
    pub value: Option<Regex>,
    /// Each against the values of the headers of that name.
    pub headers: Vec<(String, Regex)>,
}

impl Filter {
    /// Whether a record is printed. Null matches no pattern.
    pub fn takes(&self, record: &Shown<'_>) -> bool {
        fits(self.key.as_ref(), record.key)
            && fits(self.value.as_ref(), record.value)
            && self.headers.iter().all(|(name, pattern)| {
                let named = record.headers.iter().filter(|(key, _)| *key == name.as_bytes());
                named.into_iter().any(|(_, value)| fits(Some(pattern), *value))
            })
    }
}

fn fits(pattern: Option<&Regex>, bytes: Option<&[u8]>) -> bool {
    pattern.is_none_or(|pattern| bytes.is_some_and(|bytes| pattern.is_match(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_must_match_and_null_matches_none() {
        let re = |text| Regex::new(text).expect("it is sound");
        let mut filter = Filter { key: Some(re("^k")), ..Filter::default() };
        let mut record = Shown { key: Some(b"key"), value: None, ..Shown::default() };
        assert!(filter.takes(&record));
        filter.value = Some(re(""));
        assert!(!filter.takes(&record));
        record.value = Some(b"");
        assert!(filter.takes(&record));
        filter.headers.push(("h".into(), re("2")));
        assert!(!filter.takes(&record));
        record.headers = vec![(b"h", Some(b"1")), (b"h", Some(b"2"))];
        assert!(filter.takes(&record));
    }
}
