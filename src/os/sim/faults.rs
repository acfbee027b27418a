//! What goes wrong on a simulated disk, and how long things take.

use std::io;

use super::content::LostPages;
use super::rng::Rng;
use super::tree::NameOrder;

/// How often what fails, in times per thousand. The default is never.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Faults {
    /// A read fails with EIO.
    pub read: u32,
    /// A read returns less than there is, as POSIX allows.
    pub short_read: u32,
    /// A write stops part-way with EIO.
    pub write: u32,
    /// An fsync of a file fails with EIO, and the pages are lost.
    pub sync: u32,
    /// An open, a rename, a removal, a new folder or an fsync of a folder fails with EIO; nothing was done.
    pub names: u32,
}

/// How long the disk takes, in microseconds of the simulated clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Latency {
    /// Any operation but an fsync.
    pub operation_us: u64,
    /// An fsync.
    pub sync_us: u64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency { operation_us: 5, sync_us: 2_000 }
    }
}

/// How a power cut treats what was not synced; drawn anew for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cut {
    /// How many sectors and names of a thousand survive.
    pub survive_permille: u32,
    /// In what order names do.
    pub order: NameOrder,
}

impl Cut {
    pub fn draw(rng: &mut Rng) -> Cut {
        Cut {
            survive_permille: rng.pick(&[0, 100, 500, 900, 1000]),
            order: rng.pick(&[NameOrder::Journal, NameOrder::Any]),
        }
    }
}

pub(super) fn draw_fate(rng: &mut Rng) -> LostPages {
    rng.pick(&[LostPages::Dropped, LostPages::Kept])
}

/// What the kernel says of a broken disk.
pub(super) fn eio() -> io::Error {
    rustix::io::Errno::IO.into()
}

/// What the kernel says of a full disk.
pub(super) fn enospc() -> io::Error {
    rustix::io::Errno::NOSPC.into()
}
