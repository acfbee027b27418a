//! Where each partition starts and where it ends, once the cluster has said what there is. Pure.

use klog::client::OffsetReset;

use crate::values::{From, Until};

/// What the cluster says about a partition when the command starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The first offset there is.
    pub earliest: i64,
    /// The end, as far as the isolation level sees.
    pub latest: i64,
    /// Where `--from` as a time leads; None if no record is that young.
    pub from_time: Option<i64>,
    /// Where `--until` as a time leads; None if no record is that young.
    pub until_time: Option<i64>,
}

/// The offsets that are read: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first offset read.
    pub start: i64,
    /// None: without end.
    pub end: Option<i64>,
}

impl Range {
    /// Whether a reader at `position` has nothing left to read.
    pub fn is_done_at(self, position: i64) -> bool {
        self.end.is_some_and(|end| position >= end)
    }
}

/// An offset that is not there, where `--reset error` says not to go elsewhere.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("offset {offset} is not there: the first is {earliest}, the end is {latest}")]
pub struct OutOfRange {
    offset: i64,
    earliest: i64,
    latest: i64,
}

/// What is read of one partition. `until_is_ahead`: `--until` names a time that is still to come.
///
/// # Errors
/// `--from` names an offset that is not there, and `reset` is to fail.
pub fn range(
    known: Known,
    from: From,
    reset: OffsetReset,
    until: Option<Until>,
    until_is_ahead: bool,
) -> Result<Range, OutOfRange> {
    let Known { earliest, latest, .. } = known;
    let start = match from {
        From::Earliest | From::Stored => earliest,
        From::Latest => latest,
        From::Last(count) => latest.saturating_sub(count).max(earliest),
        From::Time(_) => known.from_time.unwrap_or(latest),
        From::Offset(offset) if (earliest..=latest).contains(&offset) => offset,
        From::Offset(offset) => match reset {
            OffsetReset::Earliest | OffsetReset::ByDuration(_) => earliest,
            OffsetReset::Latest => latest,
            OffsetReset::Error => return Err(OutOfRange { offset, earliest, latest }),
        },
    };
    let end = match until {
        None => None,
        Some(Until::End) => Some(latest),
        Some(Until::Offset(offset)) => Some(offset),
        // No record is that young yet: all that are there belong to the range, those to come only until then.
        Some(Until::Time(_)) if until_is_ahead => known.until_time,
        Some(Until::Time(_)) => Some(known.until_time.unwrap_or(latest)),
    };
    Ok(Range { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::When;

    const KNOWN: Known = Known { earliest: 10, latest: 20, from_time: None, until_time: None };

    fn start(from: From, reset: OffsetReset) -> Result<i64, OutOfRange> {
        range(KNOWN, from, reset, None, false).map(|range| range.start)
    }

    fn end(known: Known, until: Until, ahead: bool) -> Option<i64> {
        range(known, From::Earliest, OffsetReset::Error, Some(until), ahead)
            .ok()
            .and_then(|r| r.end)
    }

    #[test]
    fn the_last_n_are_at_most_all_that_are_there() {
        assert_eq!(start(From::Last(3), OffsetReset::Error), Ok(17));
        assert_eq!(start(From::Last(30), OffsetReset::Error), Ok(10));
        assert_eq!(start(From::Last(0), OffsetReset::Error), Ok(20));
    }

    #[test]
    fn an_offset_that_is_not_there_goes_where_reset_says() {
        assert_eq!(start(From::Offset(15), OffsetReset::Error), Ok(15));
        assert_eq!(start(From::Offset(20), OffsetReset::Error), Ok(20));
        assert_eq!(start(From::Offset(5), OffsetReset::Earliest), Ok(10));
        assert_eq!(start(From::Offset(50), OffsetReset::Latest), Ok(20));
        assert!(start(From::Offset(5), OffsetReset::Error).is_err());
    }

    #[test]
    fn a_time_younger_than_all_records_is_the_end() {
        assert_eq!(start(From::Time(When::Ago(5)), OffsetReset::Error), Ok(20));
        let time = Until::Time(When::Ago(5));
        assert_eq!(end(KNOWN, time, false), Some(20));
        assert_eq!(end(KNOWN, time, true), None);
        assert_eq!(end(Known { until_time: Some(12), ..KNOWN }, time, false), Some(12));
    }

    #[test]
    fn an_empty_range_is_done_before_it_begins() {
        let range = Range { start: 20, end: Some(20) };
        assert!(range.is_done_at(range.start));
        assert!(!Range { end: None, ..range }.is_done_at(i64::MAX));
    }
}
