//! From property names and texts to config structs. Nothing is ignored: a name is honoured, or refused with a reason.

use super::known::{Goes, KNOWN, check_producer};
use super::refused::REFUSED;
use super::{ClientConfig, ConsumerConfig, ProducerConfig};

/// Which kind of client is being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Lists, creates, describes.
    Admin,
    /// Writes records.
    Producer,
    /// Reads records.
    Consumer,
}

/// Why a property is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// No client has such a property.
    #[error("there is no property `{name}`{}", nearest.map(|n| format!("; nearest is `{n}`")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// A known name that is close to it.
        nearest: Option<&'static str>,
    },
    /// Another client has it.
    #[error("`{name}` is known and not honoured: {reason}")]
    NotHonoured {
        /// The name given.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// It means nothing to this kind of client.
    #[error("`{name}` is a property of {}", match belongs_to { Role::Producer => "producers", Role::Consumer => "consumers", Role::Admin => "admin clients" })]
    WrongRole {
        /// The name given.
        name: String,
        /// Whose it is.
        belongs_to: Role,
    },
    /// The value is not one of its values.
    #[error("`{name}` wants {wanted}, not {value:?}")]
    BadValue {
        /// The name given.
        name: String,
        /// The value given.
        value: String,
        /// What would do, in words.
        wanted: &'static str,
    },
    /// A line of a properties file that holds no property.
    #[error("line {line} is not `name=value`")]
    BadLine {
        /// Counted from 1.
        line: usize,
    },
}

type Entry = (String, String);

impl ClientConfig {
    /// Applies `entries` in order, the last one of a name winning, over the defaults of `role`.
    /// Checks them all: also those that a producer's or consumer's config will take.
    ///
    /// # Errors
    /// Every property that is not taken.
    pub fn from_properties(
        role: Role,
        entries: &[Entry],
    ) -> Result<ClientConfig, Vec<PropertyError>> {
        // A producer writes to topics that are to be, as Java's does.
        let allow_auto_create = role == Role::Producer;
        let mut config = ClientConfig { allow_auto_create, ..ClientConfig::default() };
        let mut problems = Vec::new();
        for (name, text) in entries {
            let applied = lookup(name, role).and_then(|goes| match goes {
                Goes::Client(set) | Goes::ClientAndProducer(set, _) => {
                    set(&mut config, text).map_err(|wanted| bad_value(name, text, wanted))
                }
                Goes::Only(values, wanted) if !values.contains(&text.as_str()) => {
                    Err(bad_value(name, text, wanted))
                }
                Goes::Only(..) | Goes::Producer(_) | Goes::Consumer(_) => Ok(()),
            });
            problems.extend(applied.err());
        }
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
}

impl ProducerConfig {
    /// Applies those of `entries` that are a producer's; [`ClientConfig::from_properties`] checks the others.
    ///
    /// # Errors
    /// Every value that is not taken, and combinations that contradict each other. Without a word about
    /// `enable.idempotence`, acks other than all turn it off, as Java does.
    pub fn from_properties(entries: &[Entry]) -> Result<ProducerConfig, Vec<PropertyError>> {
        let mut config = ProducerConfig::default();
        let mut problems = Vec::new();
        // A level is checked against the codec: codecs first.
        let codec_first = |(name, _): &&Entry| !name.starts_with("compression.") as u8 + 1;
        let mut ordered: Vec<&Entry> = entries.iter().collect();
        ordered.sort_by_key(|entry| match entry.0.as_str() {
            "compression.type" | "compression.codec" => 0,
            _ => codec_first(entry),
        });
        for (name, text) in ordered {
            if let Ok(Goes::Producer(set) | Goes::ClientAndProducer(_, set)) =
                lookup(name, Role::Producer)
            {
                problems.extend(
                    set(&mut config, text).err().map(|wanted| bad_value(name, text, wanted)),
                );
            }
        }
        if !entries.iter().any(|(name, _)| name == "enable.idempotence") {
            // A transactional producer is idempotent, and contradictions are told.
            config.idempotent =
                config.transactional_id.is_some() || check_producer(&config).is_ok();
        }
        if let Err((name, wanted)) = check_producer(&config) {
            let value = entries.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            problems.push(bad_value(name, value.as_deref().unwrap_or_default(), wanted));
        }
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
}

impl ConsumerConfig {
    /// Applies those of `entries` that are a consumer's; [`ClientConfig::from_properties`] checks the others.
    ///
    /// # Errors
    /// Every value that is not taken. Without a word about `heartbeat.interval.ms`, a short `session.timeout.ms` shortens it.
    pub fn from_properties(entries: &[Entry]) -> Result<ConsumerConfig, Vec<PropertyError>> {
        let mut config = ConsumerConfig::default();
        let mut problems = Vec::new();
        for (name, text) in entries {
            if let Ok(Goes::Consumer(set)) = lookup(name, Role::Consumer) {
                problems.extend(
                    set(&mut config, text).err().map(|wanted| bad_value(name, text, wanted)),
                );
            }
        }
        let given = |name: &str| entries.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v);
        let heartbeat = given("heartbeat.interval.ms");
        if let Err((name, wanted)) = config.group.settle(heartbeat.is_some()) {
            problems.push(bad_value(name, heartbeat.map_or("", |v| v), wanted));
        }
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
}

fn bad_value(name: &str, value: &str, wanted: &'static str) -> PropertyError {
    PropertyError::BadValue { name: name.into(), value: value.into(), wanted }
}

/// What a name means to a client of this role.
fn lookup(name: &str, role: Role) -> Result<&'static Goes, PropertyError> {
    if let Some((_, goes)) = KNOWN.iter().find(|(names, _)| names.contains(&name)) {
        let belongs_to = match goes {
            Goes::Producer(_) => Role::Producer,
            Goes::Consumer(_) => Role::Consumer,
            Goes::Client(_) | Goes::ClientAndProducer(..) | Goes::Only(..) => role,
        };
        return if belongs_to == role {
            Ok(goes)
        } else {
            Err(PropertyError::WrongRole { name: name.into(), belongs_to })
        };
    }
    match REFUSED.iter().find(|(_, names)| names.contains(&name)) {
        Some((reason, _)) => Err(PropertyError::NotHonoured { name: name.into(), reason }),
        None => Err(PropertyError::Unknown { name: name.into(), nearest: nearest(name) }),
    }
}

/// The known name with the fewest edits, if they are few for its length.
fn nearest(name: &str) -> Option<&'static str> {
    let known = KNOWN.iter().flat_map(|(names, _)| names.iter());
    let refused = REFUSED.iter().flat_map(|(_, names)| names.iter());
    let (distance, best) = known.chain(refused).map(|k| (edits(name, k), *k)).min()?;
    (distance <= best.len().max(name.len()) / 3 + 1).then_some(best)
}

