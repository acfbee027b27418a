//! What a value may look like.

/// Why a value is refused; says what it should be.
pub type Bad = String;

/// A whole number within bounds.
///
/// # Errors
/// What it should be.
pub fn number(text: &str, min: i64, max: i64) -> Result<i64, Bad> {
    let parsed = text.trim().parse::<i64>().ok().filter(|number| (min..=max).contains(number));
    parsed.ok_or_else(|| match (min, max) {
        (min, i64::MAX) => format!("must be a whole number of at least {min}"),
        (min, max) => format!("must be a whole number between {min} and {max}"),
    })
}

/// A fraction from 0 to 1.
///
/// # Errors
/// What it should be.
pub fn fraction(text: &str) -> Result<f64, Bad> {
    let parsed = text.trim().parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    parsed.ok_or_else(|| "must be a number between 0 and 1".into())
}

/// `true` or `false`.
///
/// # Errors
/// What it should be.
pub fn boolean(text: &str) -> Result<bool, Bad> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

/// Items between commas, without the spaces around them.
pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// One of some words.
///
/// # Errors
/// What it should be.
pub fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, Bad> {
    let found = words.iter().find(|(word, _)| *word == text.trim());
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be one of {}", words.join(", "))
    })
}

/// The known name that is nearest to `name`, if one is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.len() / 3).max(2);
    known
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other)
}

/// How many characters must be put in, taken out or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
