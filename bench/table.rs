//! The results as tables in Markdown.

use std::fmt;

use crate::broker::Subject;
use crate::figure::{Aim, Figure, Medians, are_judged, number};

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Side {
    A,
    B,
}

/// What one broker's turn gave.
pub struct Leg {
    pub side: Side,
    pub figures: Vec<Figure>,
}

/// A line per figure that `wanted` takes: the median over the legs of each side, its range, A's over B's, and the aims.
pub fn markdown(legs: &[Leg], subjects: [&Subject; 2], wanted: impl Fn(&Figure) -> bool) -> String {
    let lines: Vec<Line> = Line::all(legs).filter(|line| wanted(line.figure)).collect();
    let has_bare = lines.iter().any(|line| line.figure.bare.is_some());
    let judged = are_judged(subjects);
    let has_aims = judged && lines.iter().any(|line| !line.figure.aims.is_empty());
    let (mut head, mut rule) = (String::new(), String::new());
    if has_bare {
        (head, rule) = (head + " bare | A / bare |", rule + "--:|--:|");
    }
    if has_aims {
        (head, rule) = (head + " aim |", rule + "---|");
    }
    let [a, b] = subjects;
    let mut text = format!("| | A: {a} | B: {b} | A / B |{head}\n|---|--:|--:|--:|{rule}\n");
    for line in lines {
        let (name, Line { a, b, bare, .. }) = (&line.figure.name, &line);
        text.push_str(&format!("| {name} | {a} | {b} | {} |", ratio(a, b)));
        if has_bare {
            text.push_str(&format!(" {bare} | {} |", ratio(a, bare)));
        }
        if has_aims {
            let verdict = |aim: &Aim| aim.verdict(line.medians());
            let verdicts: Vec<String> = line.figure.aims.iter().map(verdict).collect();
            text.push_str(&format!(" {} |", verdicts.join("; ")));
        }
        text.push('\n');
    }
    text
}

/// How many aims are met, missed and not measured, of the figures that `wanted` takes.
pub fn judge(legs: &[Leg], wanted: impl Fn(&Figure) -> bool) -> [usize; 3] {
    let mut counts = [0; 3];
    for line in Line::all(legs).filter(|line| wanted(line.figure)) {
        for aim in &line.figure.aims {
            let place = match aim.miss(line.medians()) {
                Some(miss) if miss <= 0.0 => 0,
                Some(_) => 1,
                None => 2,
            };
            counts[place] += 1;
        }
    }
    counts
}

/// A figure over all legs.
struct Line<'a> {
    figure: &'a Figure,
    a: Middle,
    b: Middle,
    /// What was measured in the turns of A: a bare loop over files reads those of the broker.
    bare: Middle,
}

impl Line<'_> {
    fn all(legs: &[Leg]) -> impl Iterator<Item = Line<'_>> {
        let mut firsts: Vec<&Figure> = Vec::new();
        for figure in legs.iter().flat_map(|leg| &leg.figures) {
            if firsts.iter().all(|first| first.name != figure.name) {
                firsts.push(figure);
            }
        }
        firsts.into_iter().map(|figure| {
            let of = |side: Side, value: fn(&Figure) -> Option<f64>| {
                let legs = legs.iter().filter(|leg| leg.side == side);
                let same = legs.flat_map(|leg| &leg.figures).filter(|f| f.name == figure.name);
                Middle::of(same.filter_map(value).collect())
            };
            let [a, b] = [Side::A, Side::B].map(|side| of(side, |figure| Some(figure.value)));
            Line { figure, a, b, bare: of(Side::A, |figure| figure.bare) }
        })
    }

    fn medians(&self) -> Medians {
        let Line { a, b, bare, .. } = self;
        Medians { klog: a.median(), kafka: b.median(), bare: bare.median() }
    }
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
        (Some(over), Some(under)) if under != 0.0 => number(over / under),
        _ => String::new(),
    }
}
