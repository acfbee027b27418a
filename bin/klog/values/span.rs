//! Ranges: `A..B` without B itself; either end may be missing.

use super::time::{When, example, when};

/// From an end to another, the second excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<T> {
    /// The first that is in it.
    pub from: Option<T>,
    /// The first behind it.
    pub to: Option<T>,
}

impl<T: Copy> Span<T> {
    /// The same of another type.
    pub fn map<U>(self, to: impl Fn(T) -> U) -> Span<U> {
        Span { from: self.from.map(&to), to: self.to.map(&to) }
    }
}

impl Span<i64> {
    /// Whether `at` lies in it.
    pub fn contains(self, at: i64) -> bool {
        self.meets(at, at)
    }

    /// Whether any of `first..=last` lies in it.
    pub fn meets(self, first: i64, last: i64) -> bool {
        self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
    }
}

/// Reads a range of offsets: `100..200`, `100..`, `..200`.
pub fn offsets(text: &str) -> Result<Span<i64>, String> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    span(text, number, "a range of offsets is like 100..200, 100.. or ..200")
}

/// Reads a range of times: `-2h..`, `2026-01-31T18:00:00Z..@1769882400000`.
pub fn times(text: &str) -> Result<Span<When>, String> {
    let hint = format!("a range of times is like -2h.. or A..B; {}", example());
    span(text, |text| when(text).ok(), &hint)
}

fn span<T>(text: &str, end: impl Fn(&str) -> Option<T>, example: &str) -> Result<Span<T>, String> {
    let (from, to) = text.split_once("..").ok_or_else(|| example.to_owned())?;
    let end = |text: &str| match text {
        "" => Ok(None),
        text => end(text).map(Some).ok_or_else(|| example.to_owned()),
    };
    let (from, to) = (end(from)?, end(to)?);
    if from.is_none() && to.is_none() {
        return Err(example.to_owned());
    }
    Ok(Span { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use klog::base::Millis;

    #[test]
    fn a_range_has_one_end_or_two_and_the_second_is_outside() {
        let span = offsets("5..7").expect("a range");
        assert_eq!([4, 5, 6, 7].map(|at| span.contains(at)), [false, true, true, false]);
        assert!(span.meets(0, 5) && span.meets(6, 9) && !span.meets(7, 9) && !span.meets(0, 4));
        assert!(offsets("5..").is_ok_and(|span| span.contains(i64::MAX)));
        assert!(offsets("..5").is_ok_and(|span| span.contains(0) && !span.contains(5)));
        for bad in ["", "..", "5", "5-7", "a..b", "-5..", "5...7"] {
            assert!(offsets(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_in_a_range_are_as_anywhere_else() {
        let span = times("-2h..@42").expect("a range");
        assert_eq!(span.from, Some(When::Ago(7_200_000)));
        assert_eq!(span.to, Some(When::At(Millis(42))));
        assert!(times("2026-01-31T18:00:00Z..").is_ok_and(|span| span.to.is_none()));
        assert!(times("yesterday..").is_err());
    }
}
