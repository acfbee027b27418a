//! Tells batches that stand in the log's order from those that do not: offsets are not under the checksum, and a batch may stand
//! twice, or where another segment's belong. What decides are the batches around it.

use std::collections::VecDeque;
use std::io;

use super::sweep::{Piece, Sweep, Swept};

/// How many pieces are looked at beyond the one that is judged.
const AHEAD: usize = 4;

/// Whether a batch stands where it belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Its offsets come after those before it and before those behind it.
    Kept,
    /// They do not.
    Astray {
        /// Its first offset, where the batches on both sides leave exactly its place.
        first: Option<i64>,
    },
}

/// The bounds of a segment's offsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first offset that the segment may hold.
    pub base: i64,
    /// The first one that it may not: the next segment's.
    pub limit: i64,
}

/// The offsets of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reach {
    first: i64,
    last: i64,
    is_old: bool,
}

impl Reach {
    fn of(swept: &Swept) -> Reach {
        let is_old = swept.found.header.is_none();
        Reach { first: swept.first_offset(), last: swept.found.last_offset, is_old }
    }

    fn count(self) -> i64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// A sweep whose batches are judged.
pub struct Ordered<'a> {
    sweep: Sweep<'a>,
    ahead: VecDeque<Piece>,
    span: Span,
    /// The last offset of the last batch that is in order; before the first one, that below the segment.
    last: i64,
    /// Whether something was damaged behind that batch.
    after_damage: bool,
}

impl<'a> Ordered<'a> {
    /// Over a sweep from a segment's beginning.
    pub fn new(sweep: Sweep<'a>, span: Span) -> Ordered<'a> {
        let last = span.base.saturating_sub(1);
        Ordered {
            sweep: sweep.below(span.limit),
            ahead: VecDeque::new(),
            span,
            last,
            after_damage: false,
        }
    }

    /// The offset that comes behind the last batch in order.
    pub fn expected(&self) -> i64 {
        self.last.saturating_add(1)
    }

    /// The first offset of the next batch, if that is what comes next and its checksum is right.
    pub fn peek_first(&self) -> Option<i64> {
        match self.ahead.front() {
            Some(Piece::Batch(swept)) if swept.crc.is_ok() => Some(swept.first_offset()),
            _ => None,
        }
    }

    /// The next piece; batches with a wrong checksum count as astray, their offsets may be anything.
    ///
    /// # Errors
    /// As the system says.
    pub fn next(&mut self) -> io::Result<Option<(Piece, Order)>> {
        while self.ahead.len() <= AHEAD {
            let Some(piece) = self.sweep.next()? else { break };
            self.ahead.push_back(piece);
        }
        let Some(piece) = self.ahead.pop_front() else { return Ok(None) };
        let order = match &piece {
            Piece::Batch(swept) if swept.crc.is_ok() => self.judge(Reach::of(swept)),
            Piece::Batch(_) | Piece::Gap(_) => Order::Astray { first: None },
        };
        match (&piece, order) {
            (Piece::Batch(swept), Order::Kept) => {
                self.last = swept.found.last_offset;
                self.after_damage = false;
            }
            (Piece::Batch(swept), Order::Astray { first: Some(first) }) => {
                self.last = first + Reach::of(swept).count() - 1;
                self.after_damage = false;
            }
            (Piece::Batch(swept), _) => self.after_damage |= swept.crc.is_err(),
            (Piece::Gap(_), _) => self.after_damage = true,
        }
        Ok(Some((piece, order)))
    }

    fn fits(&self, it: Reach) -> bool {
        let in_segment =
            it.last < self.span.limit && it.last - self.span.base <= i64::from(i32::MAX);
        it.first > self.last && it.last >= it.first && in_segment
    }

    fn judge(&self, it: Reach) -> Order {
        let mut behind = self.ahead.iter().filter_map(|piece| match piece {
            Piece::Batch(swept) if swept.crc.is_ok() => Some(Reach::of(swept)),
            _ => None,
        });
        let (next, after) = (behind.next(), behind.next());
        let adjoins =
            matches!(self.ahead.front(), None | Some(Piece::Batch(Swept { crc: Ok(()), .. })));
        if !self.fits(it) {
            return Order::Astray { first: self.place_of(it, next.filter(|_| adjoins), adjoins) };
        }
        let Some(next) = next.filter(|next| next.first <= it.last && !it.is_old) else {
            return Order::Kept;
        };
        // One of the two is wrong. This one is right if it goes on where the last one ends, or if the next one does not fit at all.
        if it.first == self.expected() || !self.fits(next) {
            return Order::Kept;
        }
        let goes_on = after.is_some_and(|after| {
            let behind = after.first - it.last - 1;
            behind == 0 || behind == next.count()
        });
        if goes_on {
            return Order::Kept;
        }
        let first = next.first - it.count();
        Order::Astray { first: (adjoins && first > self.last).then_some(first) }
    }

    /// Where a batch belongs whose offsets cannot be, if that is certain.
    fn place_of(&self, it: Reach, next: Option<Reach>, adjoins: bool) -> Option<i64> {
        if self.after_damage || it.is_old || it.last < it.first || !adjoins {
            return None;
        }
        let room = match next {
            Some(next) if self.fits(next) => next.first - self.expected(),
            Some(_) => return None,
            None if self.span.limit < i64::MAX => self.span.limit - self.expected(),
            // At the log's end nothing follows: it was appended there, or stands there for a second time.
            None => return (it.first > self.last).then(|| self.expected()),
        };
        (room == it.count()).then(|| self.expected())
    }
}
