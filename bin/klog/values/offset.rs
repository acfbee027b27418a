//! Where to start and where to stop in a partition.

use super::time::{When, when};

/// `--from`: where reading starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Where the group has read to.
    Stored,
    /// The first record that is still there.
    Earliest,
    /// The end: only what is written from now on.
    Latest,
    /// That offset.
    Offset(i64),
    /// This many records before the end.
    Last(i64),
    /// The first record that is not older.
    Time(When),
}

/// `--until`: where reading stops; the end itself is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The end as it is when the command starts.
    End,
    /// That offset.
    Offset(i64),
    /// The first record that is not older.
    Time(When),
}

/// `--before`: what is deleted, the named record itself excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimTo {
    /// Everything that is there now.
    Latest,
    /// Up to that offset.
    Offset(i64),
    /// What is older.
    Time(When),
}

/// `--to`: what a group is to read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetTo {
    /// The first record that is still there.
    Earliest,
    /// The end.
    Latest,
    /// That offset.
    Offset(i64),
    /// So many after what is committed, or before it.
    By(i64),
    /// The first record that is not older.
    Time(When),
}

/// Reads `earliest`, `latest`, `stored`, `42`, `-10`, or a time.
pub fn from(text: &str) -> Result<From, String> {
    match text {
        "earliest" | "beginning" => return Ok(From::Earliest),
        "latest" | "end" => return Ok(From::Latest),
        "stored" => return Ok(From::Stored),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        let last = number < 0 || text.starts_with('-');
        return Ok(if last { From::Last(number.saturating_neg()) } else { From::Offset(number) });
    }
    when(text)
        .map(From::Time)
        .map_err(|_| one_of("earliest, latest, stored, an offset, -10 (the last 10)"))
}

/// Reads `end`, `42`, or a time.
pub fn until(text: &str) -> Result<Until, String> {
    if text == "end" || text == "latest" {
        return Ok(Until::End);
    }
    match text.parse::<i64>() {
        Ok(offset) if offset >= 0 => Ok(Until::Offset(offset)),
        _ => when(text).map(Until::Time).map_err(|_| one_of("end, an offset")),
    }
}

/// Reads `latest`, `42`, or a time.
pub fn trim_to(text: &str) -> Result<TrimTo, String> {
    if text == "latest" || text == "end" {
        return Ok(TrimTo::Latest);
    }
    match text.parse::<i64>() {
        Ok(offset) if offset >= 0 => Ok(TrimTo::Offset(offset)),
        _ => when(text).map(TrimTo::Time).map_err(|_| one_of("latest, an offset")),
    }
}

/// Reads `earliest`, `latest`, `42`, `+10`, `-10`, or a time.
pub fn reset_to(text: &str) -> Result<ResetTo, String> {
    if let Some(Ok(count)) = text.strip_prefix('+').map(str::parse::<u32>) {
        return Ok(ResetTo::By(count.into()));
    }
    match from(text) {
        Ok(From::Earliest) => Ok(ResetTo::Earliest),
        Ok(From::Latest) => Ok(ResetTo::Latest),
        Ok(From::Last(count)) => Ok(ResetTo::By(count.saturating_neg())),
        Ok(From::Time(when)) => Ok(ResetTo::Time(when)),
        Ok(From::Offset(offset)) if !text.starts_with('+') => Ok(ResetTo::Offset(offset)),
        Ok(From::Offset(_) | From::Stored) | Err(_) => Err(one_of(
            "earliest, latest, an offset, +10 or -10 (after or before what is committed)",
        )),
    }
}

fn one_of(others: &str) -> String {
    format!("give {others}, or a time; {}", super::time::example())
}

#[cfg(test)]
mod tests {
    use super::*;
    use klog::base::Millis;

    #[test]
    fn a_group_is_reset_to_a_place_or_by_a_count_with_a_sign() {
        assert_eq!(reset_to("earliest"), Ok(ResetTo::Earliest));
        assert_eq!(reset_to("7"), Ok(ResetTo::Offset(7)));
        assert_eq!(reset_to("+7"), Ok(ResetTo::By(7)));
        assert_eq!(reset_to("-7"), Ok(ResetTo::By(-7)));
        assert_eq!(reset_to("+0"), Ok(ResetTo::By(0)));
        assert_eq!(reset_to("-7m"), Ok(ResetTo::Time(When::Ago(420_000))));
        for bad in ["+", "+7m", "+-7", "+99999999999999999999", "--7", "now", "7m"] {
            assert!(reset_to(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_leading_hyphen_is_a_count_without_unit_and_a_time_with_one() {
        assert_eq!(from("-10"), Ok(From::Last(10)));
        assert_eq!(from("-0"), Ok(From::Last(0)));
        assert_eq!(from("-10m"), Ok(From::Time(When::Ago(600_000))));
        assert_eq!(from("42"), Ok(From::Offset(42)));
        assert_eq!(from("@42"), Ok(From::Time(When::At(Millis(42)))));
        assert_eq!(until("end"), Ok(Until::End));
        assert_eq!(trim_to("7"), Ok(TrimTo::Offset(7)));
        assert_eq!(from("stored"), Ok(From::Stored));
        for bad in ["first", "--5", "5m"] {
            assert!(from(bad).is_err(), "{bad:?}");
        }
        assert!(until("-5").is_err());
    }
}