/// Levenshtein's distance, in bytes.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Reads a Java properties file: `name=value` or `name: value`, `#` and `!` comments, `\` at a line's end joins lines.
/// Escapes `\t \n \r \f \\` and `\u` with four hex digits are read; any other escaped character stands for itself.
///
/// # Errors
/// `BadLine` for each line without a name and separator.
pub fn parse_properties(text: &str) -> Result<Vec<(String, String)>, Vec<PropertyError>> {
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let start = first.trim_start();
        if start.is_empty() || start.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = start.to_owned();
        while ends_in_odd_backslashes(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start());
        }
        match split_property(&logical) {
            Some(entry) => entries.push(entry),
            None => problems.push(PropertyError::BadLine { line: index + 1 }),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

fn ends_in_odd_backslashes(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

fn split_property(line: &str) -> Option<(String, String)> {
    let mut escaped = false;
    let at = line.char_indices().find_map(|(at, c)| {
        let separates = !escaped && (matches!(c, '=' | ':') || c.is_whitespace());
        escaped = c == '\\' && !escaped;
        separates.then_some(at)
    })?;
    let (name, rest) = line.split_at(at);
    let rest = rest.trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
    (!name.is_empty()).then(|| (unescape(name), unescape(value.trim_end())))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\x0c'),
            Some('u') => {
                let code = u32::from_str_radix(chars.as_str().get(..4).unwrap_or(""), 16);
                match code.ok().and_then(char::from_u32) {
                    Some(c) => {
                        out.push(c);
                        chars.nth(3);
                    }
                    None => out.push('u'),
                }
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
#[path = "properties_tests.rs"]
mod tests;
