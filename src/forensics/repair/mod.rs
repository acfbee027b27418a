//! Saves what is sound of a damaged log: a clean copy elsewhere, or in place of the damaged one, which is kept.
//!
//! Every valid batch is kept, with its offset, also behind damage. What is lost is told, by offsets and bytes, and covered by a batch
//! without records, as compaction leaves them. Side files are made anew by the log room: what opens the copy is what the broker
//! opens its logs with. Nothing is destroyed: a repair in place lets the new folder and the old one change their names in one step,
//! so a crash leaves one or the other, and a second run ends what was begun.

mod checkpoints;
mod copy;
mod cover;
mod exchanged;
mod in_place;
mod links;
mod rescue;
mod segment;
mod topic_id;

use std::path::{Path, PathBuf};

pub use in_place::repair_in_place;

use super::finding::Finding;
use super::place::Place;
use super::verify::{DataDir, partition_at};
use crate::log::{OpenError, ReadError, StorageError};
use crate::os::Os;
use copy::{Source, copy_partition};

/// Offsets that no batch can be had for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost {
    /// The segment file.
    pub file: PathBuf,
    /// The first one.
    pub first: i64,
    /// The last one; `None` where the log ended in what is damaged.
    pub last: Option<i64>,
    /// The first byte that is no batch.
    pub position: u64,
    /// Behind the last one.
    pub end: u64,
    /// What is wrong there.
    pub detail: String,
}

/// What is not as it was, though nothing is lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The file.
    pub file: PathBuf,
    /// Where it was.
    pub position: u64,
    /// The offset that it has.
    pub offset: i64,
    /// What was done.
    pub detail: String,
}

/// What became of a partition, or would become.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    /// Its folder.
    pub folder: PathBuf,
    /// Where what is sound stands; `None` where all was sound and nothing is to be done.
    pub target: Option<PathBuf>,
    /// Where the damaged original stands, if it was moved.
    pub moved: Option<PathBuf>,
    /// How many batches were kept.
    pub batches: u64,
    /// The offset behind the last one.
    pub end: i64,
    /// What is lost.
    pub lost: Vec<Lost>,
    /// What was changed.
    pub changes: Vec<Change>,
    /// What stays as it is, since nothing but a copy mends it.
    pub left: Vec<Finding>,
}

impl Repaired {
    /// One that is left as it is.
    fn untouched(folder: &Path, end: i64) -> Repaired {
        Repaired {
            folder: folder.into(),
            target: None,
            moved: None,
            batches: 0,
            end,
            lost: Vec::new(),
            changes: Vec::new(),
            left: Vec::new(),
        }
    }
}

/// Why nothing was repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// A broker is at work there.
    #[error("{folder} is in use by process {pid}", folder = folder.display(), pid = if *pid == 0 { "unknown".into() } else { pid.to_string() })]
    InUse {
        /// The data directory.
        folder: PathBuf,
        /// Who holds its lock; 0 if the kernel does not tell.
        pid: i32,
    },
    /// Something stands where the copy is to be written.
    #[error("{path} is there already", path = .0.display())]
    Exists(PathBuf),
    /// It is no log.
    #[error("{path} is neither a partition's folder nor a data directory", path = .0.display())]
    NoLog(PathBuf),
    /// The folder's name does not say which partition it is.
    #[error("{path} has no partition's name, such as orders-0", path = .0.display())]
    NoName(PathBuf),
    /// Two folders cannot change their names in one step here.
    #[error("the file system of {folder} cannot let two folders change their names in one step", folder = .0.display())]
    NoExchange(PathBuf),
    /// What was made is not sound; nothing was changed.
    #[error("the copy in {folder} is not sound, nothing was changed: {file}: {detail}", folder = folder.display(), file = first.file.display(), detail = first.detail)]
    Unsound {
        /// The copy.
        folder: PathBuf,
        /// The first thing that is wrong with it.
        first: Box<Finding>,
    },
    /// The copy could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// How it is done, and who is told how far it has come.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether it is only told what would be done.
    pub dry_run: bool,
    /// How many threads look for damage.
    pub threads: usize,
    /// Told of bytes as they are gone through.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Writes a clean copy of the partition at `path`, or of all in the data directory there, into the data directory `to`, which is made.
/// `path` is only read.
///
/// # Errors
/// See [`RepairError`].
pub fn repair_to(
    os: &Os,
    path: &Path,
    to: &Path,
    options: Options<'_>,
) -> Result<Vec<Repaired>, RepairError> {
    let disk = &*os.disk;
    let (dir, folders) = match Place::at(disk, path)? {
        Place::DataDir { .. } => {
            let dir = DataDir::load(disk, path)?;
            let folders = dir.partitions();
            (dir, folders)
        }
        Place::Partition(_) => (DataDir::above(disk, path)?, vec![path.to_path_buf()]),
        Place::File { .. } | Place::Nothing { .. } => return Err(RepairError::NoLog(path.into())),
    };
    refuse_held(os, &dir)?;
    let targets: Vec<PathBuf> = folders
        .iter()
        .map(|folder| match partition_at(folder) {
            Some(partition) => Ok(to.join(partition.to_string())),
            None => Err(RepairError::NoName(folder.clone())),
        })
        .collect::<Result<_, _>>()?;
    if let Some(there) = targets.iter().find(|target| disk.list(target).is_ok()) {
        return Err(RepairError::Exists(there.clone()));
    }
    let mut done = Vec::new();
    for (folder, target) in folders.iter().zip(&targets) {
        let source = Source::load(os, folder, &dir, options)?;
        let mut repaired = copy_partition(&source, (!options.dry_run).then_some(target))?;
        let left = std::mem::take(&mut repaired.left).into_iter();
        repaired.left = left.map(|finding| finding.mended_in(target)).collect();
        repaired.target = Some(target.clone());
        done.push(repaired);
    }
    if !options.dry_run {
        let all = matches!(Place::at(disk, path)?, Place::DataDir { .. });
        checkpoints::write_for_copies(disk, &dir, to, &done, all)?;
    }
    Ok(done)
}

/// What a broker holds is not touched.
fn refuse_held(os: &Os, dir: &DataDir) -> Result<(), RepairError> {
    let lock = dir.folder.join(".lock");
    let holder = os.disk.lock_holder(&lock).map_err(StorageError::at("open", lock))?;
    holder.map_or(Ok(()), |pid| Err(RepairError::InUse { folder: dir.folder.clone(), pid }))
}
