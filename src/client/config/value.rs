//! From a property's text to its type. Each says in words what it wanted, for the error.

use std::time::Duration;

use super::{Acks, AddressFamily, Compression, Isolation, OffsetReset};

/// What was wanted, where a value is refused.
pub(crate) type Wanted = &'static str;

pub(super) fn boolean(text: &str) -> Result<bool, Wanted> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Ok(true),
        "false" | "f" | "0" => Ok(false),
        _ => Err("true or false"),
    }
}

/// A plain number of milliseconds; `-1` and beyond are refused.
pub(super) fn millis(text: &str) -> Result<Duration, Wanted> {
    let wanted = "a number of milliseconds";
    // librdkafka takes fractions for linger.ms.
    let number: f64 = text.parse().map_err(|_| wanted)?;
    if !(0.0..=9.0e15).contains(&number) {
        return Err(wanted);
    }
    Ok(Duration::from_micros((number * 1000.0) as u64))
}

/// A duration that is no longer than a number of milliseconds on the wire can say, and not nothing.
pub(super) fn timeout(text: &str) -> Result<Duration, Wanted> {
    match text.parse::<i32>() {
        Ok(number) if number > 0 => Ok(Duration::from_millis(number as u64)),
        _ => Err("a number of milliseconds, 1 to 2147483647"),
    }
}

pub(super) fn named(text: &str) -> Result<String, Wanted> {
    if text.is_empty() { Err("a name") } else { Ok(text.to_owned()) }
}

pub(super) fn bytes(text: &str) -> Result<usize, Wanted> {
    let wanted = "a number of bytes, 1 to 2147483647";
    match text.parse::<i32>() {
        Ok(number) if number > 0 => Ok(number as usize),
        _ => Err(wanted),
    }
}

/// Where 0 or −1 means the system's default.
pub(super) fn optional_bytes(text: &str) -> Result<Option<usize>, Wanted> {
    match text {
        "-1" | "0" => Ok(None),
        other => bytes(other).map(Some),
    }
}

pub(super) fn kibibytes(text: &str) -> Result<usize, Wanted> {
    bytes(text).map(|n| n * 1024).map_err(|_| "a number of KiB, 1 to 2147483647")
}

pub(super) fn count(text: &str) -> Result<usize, Wanted> {
    bytes(text).map_err(|_| "a number, 1 to 2147483647")
}

pub(super) fn count_or_zero(text: &str) -> Result<u32, Wanted> {
    text.parse::<i32>().ok().and_then(|n| u32::try_from(n).ok()).ok_or("a number from 0")
}

pub(super) fn positive_i32(text: &str) -> Result<i32, Wanted> {
    count(text).map(|n| n as i32)
}

pub(super) fn addresses(text: &str) -> Result<Vec<String>, Wanted> {
    let wanted = "host:port, several separated by commas";
    let mut out = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        out.push(address(part).ok_or(wanted)?);
    }
    if out.is_empty() { Err(wanted) } else { Ok(out) }
}

/// `host`, `host:port`, `[v6]:port`, and librdkafka's `PLAINTEXT://host:port`; the port is 9092 if it is missing.
fn address(text: &str) -> Option<String> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("plaintext") => rest,
        Some(_) => return None,
        None => text,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse::<u16>().ok()?)
        }
        Some(_) if !rest.starts_with('[') => return None,
        _ => (rest, 9092),
    };
    (!host.is_empty() && !host.contains('/')).then(|| format!("{host}:{port}"))
}

pub(super) fn family(text: &str) -> Result<AddressFamily, Wanted> {
    match text {
        "any" => Ok(AddressFamily::Any),
        "v4" => Ok(AddressFamily::V4),
        "v6" => Ok(AddressFamily::V6),
        _ => Err("any, v4 or v6"),
    }
}

pub(super) fn acks(text: &str) -> Result<Acks, Wanted> {
    match text {
        "0" => Ok(Acks::None),
        "1" => Ok(Acks::Leader),
        "-1" | "all" => Ok(Acks::All),
        _ => Err("0, 1, -1 or all"),
    }
}

pub(super) fn isolation(text: &str) -> Result<Isolation, Wanted> {
    match text.to_ascii_lowercase().as_str() {
        "read_committed" => Ok(Isolation::ReadCommitted),
        "read_uncommitted" => Ok(Isolation::ReadUncommitted),
        _ => Err("read_committed or read_uncommitted"),
    }
}

