//! What is wrong with a file, and the command that mends it.

use std::path::{Path, PathBuf};

use crate::base::quoted;

/// Kinds of damage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A file ends within a batch, or in zeros.
    TornTail,
    /// A checksum is not that of the bytes.
    CrcMismatch,
    /// No batch has such a length.
    BadLength,
    /// No batch is of such a format.
    BadMagic,
    /// Offsets that overlap, go back, or leave out some.
    OffsetOrder,
    /// A leader epoch that goes back, or is not the one that was written.
    EpochOrder,
    /// More or fewer records than the batch says.
    CountMismatch,
    /// Records that cannot be decompressed.
    DecompressFailed,
    /// An index entry that does not lead to its batch.
    IndexEntry,
    /// An entry of the index by time that is not the youngest so far.
    TimeindexEntry,
    /// An entry of the index of aborted transactions that no marker bears out, or one that is missing.
    TxnindexEntry,
    /// A snapshot of producers or metadata that is not whole, or that the log contradicts.
    Snapshot,
    /// A small file of text that cannot be read, or that the logs contradict.
    Checkpoint,
    /// A file that has to be there.
    MissingFile,
    /// A file that belongs to nothing here.
    StrayFile,
}

impl Kind {
    /// All, in the order of their names in the documentation.
    pub const ALL: [Kind; 15] = [
        Kind::TornTail,
        Kind::CrcMismatch,
        Kind::BadLength,
        Kind::BadMagic,
        Kind::OffsetOrder,
        Kind::EpochOrder,
        Kind::CountMismatch,
        Kind::DecompressFailed,
        Kind::IndexEntry,
        Kind::TimeindexEntry,
        Kind::TxnindexEntry,
        Kind::Snapshot,
        Kind::Checkpoint,
        Kind::MissingFile,
        Kind::StrayFile,
    ];

    /// Whether it is of an entry of an index, or of one that an index lacks.
    pub fn is_of_entries(self) -> bool {
        matches!(self, Kind::IndexEntry | Kind::TimeindexEntry | Kind::TxnindexEntry)
    }

    /// Its name, by which programs know it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TornTail => "torn-tail",
            Kind::CrcMismatch => "crc-mismatch",
            Kind::BadLength => "bad-length",
            Kind::BadMagic => "bad-magic",
            Kind::OffsetOrder => "offset-order",
            Kind::EpochOrder => "epoch-order",
            Kind::CountMismatch => "count-mismatch",
            Kind::DecompressFailed => "decompress-failed",
            Kind::IndexEntry => "index-entry",
            Kind::TimeindexEntry => "timeindex-entry",
            Kind::TxnindexEntry => "txnindex-entry",
            Kind::Snapshot => "snapshot",
            Kind::Checkpoint => "checkpoint",
            Kind::MissingFile => "missing-file",
            Kind::StrayFile => "stray-file",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// What kind of damage it is.
    pub kind: Kind,
    /// The first byte of what is wrong.
    pub position: Option<u64>,
    /// The offset there.
    pub offset: Option<i64>,
    /// What was expected, and what was found.
    pub detail: String,
    /// The command that mends it.
    pub fix: String,
}

impl Finding {
    /// Whether nothing but a copy of the file mends it: a repair leaves it as it is.
    pub fn needs_a_copy(&self) -> bool {
        self.fix.starts_with(FROM_A_COPY)
    }

    /// Of what only a copy mends: tells to put it into `folder`, where its partition was written anew.
    pub fn mended_in(self, folder: &Path) -> Finding {
        let file =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let fix = copy_command(&format!("{}/{}", file(folder), file(&self.file)), folder);
        Finding { fix, ..self }
    }
}

/// Where a command begins that takes a file from wherever a copy of it stands.
const FROM_A_COPY: &str = "cp COPY/";

/// The command that mends a file or folder that cannot be made from others.
pub fn copy_command(name: &str, path: &Path) -> String {
    format!("{FROM_A_COPY}{name} {}", quoted(path))
}

/// Collects what is wrong with the files of one folder.
#[derive(Debug)]
pub struct Findings {
    fix: String,
    /// Of one kind of damage in one file, no more is told one by one.
    told_at_most: usize,
    found: Vec<Finding>,
    /// What was not told, by file and kind.
    more: Vec<(PathBuf, Kind, u64)>,
}

impl Findings {
    /// Of files that `fix` mends; of one that is garbage, only the beginning is told.
    pub fn new(fix: String) -> Findings {
        Findings { fix, told_at_most: 16, found: Vec::new(), more: Vec::new() }
    }

    /// Everything that is wrong.
    pub fn all(fix: String) -> Findings {
        Findings { told_at_most: usize::MAX, ..Findings::new(fix) }
    }

    /// None yet, of the same folder.
    pub fn alike(&self) -> Findings {
        Findings { told_at_most: self.told_at_most, ..Findings::new(self.fix.clone()) }
    }

    /// Adds one that the folder's own command mends.
    pub fn add(
        &mut self,
        file: &Path,
        kind: Kind,
        position: impl Into<Option<u64>>,
        offset: impl Into<Option<i64>>,
        detail: String,
    ) {
        let (position, offset, fix) = (position.into(), offset.into(), self.fix.clone());
        self.push(Finding { file: file.into(), kind, position, offset, detail, fix });
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        let same = |it: &&Finding| it.file == finding.file && it.kind == finding.kind;
        let all = self.told_at_most == usize::MAX;
        if all || self.found.iter().filter(same).count() < self.told_at_most {
            self.found.push(finding);
            return;
        }
        let (file, kind) = (&finding.file, finding.kind);
        match self.more.iter_mut().find(|(at, of, _)| at == file && *of == kind) {
            Some((.., count)) => *count += 1,
            None => self.more.push((finding.file, kind, 1)),
        }
    }

    /// Whether something of this kind is wrong with a file.
    pub fn has(&self, file: &Path, kind: Kind) -> bool {
        self.found.iter().any(|it| it.file == file && it.kind == kind)
    }

    /// All, by file and position.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        for (file, kind, count) in self.more {
            let last = self.found.iter_mut().rfind(|it| it.file == file && it.kind == kind);
            if let Some(last) = last {
                last.detail.push_str(&format!("; and {count} more like it in this file"));
            }
        }
        self.found.sort_by(|a, b| {
            (&a.file, a.position, a.kind, a.offset).cmp(&(&b.file, b.position, b.kind, b.offset))
        });
        self.found
    }
}
