//! Durations: `250ms`, `5s`, `10m`, `2h`, `7d`.

use std::time::Duration;

/// Reads a whole number with its unit. A plain number is refused: nobody knows whether it means seconds or milliseconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let count: u64 = number.parse().map_err(|_| example())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => return Err(format!("it needs a unit, for example {number}ms or {number}s")),
        _ => return Err(example()),
    };
    count.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "it is too long".to_owned())
}

fn example() -> String {
    "a duration is like 250ms, 5s, 10m, 2h or 7d".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_a_plain_number_is_refused() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(duration("30"), Err("it needs a unit, for example 30ms or 30s".to_owned()));
        for bad in ["", "s", "5 s", "-5s", "5w", "99999999999999999999s", "999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
