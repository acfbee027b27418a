//! What goes wrong again and again is tried again and again: silently at first, as most of it passes, then with one line for
//! whoever waits.

use std::time::Duration;

use tokio::time::Instant;

/// What passes sooner is nobody's concern.
const PATIENCE: Duration = Duration::from_secs(5);

/// Since when something fails, and whether that was said.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    since: Option<Instant>,
    is_told: bool,
}

impl Trouble {
    /// It failed. Whether to say so now: once, when it has for long.
    pub(super) fn is_news(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
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

    #[test]
    fn what_lasts_is_said_once_and_its_end_too_and_what_passes_is_not() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        assert!(!trouble.is_news(start));
        assert!(!trouble.is_over(), "it passed");
        let later = start + Duration::from_secs(3600);
        assert!(!trouble.is_news(later), "it is another one");
        assert!(!trouble.is_news(later + PATIENCE - Duration::from_millis(1)));
        assert!(trouble.is_news(later + PATIENCE));
        assert!(!trouble.is_news(later + 2 * PATIENCE), "it was said");
        assert!(trouble.is_over());
        assert!(!trouble.is_over());
    }
}
