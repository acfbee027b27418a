//! The last offset of each key, in bounded memory: keys are known by a hash of 128 bits.

use std::hash::{BuildHasher as _, RandomState};

/// How many bytes a key takes: its hash and its offset.
pub const SLOT_BYTES: u64 = 24;

#[derive(Clone, Copy)]
struct Slot {
    hash: (u64, u64),
    /// One more than the key's offset; 0 where there is no key.
    after: i64,
}

/// Last offsets by key. Two keys are taken for one with a chance of 2^-128 a pair; the hash is keyed by chance, so nobody can make
/// such a pair.
pub struct OffsetMap {
    slots: Vec<Slot>,
    most: usize,
    len: usize,
    hashers: (RandomState, RandomState),
}

impl OffsetMap {
    /// Room for `most` keys; at `load` of its slots it is full.
    pub fn new(most: usize, load: f64) -> OffsetMap {
        let slots = ((most as f64 / load.clamp(0.01, 0.95)) as usize).max(most) + 1;
        OffsetMap {
            slots: vec![Slot { hash: (0, 0), after: 0 }; slots],
            most: most.max(1),
            len: 0,
            hashers: (RandomState::new(), RandomState::new()),
        }
    }

    /// Notes that `key` stands at `offset`, above all that were noted. False, and not noted, if there is no room.
    pub fn put(&mut self, key: &[u8], offset: i64) -> bool {
        let (at, hash) = self.place(key);
        if self.slots[at].after == 0 {
            if self.len >= self.most {
                return false;
            }
            self.len += 1;
        }
        self.slots[at] = Slot { hash, after: offset + 1 };
        true
    }

    /// The last offset of `key`.
    pub fn get(&self, key: &[u8]) -> Option<i64> {
        let slot = self.slots[self.place(key).0];
        (slot.after > 0).then(|| slot.after - 1)
    }

    /// Where a key is, or would be: at least one slot is always free.
    fn place(&self, key: &[u8]) -> (usize, (u64, u64)) {
        let hash = (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key));
        let mut at = (hash.0 % self.slots.len() as u64) as usize;
        while self.slots[at].after != 0 && self.slots[at].hash != hash {
            at = (at + 1) % self.slots.len();
        }
        (at, hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_knows_the_last_offset_of_each_key_and_takes_no_key_more_than_it_has_room_for() {
        let mut map = OffsetMap::new(100, 0.9);
        for offset in 0..1000i64 {
            assert!(map.put(&(offset % 100).to_be_bytes(), offset));
        }
        assert!(!map.put(b"one more", 1000));
        assert!(map.put(&7i64.to_be_bytes(), 1001));
        for key in 0..100i64 {
            let wanted = if key == 7 { 1001 } else { 900 + key };
            assert_eq!(map.get(&key.to_be_bytes()), Some(wanted));
        }
        assert_eq!(map.get(b"one more"), None);
    }
}
