//! What validating costs in memory: nothing per record, and never more than the cap for a bomb.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use klog::base::Millis;
use klog::record::{
    Batch, BatchBuilder, BatchOptions, Codec, InvalidBatch, Limits, Scratch, validate_produced,
};

use crate::sample::{build, sample};

/// Counts what this thread allocates. C code (zstandard) allocates elsewhere.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all is left to the system's allocator; counting touches two thread-locals that need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Calls and bytes allocated by `work` on this thread.
fn allocated(work: impl FnOnce()) -> (usize, usize) {
    let before = (CALLS.get(), BYTES.get());
    work();
    (CALLS.get() - before.0, BYTES.get() - before.1)
}

fn limits() -> Limits {
    Limits { now: Millis(1_700_000_000_000), max_message_bytes: 64 << 20, ..Limits::default() }
}

#[test]
fn validating_allocates_nothing_once_its_buffer_has_grown() {
    let records = sample(1500, 0);
    for codec in Codec::ALL {
        let batch = build(BatchOptions { codec, ..BatchOptions::default() }, &records);
        let mut scratch = Scratch::new();
        let mut validate = || {
            validate_produced(&batch, &limits(), &mut scratch).expect("sound");
        };
        validate();
        assert_eq!(allocated(validate), (0, 0), "{codec}");
    }
}

#[test]
fn a_bomb_costs_no_more_than_twice_its_cap() {
    const CAP: usize = 1 << 20;
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
        builder.append(0, None, Some(&vec![0; 64 << 20]), []).expect("fits");
        let bomb = Batch::new(builder.build().expect("builds")).expect("a batch");
        let limits = Limits { max_decompressed_bytes: CAP, ..limits() };
        let (_, bytes) = allocated(|| {
            let refused = validate_produced(&bomb, &limits, &mut Scratch::new());
            assert!(matches!(refused, Err(InvalidBatch::Decompress(_))), "{codec}: {refused:?}");
        });
        // Growing by doubling allocates the sum of a geometric series.
        assert!(bytes <= 2 * CAP + (128 << 10), "{codec} took {bytes} bytes");
    }
}
