//! A repair in place of what is damaged. A partition is written anew into a folder beside it, whose name brokers step over; then the two
//! change their names in one step, and the damaged one moves into the new one. A crash leaves the old state or the new one, and at most
//! such a folder, which the next run removes or moves.

use std::path::{Path, PathBuf};

use super::copy::{Source, copy_partition};
use super::{Options, RepairError, Repaired, checkpoints, refuse_held};
use crate::base::{Millis, TopicPartition};
use crate::forensics::finding::{Finding, Kind};
use crate::forensics::paths::whole;
use crate::forensics::place::Place;
use crate::forensics::verify::{self, DataDir, partition_at};
use crate::log::{Checkpoint, StorageError, read_offsets, write_offsets};
use crate::os::{Disk, Os};

/// Between the partition's name and the time in the name of a folder that is under way; brokers step over what ends with `-stray`.
const UNDER_WAY: &str = ".repair-";
const ENDS_WITH: &str = "-stray";
/// What a partition's folder calls the one that it replaced.
const DAMAGED: &str = "damaged-";

/// Mends the partition at `path`, or all in the data directory there with its checkpoints. What is sound is left alone; what is replaced
/// is kept.
///
/// # Errors
/// See [`RepairError`].
pub fn repair_in_place(
    os: &Os,
    path: &Path,
    options: Options<'_>,
) -> Result<Vec<Repaired>, RepairError> {
    let disk = &*os.disk;
    let path = whole(path);
    let place = Place::at(disk, &path)?;
    let is_dir = matches!(place, Place::DataDir { .. });
    let dir = match place {
        Place::DataDir { .. } => DataDir::load(disk, &path)?,
        Place::Partition(_) => DataDir::above(disk, &path)?,
        Place::File { .. } | Place::Nothing { .. } => return Err(RepairError::NoLog(path)),
    };
    refuse_held(os, &dir)?;
    let _lock = if dir.is_data_dir && !options.dry_run { Some(lock(disk, &dir)?) } else { None };
    let folders = if is_dir { dir.partitions() } else { vec![path] };
    let mut done = Vec::new();
    for folder in &folders {
        let name = partition_at(folder).ok_or_else(|| RepairError::NoName(folder.clone()))?;
        done.push(one(os, folder, &name, &dir, options)?);
    }
    if is_dir {
        own_files(os, &dir, options, &mut done)?;
    }
    Ok(done)
}

fn lock(disk: &dyn Disk, dir: &DataDir) -> Result<crate::os::FolderLock, RepairError> {
    let path = dir.folder.join(".lock");
    disk.lock(&path).map_err(|error| match error {
        crate::os::LockError::Held(pid) => {
            RepairError::InUse { folder: dir.folder.clone(), pid: pid.unwrap_or(0) }
        }
        crate::os::LockError::Failed(source) => StorageError::at("lock", path)(source).into(),
    })
}

fn one(
    os: &Os,
    folder: &Path,
    name: &TopicPartition,
    dir: &DataDir,
    options: Options<'_>,
) -> Result<Repaired, RepairError> {
    let disk = &*os.disk;
    if !options.dry_run {
        finish(disk, folder, dir)?;
    }
    let source = Source::load(os, folder, dir, options)?;
    let is_of_log = |it: &Finding| it.file.starts_with(folder) && !it.needs_a_copy();
    if !source.findings.iter().any(is_of_log) {
        // At most a checkpoint of the directory is wrong, or what only a copy mends.
        let mut sound = Repaired { left: source.left(), ..Repaired::untouched(folder, source.end) };
        if source.findings.len() > sound.left.len() {
            sound.target = Some(folder.into());
            if !options.dry_run {
                checkpoints::hold(disk, dir, name, sound.end)?;
            }
        }
        return Ok(sound);
    }
    if options.dry_run {
        let would = copy_partition(&source, None)?;
        return Ok(Repaired { target: Some(folder.into()), ..would });
    }
    let time = time_text(os.clock.now());
    let beside = dir.folder.join(format!("{name}{UNDER_WAY}{time}{ENDS_WITH}"));
    let made = make(&source, name, &beside, &time, options);
    let repaired = made.and_then(|repaired| {
        swap(disk, folder, &beside, dir)?;
        Ok(repaired)
    });
    let repaired = repaired.inspect_err(|_| {
        // Only what was made here; the partition stands where it stood.
        if disk.list(&folder.join(format!("{DAMAGED}{time}"))).is_err() {
            let _ = disk.remove_dir_all(&beside);
        }
    })?;
    let moved = settle(disk, folder, &beside, &time, dir)?;
    checkpoints::hold(disk, dir, name, repaired.end)?;
    Ok(Repaired { target: Some(folder.into()), moved: Some(moved), ..repaired })
}

/// Writes the new state, with the place for the old one in it, and makes sure that it is sound.
fn make(
    source: &Source<'_>,
    name: &TopicPartition,
    beside: &PathBuf,
    time: &str,
    options: Options<'_>,
) -> Result<Repaired, RepairError> {
    let disk = &*source.os.disk;
    // By this folder it is told later that the two have changed their names.
    let place = beside.join(format!("{DAMAGED}{time}"));
    disk.create_dir_all(&place).map_err(StorageError::at("create", &place))?;
    let repaired = copy_partition(source, Some(beside))?;
    disk.sync_dir(&place).map_err(StorageError::at("fsync", &place))?;
    disk.sync_dir(beside).map_err(StorageError::at("fsync", beside))?;
    let quiet: &(dyn Fn(u64) + Sync) = &|_| {};
    let look = verify::Options { deep: false, threads: options.threads, progress: quiet };
    let seen = verify::of_copy(disk, beside, name, source.above, look)?;
    match seen.findings.into_iter().find(|it| !is_left(it)) {
        Some(first) => Err(RepairError::Unsound { folder: beside.clone(), first: first.into() }),
        None => Ok(repaired),
    }
}

