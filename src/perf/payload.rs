//! The values of records.

use std::sync::Arc;

use bytes::Bytes;

/// Random bytes repeat after so many: more than a batch has, so that compression does not find the repetition.
const POOL: usize = 1 << 20;
/// Tiny values repeat after so many.
const MOST: usize = 1 << 16;

/// What records hold.
#[derive(Clone, Debug)]
pub enum Payload {
    /// So many random bytes each: no codec makes them smaller.
    Random(usize),
    /// These, over and over.
    Lines(Arc<[Bytes]>),
}

impl Payload {
    /// The lines of a text, without their ends; None if there are none.
    pub fn lines(text: &Bytes) -> Option<Payload> {
        let ended = text.strip_suffix(b"\n").unwrap_or(text);
        if ended.is_empty() {
            return None;
        }
        let lines = ended.split(|byte| *byte == b'\n').map(|line| text.slice_ref(line));
        Some(Payload::Lines(lines.collect()))
    }

    /// Starts at the beginning.
    pub(super) fn source(&self) -> Source {
        match self {
            Payload::Random(size) => {
                let count = (POOL / (*size).max(1)).clamp(1, MOST);
                let mut pool = vec![0; count * size];
                // Without entropy all bytes are zero; the system has it from its first moments on.
                let _ = getrandom::fill(&mut pool);
                let pool = Bytes::from(pool);
                let values = (0..count).map(|at| pool.slice(at * size..(at + 1) * size)).collect();
                Source { values, next: 0 }
            }
            Payload::Lines(lines) => Source { values: lines.clone(), next: 0 },
        }
    }
}

/// One producer's values.
pub(super) struct Source {
    values: Arc<[Bytes]>,
    next: usize,
}

impl Source {
    pub(super) fn next(&mut self) -> Bytes {
        let value = self.values[self.next].clone();
        self.next = if self.next + 1 == self.values.len() { 0 } else { self.next + 1 };
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sent_over_and_over() {
        let mut source = Payload::lines(&"a\n\nb\n".into()).expect("lines").source();
        let sent: Vec<Bytes> = (0..4).map(|_| source.next()).collect();
        assert_eq!(sent, ["a", "", "b", "a"]);
        assert!(Payload::lines(&Bytes::new()).is_none());
    }

    #[test]
    fn random_values_have_their_size_and_do_not_compress() {
        for size in [0, 1, 100, 3 << 20] {
            let mut source = Payload::Random(size).source();
            assert_eq!([source.next().len(), source.next().len()], [size, size]);
        }
        let mut source = Payload::Random(1000).source();
        let batch: Vec<u8> = (0..100).flat_map(|_| source.next()).collect();
        assert!(zstd::bulk::compress(&batch, 3).expect("it compresses").len() > batch.len());
    }
}
