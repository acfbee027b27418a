//! The levels of the broker's own log, which can be changed while it runs (KIP-412). What a change does to the log is up to whoever
//! started the broker; a restart forgets it.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;

/// The logger that all others inherit from.
pub const ROOT: &str = "root";

/// Kafka's names of levels.
const LEVELS: &[(&str, LevelFilter)] = &[
    ("FATAL", LevelFilter::OFF),
    ("ERROR", LevelFilter::ERROR),
    ("WARN", LevelFilter::WARN),
    ("INFO", LevelFilter::INFO),
    ("DEBUG", LevelFilter::DEBUG),
    ("TRACE", LevelFilter::TRACE),
];

type Apply = Box<dyn Fn(&[(&'static str, LevelFilter)]) + Send + Sync>;

/// Why a level was not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// There is no such logger.
    #[error("there is no logger '{0}'")]
    NoLogger(String),
    /// There is no such level.
    #[error("'{0}' is no level: TRACE, DEBUG, INFO, WARN, ERROR or FATAL")]
    NoLevel(String),
    /// The root logger has none to inherit from.
    #[error("the root logger has a level always")]
    Root,
}

/// Loggers and their levels. A logger without a level has that of the next above it: `klog.log`, `klog`, root.
#[derive(Default)]
pub struct Loggers {
    levels: Mutex<BTreeMap<&'static str, Option<LevelFilter>>>,
    apply: Option<Apply>,
}

impl Loggers {
    /// Loggers with their levels as they are; `apply` is told all explicit levels whenever one changes.
    pub fn new(
        levels: impl IntoIterator<Item = (&'static str, Option<LevelFilter>)>,
        apply: impl Fn(&[(&'static str, LevelFilter)]) + Send + Sync + 'static,
    ) -> Loggers {
        let levels = Mutex::new(levels.into_iter().collect());
        Loggers { levels, apply: Some(Box::new(apply)) }
    }

    /// The loggers, each with the level that counts, and whether that is its own.
    pub fn all(&self) -> Vec<(&'static str, &'static str, bool)> {
        let levels = self.levels.lock();
        levels
            .iter()
            .map(|(name, own)| (*name, word(effective(&levels, name)), own.is_some()))
            .collect()
    }

    /// Checks a change: `None` takes a logger's level away.
    ///
    /// # Errors
    /// See [`LevelError`].
    pub fn check(&self, logger: &str, level: Option<&str>) -> Result<(), LevelError> {
        self.parse(logger, level).map(drop)
    }

    /// Changes a level, or takes it away.
    ///
    /// # Errors
    /// As [`Loggers::check`].
    pub fn set(&self, logger: &str, level: Option<&str>) -> Result<(), LevelError> {
        let (name, level) = self.parse(logger, level)?;
        let mut levels = self.levels.lock();
        levels.insert(name, level);
        let own: Vec<_> = levels.iter().filter_map(|(name, own)| Some((*name, (*own)?))).collect();
        if let Some(apply) = &self.apply {
            apply(&own);
        }
        Ok(())
    }

    fn parse(
        &self,
        logger: &str,
        level: Option<&str>,
    ) -> Result<(&'static str, Option<LevelFilter>), LevelError> {
        let known = self.levels.lock().keys().copied().find(|name| *name == logger);
        let name = known.ok_or_else(|| LevelError::NoLogger(logger.into()))?;
        let Some(level) = level else {
            return if name == ROOT { Err(LevelError::Root) } else { Ok((name, None)) };
        };
        let found = LEVELS.iter().find(|(word, _)| word.eq_ignore_ascii_case(level));
        let (_, level) = found.ok_or_else(|| LevelError::NoLevel(level.into()))?;
        Ok((name, Some(*level)))
    }
}

impl std::fmt::Debug for Loggers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loggers").field("levels", &*self.levels.lock()).finish_non_exhaustive()
    }
}

fn effective(levels: &BTreeMap<&str, Option<LevelFilter>>, name: &str) -> LevelFilter {
    let mut name = name;
    loop {
        if let Some(Some(level)) = levels.get(name) {
            return *level;
        }
        name = match name.rsplit_once('.') {
            Some((above, _)) => above,
            None if name != ROOT => ROOT,
            None => return LevelFilter::OFF,
        };
    }
}

fn word(level: LevelFilter) -> &'static str {
    LEVELS.iter().find(|(_, known)| *known == level).map_or("FATAL", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Told = Arc<Mutex<Vec<(&'static str, LevelFilter)>>>;

    fn loggers() -> (Loggers, Told) {
        let told = Told::default();
        let heard = told.clone();
        let levels = [
            (ROOT, Some(LevelFilter::WARN)),
            ("klog", Some(LevelFilter::INFO)),
            ("klog.log", None),
        ];
        (Loggers::new(levels, move |all| *heard.lock() = all.to_vec()), told)
    }

    #[test]
    fn a_logger_without_a_level_has_that_of_the_next_above_it() {
        let (loggers, told) = loggers();
        assert!(loggers.all().contains(&("klog.log", "INFO", false)));
        loggers.set("klog.log", Some("debug")).unwrap();
        assert!(loggers.all().contains(&("klog.log", "DEBUG", true)));
        assert!(told.lock().contains(&("klog.log", LevelFilter::DEBUG)));
        loggers.set("klog.log", None).unwrap();
        loggers.set("klog", None).unwrap();
        assert!(loggers.all().contains(&("klog.log", "WARN", false)));
        assert_eq!(*told.lock(), [(ROOT, LevelFilter::WARN)]);
    }

    #[test]
    fn what_cannot_be_changed_is_told_and_changes_nothing() {
        let (loggers, told) = loggers();
        assert_eq!(loggers.set(ROOT, None), Err(LevelError::Root));
        assert_eq!(loggers.set("klog", Some("LOUD")), Err(LevelError::NoLevel("LOUD".into())));
        assert_eq!(loggers.set("kafka", Some("INFO")), Err(LevelError::NoLogger("kafka".into())));
        assert!(told.lock().is_empty());
    }
}
