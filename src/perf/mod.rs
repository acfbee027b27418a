//! Rank 4. Load for a cluster, and what it took: producers, consumers or both, in an open loop or a closed one, and histograms
//! of what was seen.
//!
//! [`produce`], [`consume`] and [`end_to_end`] start a [`Run`]; [`Run::next`] tells of it second by second, and a [`Summary`] adds
//! that up. [`IntervalLog`] writes it in HdrHistogram's own format, [`Sink`] is a broker that only acknowledges. Load goes through the
//! client library alone, so what is measured is what a program would see. This room never prints and never opens a file.
//!
//! **In an open loop a record's latency counts from the moment it was due**, whatever held it up: a full buffer, a broker that stalls, this
//! process itself. So a stall shows in all the records that were due in it, not in the few that were in flight.

mod clock;
mod consume;
mod end_to_end;
mod failure;
mod interval_log;
mod meter;
mod outlet;
mod payload;
mod pending;
mod produce;
mod run;
mod schedule;
mod sink;
mod stamp;
mod summary;

pub use consume::{ConsumeLoad, consume};
pub use end_to_end::{EndToEndLoad, end_to_end};
pub use failure::Failure;
pub use interval_log::IntervalLog;
pub use meter::Counts;
pub use payload::Payload;
pub use produce::{Pace, ProduceLoad, produce};
pub use run::{Interval, Run};
pub use schedule::Length;
pub use sink::Sink;
pub use summary::{Point, Summary};

pub use hdrhistogram::Histogram;
