//! Shares on their way to being even. All have numbers here: members, partitions, and the classes of partitions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

/// What is to be shared out.
#[derive(Debug)]
pub(super) struct Places {
    /// The class of each partition: those of topics that the same members read are of one.
    pub class_of: Vec<usize>,
    /// Who reads the partitions of each class, ascending.
    pub readers: Vec<Vec<usize>>,
    /// Who had each partition, and still reads it.
    pub had_by: Vec<Option<usize>>,
}

impl Places {
    /// `topics` are who reads each, and how many partitions it has.
    pub fn new(
        topics: impl Iterator<Item = (Vec<usize>, usize)>,
        had_by: Vec<Option<usize>>,
    ) -> Places {
        let mut classes: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut class_of = Vec::with_capacity(had_by.len());
        for (readers, count) in topics {
            let next = classes.len();
            let class = *classes.entry(readers).or_insert(next);
            class_of.extend(std::iter::repeat_n(class, count));
        }
        let mut readers = vec![Vec::new(); classes.len()];
        classes.into_iter().for_each(|(of, class)| readers[class] = of);
        Places { class_of, readers, had_by }
    }
}

/// What a member has of a class.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// It had them before.
    pub kept: BTreeSet<usize>,
    /// It had not.
    pub new: BTreeSet<usize>,
}

/// A partition of a class goes from one member to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub from: usize,
    pub class: usize,
    pub to: usize,
}

/// Who has what by now.
#[derive(Debug)]
pub(super) struct Shares<'a> {
    pub places: &'a Places,
    /// Of each member, by class; none is empty.
    pub pools: Vec<BTreeMap<usize, Pool>>,
    /// How many partitions each member has.
    pub loads: Vec<usize>,
}

impl Shares<'_> {
    /// Everybody has what it had.
    pub fn kept(members: usize, places: &Places) -> Shares<'_> {
        let pools = (0..members).map(|_| BTreeMap::new()).collect();
        let mut shares = Shares { places, pools, loads: vec![0; members] };
        for (place, owner) in places.had_by.iter().enumerate() {
            if let Some(owner) = owner {
                shares.give(*owner, place);
            }
        }
        shares
    }

    /// What nobody has goes to who has least of those who read it; first what few read.
    pub fn give_free(&mut self) {
        let mut free = vec![Vec::new(); self.places.readers.len()];
        for (place, class) in self.places.class_of.iter().enumerate() {
            if self.places.had_by[place].is_none() {
                free[*class].push(place);
            }
        }
        let mut order: Vec<usize> = (0..free.len()).collect();
        order.sort_by_key(|class| self.places.readers[*class].len());
        for class in order.into_iter().filter(|class| !free[*class].is_empty()) {
            let readers = self.places.readers[class].iter();
            let mut by_load: BinaryHeap<Reverse<(usize, usize)>> =
                readers.map(|at| Reverse((self.loads[*at], *at))).collect();
            for place in &free[class] {
                let Some(Reverse((load, at))) = by_load.pop() else { break };
                self.give(at, *place);
                by_load.push(Reverse((load + 1, at)));
            }
        }
    }

    pub fn give(&mut self, to: usize, place: usize) {
        let pool = self.pools[to].entry(self.places.class_of[place]).or_default();
        if self.places.had_by[place] == Some(to) {
            pool.kept.insert(place)
        } else {
            pool.new.insert(place)
        };
        self.loads[to] += 1;
    }

    /// Moves this partition.
    pub fn hand_over(&mut self, from: usize, place: usize, to: usize) {
        let class = self.places.class_of[place];
        let Some(pool) = self.pools[from].get_mut(&class) else { return };
        if !pool.new.remove(&place) && !pool.kept.remove(&place) {
            return;
        }
        if pool.new.is_empty() && pool.kept.is_empty() {
            self.pools[from].remove(&class);
        }
        self.loads[from] -= 1;
        self.give(to, place);
    }

    /// Moves any partition of a class, if there is one that its holder did not have before.
    pub fn take_step(&mut self, step: Step) {
        let Some(pool) = self.pools[step.from].get(&step.class) else { return };
        let place = pool.new.last().or_else(|| pool.kept.last()).copied();
        if let Some(place) = place {
            self.hand_over(step.from, place, step.to);
        }
    }

    /// Whether a member has what another had before.
    pub fn holds_of_others(&self, at: usize) -> bool {
        let mut new = self.pools[at].values().flat_map(|pool| &pool.new);
        new.any(|place| self.places.had_by[*place].is_some())
    }

    /// Who has which partition.
    pub fn given(&self) -> impl Iterator<Item = (usize, usize)> {
        self.pools.iter().enumerate().flat_map(|(at, pools)| {
            let places = pools.values().flat_map(|pool| pool.kept.iter().chain(&pool.new));
            places.map(move |place| (at, *place))
        })
    }
}