pub(super) fn offset_reset(text: &str) -> Result<OffsetReset, Wanted> {
    let wanted = "earliest, latest, none, or by_duration:<ISO 8601 duration>";
    match text.to_ascii_lowercase().as_str() {
        "earliest" | "smallest" | "beginning" => Ok(OffsetReset::Earliest),
        "latest" | "largest" | "end" => Ok(OffsetReset::Latest),
        "none" | "error" => Ok(OffsetReset::Error),
        other => {
            let duration = other.strip_prefix("by_duration:").ok_or(wanted)?;
            iso_duration(duration).map(OffsetReset::ByDuration).ok_or(wanted)
        }
    }
}

/// `PnDTnHnMn.nS`, as Java's Duration reads it; lower-cased, not negative.
fn iso_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('p')?;
    let mut in_time = false;
    let mut seconds = 0.0f64;
    let mut parts = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('t') {
            in_time = true;
            rest = after;
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        seconds += number
            * match (in_time, rest.as_bytes()[digits]) {
                (false, b'd') => 86_400.0,
                (true, b'h') => 3_600.0,
                (true, b'm') => 60.0,
                (true, b's') => 1.0,
                _ => return None,
            };
        parts += 1;
        rest = &rest[digits + 1..];
    }
    (parts > 0 && seconds < 1.0e12).then(|| Duration::from_secs_f64(seconds))
}

impl std::str::FromStr for Compression {
    type Err = Wanted;

    /// `none`, `gzip`, `snappy`, `lz4`, `zstd`; a level may follow after a colon: `zstd:9`.
    fn from_str(text: &str) -> Result<Compression, Wanted> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => {
                (name, Some(level.parse::<i32>().map_err(|_| "a whole number as the level")?))
            }
            None => (text, None),
        };
        let codec = match name.to_ascii_lowercase().as_str() {
            "none" => Compression::None,
            "gzip" => Compression::Gzip(None),
            "snappy" => Compression::Snappy,
            "lz4" => Compression::Lz4(None),
            "zstd" => Compression::Zstd(None),
            _ => return Err("none, gzip, snappy, lz4 or zstd"),
        };
        match level {
            Some(level) => codec.with_level(level),
            None => Ok(codec),
        }
    }
}

impl Compression {
    /// The same codec at `level`.
    ///
    /// # Errors
    /// In words, the levels that the codec has.
    pub fn with_level(self, level: i32) -> Result<Compression, &'static str> {
        match self {
            Compression::Gzip(_) if (1..=9).contains(&level) => Ok(Compression::Gzip(Some(level))),
            Compression::Gzip(_) => Err("a gzip level of 1 to 9"),
            Compression::Lz4(_) if (1..=17).contains(&level) => Ok(Compression::Lz4(Some(level))),
            Compression::Lz4(_) => Err("an lz4 level of 1 to 17"),
            Compression::Zstd(_) if (-131_072..=22).contains(&level) => {
                Ok(Compression::Zstd(Some(level)))
            }
            Compression::Zstd(_) => Err("a zstd level of -131072 to 22"),
            Compression::None | Compression::Snappy => Err("no level: this codec has none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_port_gets_kafkas() {
        assert_eq!(addresses("a, b:1,[::1]:2").unwrap(), ["a:9092", "b:1", "[::1]:2"]);
        for bad in ["", ",", "a:b", "a:70000", ":1", "::1", "http://a:1", "SSL://a:1"] {
            assert!(addresses(bad).is_err(), "{bad}");
        }
        assert_eq!(addresses("PLAINTEXT://a:1").unwrap(), ["a:1"]);
    }

    #[test]
    fn durations_are_read_as_java_reads_them() {
        assert_eq!(iso_duration("p1dt2h"), Some(Duration::from_secs(93_600)));
        assert_eq!(iso_duration("pt0.5s"), Some(Duration::from_millis(500)));
        for bad in ["", "p", "1h", "pt", "pt1d", "p1h", "pt-1s"] {
            assert_eq!(iso_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn levels_are_checked_against_the_codec() {
        assert_eq!("zstd:9".parse(), Ok(Compression::Zstd(Some(9))));
        assert_eq!("GZIP".parse(), Ok(Compression::Gzip(None)));
        for bad in ["zstd:23", "gzip:0", "snappy:1", "none:1", "zstd:x", "brotli"] {
            assert!(bad.parse::<Compression>().is_err(), "{bad}");
        }
    }
}