/// What a repair cannot mend: nobody knows whose partition it is, or what a snapshot said.
fn is_left(finding: &Finding) -> bool {
    let is_nameless = finding.kind == Kind::MissingFile
        && finding.file.file_name().is_some_and(|name| name == "partition.metadata");
    is_nameless || finding.needs_a_copy()
}

fn swap(disk: &dyn Disk, folder: &Path, beside: &Path, dir: &DataDir) -> Result<(), RepairError> {
    let sync = || disk.sync_dir(&dir.folder).map_err(StorageError::at("fsync", &dir.folder));
    // The new folder's name first: the step must not lead to one that a power cut takes.
    sync()?;
    disk.exchange(folder, beside).map_err(|source| match source.raw_os_error() {
        // EINVAL, ENOSYS, EOPNOTSUPP
        Some(22 | 38 | 95) => RepairError::NoExchange(dir.folder.clone()),
        _ => StorageError::at("rename", folder)(source).into(),
    })?;
    Ok(sync()?)
}

/// Moves the old state, which is beside now, into the new one.
fn settle(
    disk: &dyn Disk,
    folder: &Path,
    beside: &Path,
    time: &str,
    dir: &DataDir,
) -> Result<PathBuf, StorageError> {
    let place = folder.join(format!("{DAMAGED}{time}"));
    disk.rename(beside, &place).map_err(StorageError::at("rename", beside))?;
    disk.sync_dir(folder).map_err(StorageError::at("fsync", folder))?;
    disk.sync_dir(&dir.folder).map_err(StorageError::at("fsync", &dir.folder))?;
    Ok(place)
}

/// Ends what a run before has begun: moves the old state where it belongs if the new one is in place, else removes what was made.
fn finish(disk: &dyn Disk, folder: &Path, dir: &DataDir) -> Result<(), StorageError> {
    let Some(name) = partition_at(folder) else { return Ok(()) };
    let begin = format!("{name}{UNDER_WAY}");
    let list = |path: &Path| disk.list(path).map_err(StorageError::at("list", path));
    for entry in list(&dir.folder)? {
        let time = entry.name.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(ENDS_WITH));
        let Some(time) = time.filter(|_| entry.is_dir) else { continue };
        let (beside, place) = (dir.folder.join(&entry.name), format!("{DAMAGED}{time}"));
        let is_new = list(folder)?.iter().any(|entry| entry.is_dir && entry.name == place);
        if is_new {
            settle(disk, folder, &beside, time, dir)?;
        } else {
            disk.remove_dir_all(&beside).map_err(StorageError::at("remove", &beside))?;
            disk.sync_dir(&dir.folder).map_err(StorageError::at("fsync", &dir.folder))?;
        }
    }
    Ok(())
}

/// The directory's own files that cannot be read: each is kept under another name, and written anew from what can be, where a broker
/// does not do without it.
fn own_files(
    os: &Os,
    dir: &DataDir,
    options: Options<'_>,
    done: &mut [Repaired],
) -> Result<(), RepairError> {
    let disk = &*os.disk;
    let time = time_text(os.clock.now());
    for name in [
        checkpoints::LOG_STARTS,
        checkpoints::CLEANED,
        checkpoints::REPLICATED,
        checkpoints::RECOVERY_POINTS,
    ] {
        let path = dir.folder.join(name);
        if !matches!(read_offsets(disk, &path)?, Checkpoint::Damaged(_)) || options.dry_run {
            continue;
        }
        let mut offsets = checkpoints::salvage(disk, &path)?;
        if name == checkpoints::RECOVERY_POINTS {
            // All of every log was read, and is on disk from here on.
            let all = disk.file_system(&dir.folder).and_then(|all| all.sync());
            all.map_err(StorageError::at("syncfs", &dir.folder))?;
            offsets = ends(done);
        }
        keep(disk, &path, &time)?;
        write_offsets(disk, &path, &offsets)?;
    }
    let mark = dir.folder.join(".kafka_cleanshutdown");
    let is_damaged_mark = verify::is_damaged_json(disk, &mark)?;
    let bootstrap = dir.can_do_without_bootstrap(disk)?;
    for path in is_damaged_mark.then_some(mark).into_iter().chain(bootstrap) {
        if !options.dry_run {
            disk.rename(&path, &named(&path, &time)).map_err(StorageError::at("rename", &path))?;
            disk.sync_dir(&dir.folder).map_err(StorageError::at("fsync", &dir.folder))?;
        }
    }
    Ok(())
}

fn ends(done: &[Repaired]) -> crate::log::Offsets {
    let named = done.iter().filter_map(|repaired| {
        let name = partition_at(&repaired.folder)?;
        let end = crate::base::Offset::new(repaired.end.max(0));
        (name.topic.as_str() != "__cluster_metadata").then_some((name, end))
    });
    named.collect()
}

/// Keeps what a file says under another name.
fn keep(disk: &dyn Disk, path: &Path, time: &str) -> Result<(), StorageError> {
    let bytes = verify::read_text(disk, path)?.unwrap_or_default();
    let kept = named(path, time);
    disk.replace(&kept, &bytes).map_err(StorageError::at("write", kept))
}

fn named(path: &Path, time: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{DAMAGED}{time}"))
}

/// `20261128T094502Z`.
fn time_text(now: Millis) -> String {
    let seconds = now.0.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's civil_from_days.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_a_date() {
        assert_eq!(time_text(Millis(0)), "19700101T000000Z");
        assert_eq!(time_text(Millis(1_709_210_096_789)), "20240229T123456Z");
    }
}
