//! What members of a group say to each other: refused or read, in memory bounded by its length; and what was read is written and read
//! again as the same.

use bytes::Bytes;
use klog::group::protocol::{Assignment, NEWEST, Subscription};

use crate::memory::peak_of;

/// As much as lists of names take, and while a list grows its old room beside the new one.
fn allowed(length: usize) -> usize {
    24 * length + (96 << 10)
}

pub fn consumer_protocol(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let (read, peak) = peak_of(|| Subscription::read(bytes.clone()));
    assert!(peak <= allowed(data.len()), "{peak} bytes for a subscription of {}", data.len());
    if let Ok(said) = read {
        let again = Subscription::read(said.write(said.version));
        assert_eq!(again, Ok(Subscription { version: said.version.min(NEWEST), ..said }));
    }
    let (read, peak) = peak_of(|| Assignment::read(bytes));
    assert!(peak <= allowed(data.len()), "{peak} bytes for an assignment of {}", data.len());
    if let Ok(told) = read {
        let again = Assignment::read(told.write(told.version));
        assert_eq!(again, Ok(Assignment { version: told.version.min(NEWEST), ..told }));
    }
}
