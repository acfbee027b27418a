//! A record's header that says when it was due: the end of the way is then measured by the clock of its beginning.

use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use bytestring::ByteString;

use super::clock::Clock;
use crate::client::ConsumedRecord;

const NAME: &str = "klog-perf";

/// Stamps the records of one run, and knows them again.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    run: u64,
    clock: Clock,
}

impl Stamp {
    pub(super) fn new(clock: Clock) -> Stamp {
        Stamp { run: getrandom::u64().unwrap_or_default(), clock }
    }

    /// The header of a record that is due then.
    pub(super) fn header(self, due: Instant) -> (ByteString, Option<Bytes>) {
        let nanos = due.saturating_duration_since(self.clock.started).as_nanos();
        let mut value = BytesMut::with_capacity(16);
        value.put_u64(self.run);
        value.put_u64(u64::try_from(nanos).unwrap_or(u64::MAX));
        (ByteString::from_static(NAME), Some(value.freeze()))
    }

    /// When a record of this run was due; None for those of others.
    pub(super) fn due(self, record: &ConsumedRecord) -> Option<Instant> {
        let header = record.headers.iter().find(|header| header.key == NAME)?;
        let (run, nanos) = header.value.as_ref()?.split_first_chunk::<8>()?;
        let nanos = u64::from_be_bytes(*nanos.first_chunk()?);
        let due = self.clock.started.checked_add(Duration::from_nanos(nanos));
        due.filter(|_| u64::from_be_bytes(*run) == self.run)
    }
}
