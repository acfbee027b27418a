//! Gives back what moved, where all stays as even.

use std::collections::BTreeMap;

use super::shares::{Shares, Step};

/// How many exchanges are looked at in all. A group of a thousand members gets by with far less; where it does not suffice, more moves than it takes.
const EXCHANGES: usize = 20_000_000;

/// Where an exchange leads through. It ends where it began, or at a load: then one member ends up with one more, another with one less,
/// and there are as many of each load as before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    Member(usize),
    Class(usize),
    /// Loads are numbered from the least.
    Load(usize),
}

/// How a node was reached.
#[derive(Clone, Copy, Debug)]
struct Came {
    from: usize,
    /// The partition that goes back to who had it, if it is one.
    place: Option<usize>,
}

/// From where to where it goes, and the partition that goes back to who had it, if it is one.
type Exchange = (Node, Node, Option<usize>);

/// A search for circles of exchanges that cost less than nothing (Bellman and Ford's), where what leaves whom had it costs one and what
/// goes back to it gains one.
struct Search {
    nodes: Vec<Node>,
    costs: Vec<i64>,
    came: Vec<Option<Came>>,
    /// Who is to be looked at in this round, and in the next.
    queue: Vec<usize>,
    next: Vec<usize>,
    is_next: Vec<bool>,
    /// The number of each load's node.
    load_nodes: BTreeMap<usize, usize>,
    /// Who has each load.
    having: Vec<Vec<usize>>,
    /// The number of the first class's node.
    classes_at: usize,
}

impl Shares<'_> {
    /// Exchanges partitions until none can go back to who had it without another being taken from who had it, or all becoming less even.
    pub fn move_back(&mut self) {
        let mut left = EXCHANGES;
        while let Some(circles) = Search::new(self).run(self, &mut left) {
            circles.into_iter().for_each(|circle| self.exchange(&circle));
        }
    }

    fn exchange(&mut self, circle: &[Exchange]) {
        for (at, (from, to, place)) in circle.iter().enumerate() {
            match (*from, *to, place) {
                (Node::Member(from), Node::Member(to), Some(place)) => {
                    self.hand_over(from, *place, to);
                }
                (Node::Member(from), Node::Class(class), _) => {
                    let next = circle[(at + 1) % circle.len()].1;
                    if let Node::Member(to) = next {
                        self.take_step(Step { from, class, to });
                    }
                }
                _ => {}
            }
        }
    }
}

impl Search {
    fn new(shares: &Shares<'_>) -> Search {
        let classes_at = shares.loads.len();
        let loads_at = classes_at + shares.places.readers.len();
        let mut by_load: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, load) in shares.loads.iter().enumerate() {
            by_load.entry(*load).or_default().push(at);
        }
        let members = (0..classes_at).map(Node::Member);
        let classes = (0..shares.places.readers.len()).map(Node::Class);
        let loads = (0..by_load.len()).map(Node::Load);
        let nodes: Vec<Node> = members.chain(classes).chain(loads).collect();
        let count = nodes.len();
        Search {
            nodes,
            costs: vec![0; count],
            came: vec![None; count],
            // Nothing is gained but where something can go back to who had it.
            queue: (0..classes_at).filter(|at| shares.holds_of_others(*at)).collect(),
            next: Vec::new(),
            is_next: vec![false; count],
            load_nodes: by_load.keys().copied().zip(loads_at..).collect(),
            having: by_load.into_values().collect(),
            classes_at,
        }
    }

    /// Circles that cost less than nothing, and touch each other nowhere; `None` where there are none, or nothing is left to look at.
    fn run(mut self, shares: &Shares<'_>, left: &mut usize) -> Option<Vec<Vec<Exchange>>> {
        while !self.queue.is_empty() {
            for number in std::mem::take(&mut self.queue) {
                *left = left.checked_sub(self.look_from(number, shares))?;
            }
            std::mem::swap(&mut self.queue, &mut self.next);
            self.queue.iter().for_each(|number| self.is_next[*number] = false);
            let circles = self.circles();
            if !circles.is_empty() {
                return Some(circles);
            }
        }
        None
    }

    /// Looks where exchanges lead on from a node; tells how many it looked at.
    fn look_from(&mut self, number: usize, shares: &Shares<'_>) -> usize {
        let cost = self.costs[number];
        let mut looked_at = 0;
        match self.nodes[number] {
            Node::Member(at) => {
                for (class, pool) in &shares.pools[at] {
                    for place in &pool.new {
                        looked_at += 1;
                        if let Some(owner) = shares.places.had_by[*place] {
                            self.reach(owner, cost - 1, number, Some(*place));
                        }
                    }
                    looked_at += 1;
                    let takes_kept = i64::from(pool.new.is_empty());
                    self.reach(self.classes_at + class, cost + takes_kept, number, None);
                }
                if let Some(load) = self.load_nodes.get(&(shares.loads[at] + 1)) {
                    self.reach(*load, cost, number, None);
                }
            }
            Node::Class(class) => {
                for reader in &shares.places.readers[class] {
                    looked_at += 1;
                    self.reach(*reader, cost, number, None);
                }
            }
            Node::Load(load) => {
                for at in 0..self.having[load].len() {
                    looked_at += 1;
                    self.reach(self.having[load][at], cost, number, None);
                }
            }
        }
        looked_at + 1
    }

    fn reach(&mut self, number: usize, cost: i64, from: usize, place: Option<usize>) {
        if cost < self.costs[number] {
            self.costs[number] = cost;
            self.came[number] = Some(Came { from, place });
            if !std::mem::replace(&mut self.is_next[number], true) {
                self.next.push(number);
            }
        }
    }

    /// Circles among the ways by which nodes were reached: each costs less than nothing.
    fn circles(&self) -> Vec<Vec<Exchange>> {
        let mut seen_from = vec![usize::MAX; self.nodes.len()];
        let mut circles = Vec::new();
        for start in 0..self.nodes.len() {
            let mut at = start;
            while seen_from[at] == usize::MAX {
                seen_from[at] = start;
                let Some(came) = self.came[at] else { break };
                at = came.from;
            }
            if seen_from[at] == start && self.came[at].is_some() {
                circles.extend(self.circle(at));
            }
        }
        circles
    }

    /// The circle that a node is in, from its first exchange to its last; `None` if it is in none.
    fn circle(&self, member: usize) -> Option<Vec<Exchange>> {
        let (mut circle, mut at) = (Vec::new(), member);
        loop {
            let came = self.came[at]?;
            circle.push((self.nodes[came.from], self.nodes[at], came.place));
            at = came.from;
            if at == member {
                circle.reverse();
                return Some(circle);
            }
            if circle.len() > self.nodes.len() {
                return None;
            }
        }
    }
}
