//! The mark of a segment: which of its bytes stood on disk before this start and have not been checked since.

/// Stretches of a segment file, in ascending order, none empty, none touching another. Each begins where a batch begins, or
/// at an old mark's end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Unchecked {
    stretches: Vec<(u64, u64)>,
}

impl Unchecked {
    /// All below `end`.
    pub fn below(end: u64) -> Unchecked {
        let stretches = if end > 0 { vec![(0, end)] } else { Vec::new() };
        Unchecked { stretches }
    }

    /// Whether all is checked: what a read asks first.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// What is left at or above `position` of the first stretch that reaches beyond it.
    pub fn from(&self, position: u64) -> Option<(u64, u64)> {
        let at = self.stretches.partition_point(|(_, end)| *end <= position);
        self.stretches.get(at).map(|(start, end)| (position.max(*start), *end))
    }

    /// Notes that `start..end` was checked.
    pub fn remove(&mut self, start: u64, end: u64) {
        let mut left = Vec::with_capacity(self.stretches.len() + 1);
        for (first, last) in self.stretches.drain(..) {
            let parts = [(first, last.min(start)), (first.max(end), last)];
            left.extend(parts.into_iter().filter(|(first, last)| first < last));
        }
        left.shrink_to_fit();
        self.stretches = left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_checked_in_any_order_is_not_asked_for_again() {
        let mut unchecked = Unchecked::below(100);
        unchecked.remove(40, 60);
        assert_eq!(unchecked.from(0), Some((0, 40)));
        assert_eq!(unchecked.from(39), Some((39, 40)));
        assert_eq!(unchecked.from(40), Some((60, 100)));
        unchecked.remove(0, 30);
        unchecked.remove(90, 200);
        assert_eq!(unchecked.stretches, [(30, 40), (60, 90)]);
        unchecked.remove(0, 100);
        assert!(unchecked.is_empty());
        assert_eq!(unchecked.from(0), None);
        assert!(Unchecked::below(0).is_empty());
    }
}
