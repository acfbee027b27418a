//! Texts: escapes, `NAME=VALUE`, `HOST:PORT`, regular expressions.

use bytes::Bytes;

/// Bytes written with `\n \t \r \0 \\ \xHH` for what a shell makes hard to type.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => hex(rest.next(), rest.next())?,
            _ => return Err(r"after \ comes one of n t r 0 \ xHH".to_owned()),
        });
    }
    Ok(out)
}

fn hex(high: Option<u8>, low: Option<u8>) -> Result<u8, String> {
    let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
    match (digit(high), digit(low)) {
        (Some(high), Some(low)) => Ok((high * 16 + low) as u8),
        _ => Err(r"\x is followed by two hex digits, for example \x1f".to_owned()),
    }
}

/// [`unescape`], for an option's value.
pub fn text(text: &str) -> Result<Bytes, String> {
    unescape(text).map(Bytes::from)
}

/// `NAME=VALUE`, split at the first `=`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

/// `HOST:PORT`; an IPv6 address stands in brackets.
pub fn server(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("it is empty; a server is like localhost:9092".to_owned());
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(format!("the port is missing, for example {text}:9092"));
    };
    if host.is_empty() {
        return Err(format!("the host is missing, for example localhost:{port}"));
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(format!("an IPv6 address stands in brackets, for example [{host}]:{port}"));
    }
    port.parse::<u16>().map_err(|_| "the port is a number up to 65535".to_owned())?;
    Ok(text.to_owned())
}

/// A regular expression over bytes: values need not be UTF-8.
pub fn pattern(text: &str) -> Result<regex::bytes::Regex, String> {
    regex::bytes::Regex::new(text).map_err(|e| no_pattern(&e))
}

/// Why a regular expression is none, in one line: regex draws a picture of it.
pub(super) fn no_pattern(error: &regex::Error) -> String {
    let text = error.to_string();
    let why = text.lines().last().unwrap_or_default();
    format!("not a regular expression: {}", why.strip_prefix("error: ").unwrap_or(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_their_bytes() {
        assert_eq!(unescape(r"a\tb\n\0\\\x1f").as_deref(), Ok(&b"a\tb\n\0\\\x1f"[..]));
        assert!(unescape(r"\q").is_err());
        assert!(unescape(r"\x1").is_err());
        assert!(unescape("\\").is_err());
    }

    #[test]
    fn a_server_has_host_and_port() {
        assert!(server("localhost:9092").is_ok());
        assert!(server("[::1]:9092").is_ok());
        for bad in ["", "localhost", ":9092", "::1:9092", "host:port", "host:70000"] {
            assert!(server(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_pair_is_split_at_its_first_equals_sign() {
        assert_eq!(key_value("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(key_value("a="), Ok(("a".into(), String::new())));
        assert!(key_value("a").is_err());
        assert!(key_value("=b").is_err());
    }
}
