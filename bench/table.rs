//! The results as tables in Markdown.

use std::fmt;

use crate::broker::Subject;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Side {
    A,
    B,
}

/// One number, with its unit in the name. MB and GB are 10⁶ and 10⁹ bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    /// The same without any broker: a bare sendfile loop, a sink.
    pub bare: Option<f64>,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64) -> Figure {
        Figure { name: name.into(), value, bare: None }
    }

    pub fn beside(name: impl Into<String>, value: f64, bare: f64) -> Figure {
        Figure { name: name.into(), value, bare: Some(bare) }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, number(self.value))
    }
}

/// What one broker's turn gave.
pub struct Leg {
    pub side: Side,
    pub figures: Vec<Figure>,
}

/// A line per figure: the median over the legs of each side, its range, and A's over B's.
pub fn markdown(legs: &[Leg], [a, b]: [&Subject; 2]) -> String {
    let has_bare = legs.iter().flat_map(|leg| &leg.figures).any(|figure| figure.bare.is_some());
    let (head, rule) = if has_bare { (" bare | A / bare |", "--:|--:|") } else { ("", "") };
    let mut text = format!("| | A: {a} | B: {b} | A / B |{head}\n|---|--:|--:|--:|{rule}\n");
    let mut names: Vec<&str> = Vec::new();
    for figure in legs.iter().flat_map(|leg| &leg.figures) {
        if !names.contains(&figure.name.as_str()) {
            names.push(&figure.name);
        }
    }
    for name in names {
        let of = |side: Option<Side>, value: fn(&Figure) -> Option<f64>| {
            let legs = legs.iter().filter(|leg| side.is_none_or(|side| leg.side == side));
            let figures = legs.flat_map(|leg| &leg.figures).filter(|figure| figure.name == name);
            Middle::of(figures.filter_map(value).collect())
        };
        let of_side = |side| of(Some(side), |figure| Some(figure.value));
        let (a, b, bare) = (of_side(Side::A), of_side(Side::B), of(None, |figure| figure.bare));
        text.push_str(&format!("| {name} | {a} | {b} | {} |", ratio(&a, &b)));
        if has_bare {
            text.push_str(&format!(" {bare} | {} |", ratio(&a, &bare)));
        }
        text.push('\n');
    }
    text
}

/// The median, and between which values it lies.
struct Middle(Vec<f64>);

impl Middle {
    fn of(mut values: Vec<f64>) -> Middle {
        values.sort_by(f64::total_cmp);
        Middle(values)
    }

    fn median(&self) -> Option<f64> {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(self.0[middle]),
            _ => Some((self.0[middle - 1] + self.0[middle]) / 2.0),
        }
    }
}

impl fmt::Display for Middle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(median) = self.median() else { return Ok(()) };
        f.write_str(&number(median))?;
        match self.0.as_slice() {
            [low, .., high] => write!(f, " ({}–{})", number(*low), number(*high)),
            _ => Ok(()),
        }
    }
}

fn ratio(over: &Middle, under: &Middle) -> String {
    match (over.median(), under.median()) {
        (Some(over), Some(under)) => format!("{:.2}", over / under),
        _ => String::new(),
    }
}

/// Three digits that count, or all before the point.
pub fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        large if large >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
