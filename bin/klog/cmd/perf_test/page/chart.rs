//! A chart as inline SVG.

use std::fmt::Write as _;

use super::axis::Axis;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 46.0;

/// A line of a chart.
pub struct Series {
    /// What it is called.
    pub name: &'static str,
    /// Which of the page's colours it has: `a`, `b` or `c`.
    pub class: &'static str,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
    /// Whether the space below it is filled.
    pub is_filled: bool,
}

/// Draws lines over two axes.
pub fn draw(about: &str, x: &Axis, y: &Axis, series: &[Series]) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{about}\" preserveAspectRatio=\"xMidYMid meet\">\n"
    );
    grid(&mut svg, x, y);
    for line in series {
        svg += &path(line, x, y);
    }
    svg += "</svg>\n";
    svg
}

/// The names of the lines, each with its colour.
pub fn legend(series: &[Series]) -> String {
    let names = series
        .iter()
        .map(|line| format!("<span class=\"key {}\"><i></i>{}</span>", line.class, line.name));
    format!("<p class=\"legend\">{}</p>\n", names.collect::<String>())
}

fn at(x: &Axis, value: f64) -> f64 {
    LEFT + x.place(value) * (WIDTH - LEFT - RIGHT)
}

fn height(y: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM)
}

fn grid(svg: &mut String, x: &Axis, y: &Axis) {
    let (floor, end) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (value, text) in &y.ticks {
        let h = height(y, *value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{h:.1}\" x2=\"{end}\" y2=\"{h:.1}\"/>\
             <text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
            LEFT - 8.0,
            h + 4.0
        );
    }
    for (value, text) in &x.ticks {
        let v = at(x, *value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{v:.1}\" y1=\"{floor}\" x2=\"{v:.1}\" y2=\"{:.1}\"/>\
             <text class=\"tick middle\" x=\"{v:.1}\" y=\"{:.1}\">{text}</text>",
            floor + 5.0,
            floor + 19.0
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"axis end\" x=\"{end}\" y=\"{:.1}\">{}</text>\
         <text class=\"axis\" x=\"{LEFT}\" y=\"11\">{}</text>",
        HEIGHT - 8.0,
        x.label,
        y.label
    );
}

fn path(line: &Series, x: &Axis, y: &Axis) -> String {
    let place = |(a, b): &(f64, f64)| format!("{:.1},{:.1}", at(x, *a), height(y, *b));
    let points: Vec<String> = line.points.iter().map(place).collect();
    let (Some(first), Some(last)) = (line.points.first(), line.points.last()) else {
        return String::new();
    };
    let (class, all) = (line.class, points.join(" "));
    let mut out = String::new();
    if line.is_filled {
        let floor = HEIGHT - BOTTOM;
        let (from, to) = (at(x, first.0), at(x, last.0));
        let _ = writeln!(
            out,
            "<polygon class=\"fill {class}\" points=\"{from:.1},{floor} {all} {to:.1},{floor}\"/>"
        );
    }
    if points.len() == 1 {
        let (v, h) = (at(x, first.0), height(y, first.1));
        let _ =
            writeln!(out, "<circle class=\"dot {class}\" cx=\"{v:.1}\" cy=\"{h:.1}\" r=\"4\"/>");
    }
    let _ = writeln!(
        out,
        "<polyline class=\"line {class}\" points=\"{all}\"><title>{}</title></polyline>",
        line.name
    );
    out
}
