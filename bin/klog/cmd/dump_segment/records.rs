//! `klog dump-segment --records`

use std::ops::ControlFlow;
use std::path::Path;

use klog::forensics::decode::Internal;
use klog::forensics::{
    DECOMPRESSED_AT_MOST, Fate, FateReader, FileKind, Folder, Here, Pace, Piece, Segments, Stop,
    Swept, Trail,
};
use klog::os::{Disk, Os};
use klog::record::{AnyBatch, Record, TimestampType};

use super::args::Isolation;
use super::damage::{Damage, words};
use super::filter::Filter;
use super::print::{Origin, Printer};
use super::sources::{self, Source};
use super::verify::threads;
use super::{Args, follow};
use crate::logging::{LogArgs, wants_progress};
use crate::output::Progress;
use crate::record::Shown;

pub fn run(args: &Args, log: &LogArgs) -> anyhow::Result<()> {
    let os = Os::real();
    let sources = sources::logs(&*os.disk, &args.paths, &args.filters)?;
    let mut reading = Reading {
        args,
        filter: Filter::new(args),
        printer: Printer::new(args.records_format(), args.filters.most),
        damage: Damage::default(),
    };
    for source in &sources {
        reading.filter.begin();
        reading.source(log, &*os.disk, source)?;
        if reading.printer.is_full() {
            break;
        }
    }
    reading.printer.finish()?;
    reading.damage.finish()
}

struct Reading<'a> {
    args: &'a Args,
    filter: Filter,
    printer: Printer,
    damage: Damage,
}

/// What a reader of committed records may not see, and why.
#[derive(Default)]
struct Held {
    batches: u64,
}

