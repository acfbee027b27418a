//! Which batches and records are shown.

use klog::forensics::Swept;
use regex::bytes::Regex;

use super::Args;
use crate::record::Shown;
use crate::values::{self, Span};

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    offsets: Option<Span<i64>>,
    times: Option<Span<i64>>,
    producer: Option<i64>,
    key: Option<Regex>,
    /// Behind the last batch that was seen.
    next: i64,
    past: bool,
}

impl Filter {
    /// As the options say; "ago" is before now.
    pub fn new(args: &Args) -> Filter {
        let now = values::now();
        Filter {
            offsets: args.filters.offsets,
            times: args.filters.times.map(|span| span.map(|when| when.at(now).0)),
            producer: args.filters.producer_id,
            key: args.records.key_regex.clone(),
            next: 0,
            past: false,
        }
    }

    /// Another log begins.
    pub fn begin(&mut self) {
        (self.next, self.past) = (0, false);
    }

    /// The offsets that are wanted: from, and up to.
    pub fn offsets(&self) -> (i64, i64) {
        let span = self.offsets;
        let from = span.and_then(|span| span.from).unwrap_or(0);
        (from, span.and_then(|span| span.to).unwrap_or(i64::MAX))
    }

    /// Whether no later batch is wanted: they are behind the last offset.
    pub fn is_past(&self) -> bool {
        self.past
    }

    /// Whether a batch is shown. Batches are asked about in their order.
    pub fn takes_batch(&mut self, swept: &Swept) -> bool {
        let (youngest, base) =
            (swept.max_timestamp(), swept.found.header.map(|it| it.base_timestamp));
        let oldest = base.filter(|base| *base >= 0).or(youngest);
        let in_time = self.times.is_none_or(|span| {
            youngest.is_some_and(|last| span.meets(oldest.unwrap_or(last).min(last), last))
        });
        self.may_take(swept) && in_time
    }

    /// Whether a batch may hold records that are shown.
    pub fn may_take(&mut self, swept: &Swept) -> bool {
        // Old formats tell the last offset alone.
        let first = swept.found.header.map_or(self.next, |header| header.base_offset);
        let last = swept.found.last_offset;
        if swept.crc.is_ok() {
            self.next = last.saturating_add(1);
            self.past = self.next >= self.offsets().1;
        }
        let producer = swept.found.header.map(|header| header.producer_id);
        let young = self.times.and_then(|span| span.from);
        self.offsets.is_none_or(|span| span.meets(first.min(last), last))
            && self.producer.is_none_or(|wanted| producer == Some(wanted))
            && young.is_none_or(|from| swept.max_timestamp().is_some_and(|last| last >= from))
    }

    /// Whether a record is shown, of a batch that may be.
    pub fn takes_record(&self, record: &Shown<'_>) -> bool {
        let in_time = |span: Span<i64>| record.timestamp.is_some_and(|at| span.contains(at));
        let fits = |key: &Regex| record.key.is_some_and(|bytes| key.is_match(bytes));
        self.offsets.is_none_or(|span| span.contains(record.offset))
            && self.times.is_none_or(in_time)
            && self.key.as_ref().is_none_or(fits)
    }
}
