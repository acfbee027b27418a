//! Axes: where a value stands, and which values are written beside them.

/// One axis of a chart.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it counts, with its unit.
    pub label: &'static str,
    low: f64,
    high: f64,
    is_log: bool,
    /// Values with what is written there.
    pub ticks: Vec<(f64, String)>,
}

/// About so many ticks on an axis.
const TICKS: f64 = 5.0;
/// Percentiles beyond this one are those of a few records.
const MOST_NINES: f64 = 6.0;

impl Axis {
    /// From 0 to a round number at or above `most`.
    pub fn from_zero(label: &'static str, most: f64, written: fn(f64) -> String) -> Axis {
        let step = round_step(most.max(f64::MIN_POSITIVE) / TICKS);
        let steps = (most / step).ceil().max(1.0);
        let ticks = (0..=steps as usize).map(|at| at as f64 * step);
        let ticks = ticks.map(|value| (value, written(value))).collect();
        Axis { label, low: 0.0, high: steps * step, is_log: false, ticks }
    }

    /// From 0 to `most` itself: for time, which ends where it ends.
    pub fn of_time(label: &'static str, most: f64) -> Axis {
        let axis = Axis::from_zero(label, most, |value| format!("{value}"));
        let ticks = axis.ticks.into_iter().filter(|(value, _)| *value <= most).collect();
        Axis { high: most.max(f64::MIN_POSITIVE), ticks, ..axis }
    }

    /// By powers of ten, from 1, 2 or 5 of them at or below `least` to as much at or above `most`.
    pub fn log(label: &'static str, least: f64, most: f64, written: fn(f64) -> String) -> Axis {
        let least = least.max(1e-6);
        let most = most.max(least * 1.001);
        let powers = (-7..=12).map(|power| 10_f64.powi(power));
        let all: Vec<f64> = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|f| f * power)).collect();
        let low = all.iter().rev().find(|value| **value <= least).copied().unwrap_or(least);
        let high = all.iter().find(|value| **value >= most).copied().unwrap_or(most);
        let is_wide = high / low > 1000.0;
        let is_shown = |value: &f64| !is_wide || value.log10().round() == value.log10();
        let between = all.into_iter().filter(|value| (low..=high).contains(value));
        let ticks = between.filter(is_shown).map(|value| (value, written(value))).collect();
        Axis { label, low, high, is_log: true, ticks }
    }

    /// Percentiles by their nines: 90, 99, 99.9 stand at even distances. For so many values.
    pub fn percentiles(label: &'static str, values: u64) -> Axis {
        let high = (values.max(10) as f64).log10().min(MOST_NINES);
        let whole = (1..=high as usize).map(|nines| (nines as f64, percent(nines)));
        let ticks = [(0.0, "0 %".to_owned()), (nines(0.5), "50 %".to_owned())];
        let ticks = ticks.into_iter().chain(whole).collect();
        Axis { label, low: 0.0, high, is_log: false, ticks }
    }

    /// The largest value that it shows.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Where a value stands, from 0 to 1.
    pub fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.is_log { value.max(self.low).log10() } else { value };
        let (low, high) = (scale(self.low), scale(self.high));
        ((scale(value) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// How far along a quantile stands on an axis of percentiles.
pub fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

fn percent(nines: usize) -> String {
    match nines {
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat(more - 2)),
    }
}

/// 1, 2 or 5 times a power of ten, at or above `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * 0.999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_reach_over_the_largest_value() {
        let axis = Axis::from_zero("", 1234.0, |value| value.to_string());
        assert_eq!(written(&axis), ["0", "500", "1000", "1500"]);
        assert_eq!((axis.place(0.0), axis.place(750.0), axis.place(1500.0)), (0.0, 0.5, 1.0));
        assert_eq!(written(&Axis::of_time("", 12.0)), ["0", "5", "10"]);
        assert_eq!(Axis::from_zero("", 0.0, |value| value.to_string()).place(0.0), 0.0);
    }

    #[test]
    fn powers_of_ten_stand_at_even_distances() {
        let axis = Axis::log("", 0.6, 400.0, |value| value.to_string());
        assert_eq!(written(&axis), ["0.5", "1", "2", "5", "10", "20", "50", "100", "200", "500"]);
        assert!(
            ((axis.place(10.0) - axis.place(1.0)) - (axis.place(100.0) - axis.place(10.0))).abs()
                < 1e-9
        );
        assert_eq!((axis.place(0.0), axis.place(1e9)), (0.0, 1.0));
        let wide = Axis::log("", 0.02, 900.0, |value| value.to_string());
        assert_eq!(written(&wide), ["0.1", "1", "10", "100", "1000"]);
    }

    #[test]
    fn percentiles_go_as_far_as_there_are_values() {
        let axis = Axis::percentiles("", 1000);
        assert_eq!(written(&axis), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        assert!((axis.place(nines(0.99)) - 2.0 / 3.0).abs() < 1e-9);
    }
}