impl Reading<'_> {
    fn source(&mut self, log: &LogArgs, disk: &dyn Disk, source: &Source) -> anyhow::Result<()> {
        let (from, to) = self.filter.offsets();
        let mut trail = Trail::new(disk, source.segments.clone()).at(Pace::of(threads()));
        let mut fates = self.fates(disk, source, from, to)?;
        if self.args.follow {
            trail = trail.of_a_live_log();
            fates = fates.map(FateReader::of_a_live_log);
        }
        let passes = 1 + u64::from(fates.is_some());
        let total = trail.bytes_within(from, to)? * passes;
        let progress = Progress::between_lines(wants_progress(log) && !self.args.follow, total);
        let decodes = Internal::of(&source.topic).filter(|_| !self.args.records.raw);
        let origin = Origin { topic: &source.topic, partition: source.partition, decodes };
        self.printer.begin(&source.path.display().to_string())?;
        let mut held = Held::default();
        loop {
            let mut seen = 0u64;
            if let Some(fates) = &mut fates {
                fates.advance(|bytes| {
                    seen += 1;
                    progress.advance_to(bytes, || "looking for transactions".to_owned());
                })?;
            }
            self.walk(&mut trail, fates.as_ref(), &origin, &progress, &mut held)?;
            if self.printer.is_full() || self.filter.is_past() || !self.args.follow {
                break;
            }
            self.printer.flush()?;
            follow::wait(seen > 0);
        }
        if let Some(fates) = fates.filter(|_| held.batches > 0 && !self.printer.is_full()) {
            tell_of_open(source, &fates, held.batches);
        }
        Ok(())
    }

    /// Reads what became of transactions, if that is asked for.
    fn fates<'d>(
        &self,
        disk: &'d dyn Disk,
        source: &Source,
        from: i64,
        to: i64,
    ) -> anyhow::Result<Option<FateReader<'d>>> {
        if self.args.records.isolation == Some(Isolation::ReadUncommitted) {
            return Ok(None);
        }
        let (segments, from) = match &source.segments {
            Segments::One(base, path) if is_of_a_folder(path) => {
                // A transaction may end in a later segment.
                let folder = path.parent().unwrap_or(Path::new("."));
                (Segments::Of(Folder::at(folder)), from.max(*base))
            }
            segments => (segments.clone(), from),
        };
        Ok(Some(FateReader::new(disk, segments, from, to)?.at(Pace::of(threads()))))
    }

    fn walk(
        &mut self,
        trail: &mut Trail<'_>,
        fates: Option<&FateReader<'_>>,
        origin: &Origin<'_>,
        progress: &Progress,
        held: &mut Held,
    ) -> anyhow::Result<()> {
        let (from, to) = self.filter.offsets();
        trail.walk(from, to, |here, piece| {
            progress.advance_to(piece.end() - piece.position(), || {
                format!("{} records", self.printer.printed())
            });
            match piece {
                Piece::Batch(swept) => {
                    let fate =
                        swept.found.header.zip(fates).map(|(it, fates)| fates.fates().of(&it));
                    match fate {
                        // In a log that is followed it comes again, once it is decided.
                        Some(Fate::Undecided) if self.args.follow => {
                            return Ok(ControlFlow::Break(Stop::Before));
                        }
                        Some(Fate::Undecided) => held.batches += 1,
                        Some(Fate::Aborted) => {}
                        Some(Fate::Visible) | None => self.batch(here, swept, origin)?,
                    }
                }
                Piece::Gap(gap) => self.damaged(here, gap.position, &words(gap)),
            }
            let done = self.printer.is_full() || self.filter.is_past();
            Ok::<_, anyhow::Error>(if done {
                ControlFlow::Break(Stop::Behind)
            } else {
                ControlFlow::Continue(())
            })
        })
    }

    fn batch(&mut self, here: Here<'_>, swept: &Swept, origin: &Origin<'_>) -> anyhow::Result<()> {
        if !self.filter.may_take(swept) {
            return Ok(());
        }
        let position = swept.found.position;
        if let Err(why) = &swept.crc {
            self.damaged(here, position, &why.to_string());
            return Ok(());
        }
        let batch = swept.batch(&**here.file)?;
        let is_control = swept.found.header.is_some_and(|header| header.is_control());
        if is_control && !self.args.records.control {
            return Ok(());
        }
        match self.records(here, &batch, is_control, position, origin) {
            Ok(None) => Ok(()),
            Ok(Some(why)) => {
                self.damaged(here, position, &why);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Prints the records of a batch; gives what is wrong with them.
    fn records(
        &mut self,
        here: Here<'_>,
        batch: &AnyBatch,
        is_control: bool,
        position: u64,
        origin: &Origin<'_>,
    ) -> anyhow::Result<Option<String>> {
        let append_time = batch.timestamp_type() == TimestampType::LogAppendTime;
        let records = match batch.records(DECOMPRESSED_AT_MOST) {
            Ok(records) => records,
            Err(error) => return Ok(Some(error.to_string())),
        };
        let place = super::print::Place { file: here.path, position };
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(error) => return Ok(Some(error.to_string())),
            };
            let shown = shown(&record, origin, append_time);
            if !self.filter.takes_record(&shown) {
                continue;
            }
            match is_control {
                true => self.printer.control(&shown, &record, batch, origin, place)?,
                false => self.printer.record(&shown, &record, origin, place)?,
            }
            if self.printer.is_full() {
                break;
            }
        }
        Ok(None)
    }

    fn damaged(&mut self, here: Here<'_>, position: u64, why: &str) {
        let file = here.path.display();
        tracing::warn!("{file} is damaged at byte {position}, and no record of it is shown: {why}");
        self.damage.at(here.path, position);
    }
}

/// Whether a file stands among others of its log.
fn is_of_a_folder(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| matches!(FileKind::of(&name), FileKind::Segment { .. }))
}

fn shown<'a>(record: &'a Record, origin: &Origin<'a>, append_time: bool) -> Shown<'a> {
    let headers = record.headers.iter().map(|it| (it.key.as_ref(), it.value.as_deref()));
    Shown {
        topic: origin.topic,
        partition: origin.partition.unwrap_or_default(),
        offset: record.offset,
        timestamp: (record.timestamp != -1).then_some(record.timestamp),
        append_time,
        key: record.key.as_deref(),
        value: record.value.as_deref(),
        headers: headers.collect(),
    }
}

/// Says why nothing is shown from an offset on.
fn tell_of_open(source: &Source, fates: &FateReader<'_>, batches: u64) {
    let open = fates.fates().open();
    let Some((producer, offset)) = open.first() else { return };
    let path = source.path.display();
    tracing::warn!(
        "{path}: {batches} batches from offset {offset} on are not shown: the transaction of producer {producer} that begins there has no \
         end; --isolation read_uncommitted shows them"
    );
}
