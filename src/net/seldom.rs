//! Log lines that a stranger can cause: a few each second, the others are counted.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

const WINDOW: Duration = Duration::from_secs(1);
const LINES: u32 = 10;

/// Lets 10 lines a second through.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Seldom {
    /// Whether a line may be written now; and if so, how many were left out since the last one, if any were.
    pub fn allow(&self) -> Option<Option<u64>> {
        self.allow_at(Instant::now())
    }

    fn allow_at(&self, now: Instant) -> Option<Option<u64>> {
        let mut state = self.0.lock();
        if state.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            (state.since, state.lines) = (Some(now), 0);
        }
        if state.lines == LINES {
            state.left_out += 1;
            return None;
        }
        state.lines += 1;
        Some(Some(std::mem::take(&mut state.left_out)).filter(|left_out| *left_out > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_in_the_next_line() {
        let seldom = Seldom::default();
        let start = Instant::now();
        let allowed = (0..1000).filter(|_| seldom.allow_at(start) == Some(None)).count();
        assert_eq!(allowed, LINES as usize);
        assert_eq!(seldom.allow_at(start + WINDOW), Some(Some(990)));
        assert_eq!(seldom.allow_at(start + WINDOW), Some(None));
    }
}
