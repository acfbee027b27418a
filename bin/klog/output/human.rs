//! Numbers as people read them; programs get them raw.

use super::is_narrow;

/// A size in binary units: `512 B`, `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for name in UNITS {
        // What would be shown as 1024.0 is 1.0 of the next.
        if value < 1023.95 && !unit.is_empty() {
            break;
        }
        value /= 1024.0;
        unit = name;
    }
    format!("{value:.1} {unit}")
}

/// So many of a thing: `1 file`, `2 files`.
pub fn count<N: std::fmt::Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let s = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// A time in ms since 1970 as the clock on the wall shows it, with its zone; `-` for none. On a narrow terminal without milliseconds, and
/// of this year without the year.
pub fn local_time(ms: Option<i64>) -> String {
    written(ms, is_narrow(), jiff::Timestamp::now())
}

fn written(ms: Option<i64>, short: bool, now: jiff::Timestamp) -> String {
    let Some(ms) = ms else { return "-".to_owned() };
    let local = |time: jiff::Timestamp| time.to_zoned_datetime(jiff::tz::TimeZone::system());
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(time) => {
            let (time, now) = (local(time), local(now));
            let form = match (short, time.year() == now.year()) {
                (false, _) => "%Y-%m-%d %H:%M:%S%.3f%:z",
                (true, true) => "%m-%d %H:%M:%S%:::z",
                (true, false) => "%Y-%m-%d %H:%M%:::z",
            };
            time.strftime(form).to_string()
        }
        // Past the year 9999.
        Err(_) => format!("@{ms}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_of_the_largest_unit_that_fits() {
        let shown = [0, 1023, 1024, 1536, (1 << 20) - 1, 1 << 20, 5 << 40, u64::MAX].map(size);
        let wanted =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "5.0 TiB", "16.0 EiB"];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn a_time_has_its_zone() {
        let shown = local_time(Some(1_769_882_400_123));
        assert!(shown.contains(".123") && shown.len() == "2026-01-31 18:00:00.123+00:00".len());
        let at = |ms| jiff::Timestamp::from_millisecond(ms).expect("a time");
        let shown = written(Some(1_769_882_400_123), true, at(1_769_882_500_000));
        assert!(shown.contains("01-31 ") && !shown.contains("2026"), "{shown}");
        let shown = written(Some(1_769_882_400_123), true, at(1_869_882_500_000));
        assert!(shown.starts_with("2026-0"), "{shown}");
        assert_eq!(local_time(None), "-");
        assert_eq!(local_time(Some(i64::MAX)), format!("@{}", i64::MAX));
    }
}
