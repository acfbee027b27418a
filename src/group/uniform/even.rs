//! Moves partitions until all is as even as can be.

use std::collections::{BTreeSet, VecDeque};

use super::shares::{Pool, Shares, Step};

/// A search for ways from members to those who have at least two less.
///
/// From whom no way leads on, none ever will: all that can be reached from it can only reach each other, and whoever comes later has no
/// more. So they are looked at no more.
struct Search {
    only_new: bool,
    /// Who is still looked at, by load.
    open: BTreeSet<(usize, usize)>,
    is_closed: Vec<bool>,
    /// From whom, and by which class, each was reached.
    came: Vec<Option<(usize, usize)>>,
    /// In which round each was reached.
    reached_in: Vec<usize>,
    class_seen_in: Vec<usize>,
    round: usize,
}

impl Shares<'_> {
    /// Moves partitions until there is no way from a member to one who has at least two less; `only_new`: none that their holders had before.
    pub fn even_out(&mut self, only_new: bool) {
        let members = self.loads.len();
        let mut search = Search {
            only_new,
            open: self.loads.iter().copied().zip(0..).collect(),
            is_closed: vec![false; members],
            came: vec![None; members],
            reached_in: vec![0; members],
            class_seen_in: vec![0; self.places.readers.len()],
            round: 0,
        };
        while let Some(way) = search.next_way(self) {
            let ends = [way[0].to, way[way.len() - 1].from];
            for at in ends {
                search.open.remove(&(self.loads[at], at));
            }
            way.into_iter().for_each(|step| self.take_step(step));
            for at in ends {
                search.open.insert((self.loads[at], at));
            }
        }
    }
}

impl Search {
    /// A way, its last step first.
    fn next_way(&mut self, shares: &Shares<'_>) -> Option<Vec<Step>> {
        loop {
            let ((least, _), (most, source)) = (*self.open.first()?, *self.open.last()?);
            if least + 2 > most {
                return None;
            }
            let reached = self.reach(shares, source);
            match reached {
                Ok(end) => return Some(self.trace(end)),
                Err(reached) => {
                    for at in reached {
                        self.is_closed[at] = true;
                        self.open.remove(&(shares.loads[at], at));
                    }
                }
            }
        }
    }

    /// The nearest who has at least two less than `source`, else all that can be reached.
    fn reach(&mut self, shares: &Shares<'_>, source: usize) -> Result<usize, Vec<usize>> {
        self.round += 1;
        self.reached_in[source] = self.round;
        self.came[source] = None;
        let (mut queue, mut reached) = (VecDeque::from([source]), vec![source]);
        let mut least = source;
        while let Some(from) = queue.pop_front() {
            for (class, pool) in &shares.pools[from] {
                if !self.can_give(pool) || self.class_seen_in[*class] == self.round {
                    continue;
                }
                self.class_seen_in[*class] = self.round;
                for to in &shares.places.readers[*class] {
                    if self.is_closed[*to] || self.reached_in[*to] == self.round {
                        continue;
                    }
                    self.reached_in[*to] = self.round;
                    self.came[*to] = Some((from, *class));
                    queue.push_back(*to);
                    reached.push(*to);
                    if shares.loads[*to] < shares.loads[least] {
                        least = *to;
                    }
                }
                if shares.loads[least] + 2 <= shares.loads[source] {
                    return Ok(least);
                }
            }
        }
        Err(reached)
    }

    fn can_give(&self, pool: &Pool) -> bool {
        !pool.new.is_empty() || !self.only_new
    }

    fn trace(&self, end: usize) -> Vec<Step> {
        let (mut way, mut to) = (Vec::new(), end);
        while let Some((from, class)) = self.came[to] {
            way.push(Step { from, class, to });
            to = from;
        }
        way
    }
}
