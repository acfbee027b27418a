//! `--html`: one page that needs nothing else, with charts as inline SVG, light or dark as the reader has it.

mod axis;
mod chart;
mod frame;
mod machine;
mod pair;

use std::path::Path;

use anyhow::Context as _;
use klog::perf::{Histogram, Point, Summary};

use self::axis::{Axis, nines};
use self::chart::{Series, draw, legend};
use self::frame::{grouped, ms, page, section, short, table, tile};
use super::report::{Report, millis};

pub use self::pair::of_comparison;

/// More points than this are not told apart on a screen.
const MOST_POINTS: usize = 480;

/// What the page says a test was told to do.
pub type Settings = Vec<(String, String)>;

/// Writes a page.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, page: &str) -> anyhow::Result<()> {
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// The page of a test.
pub fn of_test(report: &Report, summary: &Summary, settings: &Settings) -> String {
    let points = thinned(&summary.points);
    let mut body = head(report, summary);
    if points.len() > 1 {
        body += &throughput(&points);
    }
    if !summary.counts.latencies.is_empty() {
        body += &percentiles(&summary.counts.latencies);
        if points.len() > 1 {
            body += &latency_over_time(&points);
        }
    }
    body += &about(settings);
    page(&format!("klog perf-test {}", report.test), &body)
}

/// What was seen, in numbers.
fn head(report: &Report, summary: &Summary) -> String {
    let now = crate::output::local_time(Some(crate::values::now().0));
    let mut text = format!(
        "<h1>klog perf-test {}</h1>\n<p class=\"lead\">{} records in {:.1} s, ended {now}</p>\n",
        report.test,
        grouped(report.records),
        report.seconds
    );
    text += "<div class=\"tiles\">\n";
    text += &tile("throughput", &grouped(report.records_per_s as u64), "records/s");
    text += &tile("throughput", &format!("{:.1}", report.mb_per_s), "MB/s");
    let latencies = &summary.counts.latencies;
    if !latencies.is_empty() {
        let at = |quantile| ms(millis(latencies.value_at_quantile(quantile)));
        text += &tile("p50", &at(0.5), "ms");
        text += &tile("p99", &at(0.99), "ms");
        text += &tile("p99.9", &at(0.999), "ms");
        text += &tile("max", &ms(millis(latencies.max())), "ms");
    }
    text += &tile("errors", &grouped(report.errors), "records");
    text += "</div>\n";
    if let Some(note) = report.note {
        text += &format!("<p class=\"note\">{note}</p>\n");
    }
    if report.errors > 0 {
        let kinds = report.errors_by_kind.iter();
        let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{count} {kind}")).collect();
        text += &format!("<p class=\"note bad\">Failed: {}</p>\n", kinds.join(", "));
    }
    text
}

fn throughput(points: &[Point]) -> String {
    let values: Vec<(f64, f64)> =
        points.iter().map(|point| (middle(point), point.records_per_second())).collect();
    let most = values.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let x = Axis::of_time("seconds", end(points));
    let y = Axis::from_zero("records/s", most, short);
    let line = Series { name: "records/s", class: "a", points: values, is_filled: true };
    section(
        "Throughput",
        "Records done in each second",
        &draw("Records per second over time", &x, &y, &[line]),
    )
}

fn latency_over_time(points: &[Point]) -> String {
    let of = |which: usize| -> Vec<(f64, f64)> {
        let seen = points.iter().filter_map(|point| Some((middle(point), point.latencies?[which])));
        seen.map(|(at, nanos)| (at, millis(nanos))).collect()
    };
    let lines = [
        Series { name: "max", class: "c", points: of(2), is_filled: false },
        Series { name: "p99", class: "b", points: of(1), is_filled: false },
        Series { name: "p50", class: "a", points: of(0), is_filled: false },
    ];
    let all = || lines.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
    let y = Axis::log("ms", all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max), short);
    let x = Axis::of_time("seconds", end(points));
    let chart = draw("Latency over time", &x, &y, &lines);
    section("Latency over time", "Of the records done in each second", &(chart + &legend(&lines)))
}

fn percentiles(latencies: &Histogram<u64>) -> String {
    /// Points per nine.
    const STEPS: usize = 60;
    let x = Axis::percentiles("percentile", latencies.len());
    let steps = (x.high() * STEPS as f64) as usize;
    let points = (0..=steps).map(|step| {
        let at = step as f64 / STEPS as f64;
        (at, millis(latencies.value_at_quantile(1.0 - 10_f64.powf(-at))))
    });
    let points: Vec<(f64, f64)> = points.collect();
    let (least, most) = (points[0].1, millis(latencies.max()));
    let y = Axis::log("ms", least, most, short);
    let named = [0.5, 0.9, 0.99, 0.999, 0.9999];
    let named = named.into_iter().filter(|quantile| nines(*quantile) <= x.high());
    let mut rows: Settings = named
        .map(|quantile| {
            let value = ms(millis(latencies.value_at_quantile(quantile)));
            (format!("p{}", (quantile * 1e4).round() / 100.0), format!("{value} ms"))
        })
        .collect();
    rows.push(("max".to_owned(), format!("{} ms", ms(most))));
    rows.push(("mean".to_owned(), format!("{} ms", ms(latencies.mean() / 1e6))));
    let line = Series { name: "latency", class: "a", points, is_filled: false };
    let chart = draw("Latency by percentile", &x, &y, &[line]);
    section(
        "Latency by percentile",
        "So many of the records took no longer",
        &(chart + &table(&rows)),
    )
}

fn about(settings: &Settings) -> String {
    format!(
        "<div class=\"pair\">\n{}{}</div>\n",
        section("Settings", "", &table(settings)),
        section("This machine", "", &table(&machine::describe()))
    )
}

fn middle(point: &Point) -> f64 {
    (point.from + point.length / 2).as_secs_f64()
}

fn end(points: &[Point]) -> f64 {
    points.last().map_or(1.0, |point| (point.from + point.length).as_secs_f64())
}

/// Neighbours taken together until there are few enough; of latencies the worst is kept. A short rest at the end says nothing about
/// a second, and is left out.
fn thinned(points: &[Point]) -> Vec<Point> {
    let whole = points.iter().filter(|point| point.length.as_millis() > 500 || points.len() < 3);
    let whole: Vec<Point> = whole.copied().collect();
    let together = whole.len().div_ceil(MOST_POINTS).max(1);
    whole.chunks(together).map(|chunk| chunk.iter().skip(1).fold(chunk[0], joined)).collect()
}

fn joined(one: Point, other: &Point) -> Point {
    let latencies = match (one.latencies, other.latencies) {
        (Some(a), Some(b)) => Some([a[0].max(b[0]), a[1].max(b[1]), a[2].max(b[2])]),
        (a, b) => a.or(b),
    };
    Point {
        from: one.from,
        length: one.length + other.length,
        records: one.records + other.records,
        bytes: one.bytes + other.bytes,
        latencies,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn long_runs_are_thinned_and_keep_their_worst_latency() {
        let point = |at: u64| Point {
            from: Duration::from_secs(at),
            length: Duration::from_secs(1),
            records: 1,
            bytes: 10,
            latencies: Some([1, 2, at]),
        };
        let points: Vec<Point> = (0..3600).map(point).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= MOST_POINTS);
        assert_eq!(thin.iter().map(|point| point.records).sum::<u64>(), 3600);
        assert_eq!(thin.last().and_then(|point| point.latencies), Some([1, 2, 3599]));
    }
}
