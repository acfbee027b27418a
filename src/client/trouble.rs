//! What goes wrong again and again is tried again and again: silently at first, as most of it passes, then with one line for
//! whoever waits.

use std::time::Duration;

use tokio::time::Instant;

/// What passes sooner is nobody's concern.
const PATIENCE: Duration = Duration::from_secs(5);

/// Since when something fails, and whether that was said.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// The first failure and the newest.
    span: Option<(Instant, Instant)>,
    is_told: bool,
}

impl Trouble {
    /// It failed. Whether to say so now: once, when it has for long. Tries are at most `apart`: where nobody failed for longer,
    /// it worked meanwhile, and nobody noticed.
    pub(super) fn is_news(&mut self, now: Instant, apart: Duration) -> bool {
        if self.span.is_some_and(|(_, last)| now.duration_since(last) > apart) {
            *self = Trouble::default();
        }
        let since = self.span.map_or(now, |(first, _)| first);
        self.span = Some((since, now));
        let is_news = !self.is_told && now.duration_since(since) >= PATIENCE;
        self.is_told |= is_news;
        is_news
    }

    /// It works. Whether that is worth a line, as its failing was.
    pub(super) fn is_over(&mut self) -> bool {
        std::mem::take(self).is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APART: Duration = Duration::from_secs(3);

    /// Fails every second for so long; in which seconds that is news.
    fn fail(trouble: &mut Trouble, from: Instant, seconds: u64) -> Vec<u64> {
        let is_news = |at: &u64| trouble.is_news(from + Duration::from_secs(*at), APART);
        (0..=seconds).filter(is_news).collect()
    }

    #[test]
    fn what_lasts_is_said_once_and_its_end_too_and_what_passes_is_not() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        assert!(fail(&mut trouble, start, 4).is_empty());
        assert!(!trouble.is_over(), "it passed");
        assert_eq!(fail(&mut trouble, start + APART, 20), [5]);
        assert!(trouble.is_over());
        assert!(!trouble.is_over());
    }

    #[test]
    fn what_failed_long_ago_is_no_beginning_of_what_fails_now() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        assert!(fail(&mut trouble, start, 1).is_empty());
        assert_eq!(fail(&mut trouble, start + Duration::from_secs(3600), 20), [5]);
    }
}
