//! Counts what is damaged: then the command fails, once all else was shown.

use std::path::{Path, PathBuf};

use klog::base::quoted;
use klog::forensics::Gap;

use crate::exit::Hint as _;

/// Damage that was shown.
#[derive(Default)]
pub struct Damage {
    count: u64,
    first: Option<(PathBuf, Option<u64>)>,
}

impl Damage {
    /// Notes one, at this byte of a file.
    pub fn at(&mut self, path: &Path, position: u64) {
        self.note(path, Some(position));
    }

    /// Notes a file or folder of which it was told in words what is wrong.
    pub fn of(&mut self, path: &Path) {
        self.note(path, None);
    }

    fn note(&mut self, path: &Path, position: Option<u64>) {
        self.count += 1;
        self.first.get_or_insert_with(|| (path.to_path_buf(), position));
    }

    /// Whether all was sound.
    ///
    /// # Errors
    /// How much was damaged, and where the first of it is.
    pub fn finish(self) -> anyhow::Result<()> {
        let Some((path, position)) = self.first else { return Ok(()) };
        let file = path.display();
        let byte = position.map_or_else(String::new, |position| format!(" at byte {position}"));
        let folder = quoted(path.parent().unwrap_or(&path));
        let what = match self.count {
            1 => format!("{file} is damaged{byte}"),
            more => format!("{more} places are damaged, the first in {file}{byte}"),
        };
        Err(anyhow::anyhow!(what)).hint(format!("klog dump-segment --verify --deep {folder}"))
    }
}

/// What a gap is, in words.
pub fn words(gap: &Gap) -> String {
    match (gap.is_zero, gap.is_tail) {
        (true, true) => "zeros to the end: never written, or lost by a crash".to_owned(),
        (true, false) => "zeros in place of batches".to_owned(),
        (false, true) => format!("no whole batch up to the end: {}", gap.why),
        (false, false) => format!("no batch: {}", gap.why),
    }
}
