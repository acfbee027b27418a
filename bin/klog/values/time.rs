//! Points in time: RFC 3339, `@UNIX_MS`, or `-15m` for that long ago.

use klog::base::Millis;

use super::duration;

/// A point in time as it was typed; "ago" is resolved when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Milliseconds since the Unix epoch.
    At(Millis),
    /// This many milliseconds before now.
    Ago(i64),
}

impl When {
    /// The time meant, seen from `now`.
    pub fn at(self, now: Millis) -> Millis {
        match self {
            When::At(at) => at,
            When::Ago(ms) => Millis(now.0.saturating_sub(ms)),
        }
    }
}

/// Reads a time.
pub fn when(text: &str) -> Result<When, String> {
    if let Some(ms) = text.strip_prefix('@') {
        let ms = ms.parse().ok().filter(|ms| *ms >= 0);
        return ms.map(|ms| When::At(Millis(ms))).ok_or_else(example);
    }
    if let Some(ago) = text.strip_prefix('-') {
        let ago = duration(ago).map_err(|_| example())?;
        return i64::try_from(ago.as_millis()).map(When::Ago).map_err(|_| example());
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(When::At(Millis(time.as_millisecond()))),
        Err(_) => Err(example()),
    }
}

/// How a time is written, for messages.
pub fn example() -> String {
    "a time is like 2026-01-31T18:00:00Z, @1769882400000 or -15m (ago)".to_owned()
}

/// The wall clock.
pub fn now() -> Millis {
    Millis(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_three_forms() {
        assert_eq!(when("2026-01-31T18:00:00Z"), Ok(When::At(Millis(1_769_882_400_000))));
        assert_eq!(when("2026-01-31T19:00:00+01:00"), Ok(When::At(Millis(1_769_882_400_000))));
        assert_eq!(when("@1769882400000"), Ok(When::At(Millis(1_769_882_400_000))));
        assert_eq!(when("-15m").map(|w| w.at(Millis(1_000_000))), Ok(Millis(100_000)));
        for bad in ["yesterday", "@x", "@-5", "-5", "2026-01-31", ""] {
            assert!(when(bad).is_err(), "{bad:?}");
        }
    }
}
