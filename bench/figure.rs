//! What a turn gives: numbers, and what each of them should come to.

use std::fmt;

use crate::broker::{Kind, Subject};

/// One number, with its unit in the name. MB and GB are 10⁶ and 10⁹ bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    /// The same without any broker: a bare sendfile loop, a sink.
    pub bare: Option<f64>,
    /// What klog's value should come to beside Kafka's.
    pub aims: Vec<Aim>,
    /// Its row in the matrix, where that is not its case's.
    pub row: Option<u8>,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64) -> Figure {
        Figure { name: name.into(), value, bare: None, aims: Vec::new(), row: None }
    }

    pub fn beside(name: impl Into<String>, value: f64, bare: f64) -> Figure {
        Figure { bare: Some(bare), ..Figure::new(name, value) }
    }

    pub fn aim(mut self, aim: Aim) -> Figure {
        self.aims.push(aim);
        self
    }

    pub fn in_row(mut self, row: u8) -> Figure {
        self.row = Some(row);
        self
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, number(self.value))
    }
}

/// One of its bounds is to hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Aim(Vec<Bound>);

#[derive(Clone, Copy, PartialEq, Debug)]
struct Bound {
    limit: f64,
    is_least: bool,
    of: Of,
}

/// What a limit is a multiple of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Of {
    Kafka,
    Bare,
    /// Of the figure's unit.
    One,
}

/// The medians that an aim is judged by.
#[derive(Clone, Copy)]
pub struct Medians {
    pub klog: Option<f64>,
    pub kafka: Option<f64>,
    pub bare: Option<f64>,
}

pub fn at_least(limit: f64, of: Of) -> Aim {
    Aim(vec![Bound { limit, is_least: true, of }])
}

pub fn at_most(limit: f64, of: Of) -> Aim {
    Aim(vec![Bound { limit, is_least: false, of }])
}

/// Aims are about klog beside Kafka, as they come.
pub fn are_judged([a, b]: [&Subject; 2]) -> bool {
    a.kind == Kind::Klog && b.kind == Kind::Kafka && b.settings.is_empty()
}

impl Aim {
    pub fn or(mut self, other: Aim) -> Aim {
        self.0.extend(other.0);
        self
    }

    /// By how much it is missed, as a fraction of what was to be; not above zero where it is met. None without figures.
    pub fn miss(&self, medians: Medians) -> Option<f64> {
        let misses: Vec<f64> = self.0.iter().filter_map(|bound| bound.miss(medians)).collect();
        misses.into_iter().min_by(f64::total_cmp)
    }

    pub fn verdict(&self, medians: Medians) -> String {
        match self.miss(medians) {
            None => format!("{self}: not measured"),
            Some(miss) if miss <= 0.0 => format!("{self}: met"),
            Some(miss) => format!("{self}: **missed by {} %**", number(miss * 100.0)),
        }
    }
}

impl Bound {
    fn miss(self, medians: Medians) -> Option<f64> {
        let of = match self.of {
            Of::Kafka => medians.kafka?,
            Of::Bare => medians.bare?,
            Of::One => 1.0,
        };
        let share = medians.klog? / (of * self.limit);
        Some(match (share.is_nan(), self.is_least) {
            // Nothing of nothing.
            (true, _) => 0.0,
            (_, true) => 1.0 - share,
            (_, false) => share - 1.0,
        })
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, bound) in self.0.iter().enumerate() {
            let before = if at > 0 { " or " } else { "" };
            let sign = if bound.is_least { '≥' } else { '≤' };
            let of = match bound.of {
                Of::Kafka => " × Kafka",
                Of::Bare => " × bare",
                Of::One => "",
            };
            let limit = (bound.limit * 1e3).round() / 1e3;
            write!(f, "{before}{sign} {limit}{of}")?;
        }
        Ok(())
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
