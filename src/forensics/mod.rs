//! Rank 3. What is in a Kafka data directory, whether it is sound, and how to save what is: for klog's directories and Apache
//! Kafka's alike, with no broker running. Blocking.
//!
//! [`Place`] says what stands at a path and [`FileKind`] what a file is, by its name; [`Sweep`] goes through a segment file batch by batch,
//! past whatever is damaged, and [`Trail`] through a partition's files. [`Fates`] tells what became of transactions, [`decode`] what Kafka's own records say.
//! This room reads with `record` and `log`, the broker's own readers: what it calls sound, the broker serves.

mod ahead;
mod content;
pub mod decode;
mod entries;
mod fates;
mod finding;
mod kind;
mod metadata;
mod order;
pub mod overview;
mod paths;
mod place;
mod reading;
pub mod repair;
mod seek;
mod stats;
mod sweep;
#[cfg(test)]
mod sweep_tests;
mod trail;
pub mod verify;
mod walk;

pub use ahead::Pace;
pub use content::{DECOMPRESSED_AT_MOST, Inside, Unreadable, contradiction, look_inside};
pub use entries::Entries;
pub use fates::{Fate, FateReader, Fates};
pub use finding::{Finding, Kind};
pub use kind::{CheckpointKind, FileKind};
pub use place::{Folder, NamedFile, Place, partitions_in};
pub use stats::{Packed, Sizes, Stats};
pub use sweep::{Gap, Piece, Sweep, Swept};
pub use trail::{Here, Segments, Stop, Trail};
