//! What every page has: its head, its colours, tables of settings.

/// Light and dark by what the reader's system prefers; printed on white.
const STYLE: &str = include_str!("style.css");

/// A whole page; nothing is fetched from elsewhere.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// A heading with what stands beneath it.
pub fn section(title: &str, hint: &str, body: &str) -> String {
    let hint =
        if hint.is_empty() { String::new() } else { format!("<p class=\"hint\">{hint}</p>\n") };
    format!("<section>\n<h2>{title}</h2>\n{hint}{body}</section>\n")
}

/// Names and values.
pub fn table(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value))
    };
    format!("<table>\n{}</table>\n", rows.iter().map(row).collect::<String>())
}

/// A number that stands out.
pub fn tile(name: &str, value: &str, unit: &str) -> String {
    format!(
        "<div class=\"tile\"><span>{name}</span><b>{}</b><small>{unit}</small></div>\n",
        escaped(value)
    )
}

/// Text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `1,234,567`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let rest = digits.as_bytes()[first..].chunks(3);
    let rest = rest.map(|group| format!(",{}", String::from_utf8_lossy(group)));
    format!("{}{}", &digits[..first], rest.collect::<String>())
}

/// `1.5 M`, for axes.
pub fn short(number: f64) -> String {
    let (value, unit) = match number {
        n if n >= 1e9 => (n / 1e9, " G"),
        n if n >= 1e6 => (n / 1e6, " M"),
        n if n >= 1e4 => (n / 1e3, " k"),
        n => (n, ""),
    };
    format!("{}{unit}", (value * 100.0).round() / 100.0)
}

/// Milliseconds to three digits.
pub fn ms(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 2000.0, 25_000.0, 1.5e6].map(short), ["0", "2000", "25 k", "1.5 M"]);
        assert_eq!([0.1234, 1.234, 12.34, 123.4].map(ms), ["0.123", "1.23", "12.3", "123"]);
    }

    #[test]
    fn what_was_typed_is_text() {
        assert!(table(&[("a".into(), "<b>&".into())]).contains("<td>&lt;b&gt;&amp;</td>"));
    }
}
