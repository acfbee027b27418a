//! Lists of several files, one after another, and what of them is damaged.

use std::path::Path;

use super::damage::Damage;
use crate::output::{ListFormat, Row, Rows};

/// What was shown so far.
pub struct Showing {
    format: ListFormat,
    titled: bool,
    damage: Damage,
}

impl Showing {
    /// Nothing yet.
    pub fn new(format: ListFormat) -> Showing {
        Showing { format, titled: false, damage: Damage::default() }
    }

    /// An empty list of a file; a table has the file's name above it.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn rows<R: Row>(&mut self, path: &Path) -> anyhow::Result<Rows<R>> {
        let mut rows = Rows::streamed(self.format);
        if self.format == ListFormat::Table {
            let before = if std::mem::replace(&mut self.titled, true) { "\n" } else { "" };
            rows.title(&format!("{before}{}", path.display()))?;
        }
        Ok(rows)
    }

    /// Something in a file is damaged.
    pub fn damage(&mut self, path: &Path, position: u64) {
        self.damage.at(path, position);
    }

    /// What was damaged so far.
    pub fn damaged(&mut self) -> &mut Damage {
        &mut self.damage
    }

    /// Whether all was sound.
    ///
    /// # Errors
    /// How much was damaged, and where the first of it is.
    pub fn finish(self) -> anyhow::Result<()> {
        self.damage.finish()
    }
}
