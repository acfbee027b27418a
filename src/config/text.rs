//! Config files as entries with their lines: `klog.yaml`, flat, with Kafka's names; or `server.properties`.

use super::broker::Source;
use super::load::{ConfigError, Entry};

/// Reads `key: value` lines of YAML.
///
/// # Errors
/// What is no flat YAML, with its line.
pub fn parse_yaml(text: &str) -> Result<Vec<Entry>, Vec<ConfigError>> {
    let fail = |line: usize, message: String| {
        vec![ConfigError { key: "YAML".into(), origin: Source::File { line }, message }]
    };
    let parsed: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| {
        let message = error.to_string();
        // Of a key that is there twice the location is where the file begins.
        let twice = message.strip_prefix("duplicate entry with key \"");
        let line = match twice.and_then(|key| lines_of(text, key.strip_suffix('"')?).nth(1)) {
            Some(line) => line,
            None => error.location().map_or(1, |location| location.line()),
        };
        fail(line, message)
    })?;
    let mapping = match parsed {
        serde_yaml::Value::Null => return Ok(Vec::new()),
        serde_yaml::Value::Mapping(mapping) => mapping,
        _ => return Err(fail(1, "must be lines of `key: value`".into())),
    };
    let mut entries = Vec::new();
    let mut errors = Vec::new();
    for (key, value) in mapping {
        let key = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
        let source = Source::File { line: lines_of(text, &key).next().unwrap_or(1) };
        match scalar(&value) {
            Some(value) => entries.push(Entry { key, value, source }),
            None => errors.push(ConfigError {
                key,
                origin: source,
                message: "must be one value; a list may stand between commas or in brackets".into(),
            }),
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

fn scalar(value: &serde_yaml::Value) -> Option<String> {
    match value {
        serde_yaml::Value::String(text) => Some(text.clone()),
        serde_yaml::Value::Number(number) => Some(number.to_string()),
        serde_yaml::Value::Bool(value) => Some(value.to_string()),
        serde_yaml::Value::Sequence(items) => {
            items.iter().map(scalar).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        _ => None,
    }
}

/// The lines, from 1, on which the key of a flat file stands.
fn lines_of(text: &str, key: &str) -> impl Iterator<Item = usize> {
    let stands = move |line: &str| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    };
    text.lines().enumerate().filter(move |(_, line)| stands(line)).map(|(at, _)| at + 1)
}

/// Reads a Java properties file: `key=value`, `key: value` or `key value`; `#` and `!` begin comments; a backslash at the
/// end of a line goes on with the next.
pub fn parse_properties(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let mut logical = line.trim_start().to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while logical.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 {
            logical.pop();
            logical.push_str(lines.next().map_or("", |(_, next)| next.trim_start()));
        }
        let (key, value) = split(&logical);
        entries.push(Entry {
            key: unescape(key),
            value: unescape(value),
            source: Source::File { line: at + 1 },
        });
    }
    entries
}

/// At the first `=`, `:` or space that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.char_indices().find(|(_, letter)| {
        let ends = !escaped && matches!(letter, '=' | ':' | ' ' | '\t');
        escaped = !escaped && *letter == '\\';
        ends
    });
    let Some((end, _)) = end else { return (line, "") };
    let rest = line[end..].trim_start();
    (&line[..end], rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start())
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (letter, false) => out.push(letter),
            (_, true) => match letters.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('u') => {
                    let code: String = letters.by_ref().take(4).collect();
                    let letter = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    out.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(other) => out.push(other),
                None => {}
            },
        }
    }
    out
}
