//! Two brokers side by side: a bar each, with the spread of its runs.

use std::fmt::Write as _;

use super::super::compare::{Compared, Spread};
use super::Settings;
use super::frame::{escaped, page, section, table};
use super::machine;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 150.0;
const ROW: f64 = 34.0;

/// The page of a comparison.
pub fn of_comparison(compared: &[Compared], settings: &Settings) -> String {
    let now = crate::output::local_time(Some(crate::values::now().0));
    let mut body = format!(
        "<h1>klog perf-test compare</h1>\n<p class=\"lead\">A B B A, ended {now}</p>\n\
         <p class=\"note\">A bar is the median of its runs, the line on it their spread.</p>\n"
    );
    for row in compared {
        let ratio = row.ratio.map_or("no ratio".to_owned(), |ratio| format!("A is {ratio:.2} × B"));
        let wanted = if row.more_is_better { "more is better" } else { "less is better" };
        let title = format!("{}: {}", escaped(&row.case), escaped(row.measure));
        body += &section(&title, &format!("<b>{ratio}</b>, {wanted}"), &bars(row));
    }
    let _ = write!(
        body,
        "<div class=\"pair\">\n{}{}</div>\n",
        section("Settings", "", &table(settings)),
        section("This machine", "", &table(&machine::describe()))
    );
    page("klog perf-test compare", &body)
}

fn bars(row: &Compared) -> String {
    let most = row.a.max.max(row.b.max).max(f64::MIN_POSITIVE);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"A {} and B {}\">\n",
        2.0 * ROW,
        row.a.median,
        row.b.median
    );
    for (at, (name, class, side)) in [("A", "a", &row.a), ("B", "b", &row.b)].iter().enumerate() {
        svg += &bar(name, class, side, most, (at as f64 + 0.5) * ROW);
    }
    svg + "</svg>\n"
}

fn bar(name: &str, class: &str, side: &Spread, most: f64, middle: f64) -> String {
    let at = |value: f64| LEFT + value / most * (WIDTH - LEFT - RIGHT);
    let (end, low, high) = (at(side.median), at(side.min), at(side.max));
    let written = if side.median >= 1000.0 {
        super::frame::grouped(side.median as u64)
    } else {
        super::frame::ms(side.median)
    };
    format!(
        "<text class=\"tick\" x=\"8\" y=\"{text:.1}\">{name}</text>\
         <line class=\"bar {class}\" x1=\"{LEFT}\" y1=\"{middle}\" x2=\"{end:.1}\" y2=\"{middle}\"/>\
         <line class=\"whisker\" x1=\"{low:.1}\" y1=\"{middle}\" x2=\"{high:.1}\" y2=\"{middle}\"/>\
         <text class=\"tick value\" x=\"{behind:.1}\" y=\"{text:.1}\">{written}</text>\n",
        text = middle + 4.0,
        behind = high.max(end) + 10.0,
    )
}
