//! What each kind of request may cost.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cases::Case;
use crate::counts::{Counter, Counts};

/// What was counted when the budget was made.
///
/// The numbers are those of the debug binary on x86-64. Where one falls for good, because something was made cheaper, it is
/// to be written down here: a budget far above what things cost guards nothing, and is refused.
pub struct Budget {
    pub case: Case,
    instructions: f64,
    syscalls: f64,
    waits: f64,
    allocations: f64,
}

/// Compilers and C libraries differ.
const INSTRUCTIONS_MARGIN: f64 = 1.3;
/// How far below its budget is too far.
const TOO_FAR: f64 = 0.6;
/// One more per request is too much.
const COUNT_MARGIN: f64 = 0.5;
/// Of waits some part is chance: a wait of one thread for another costs two at least.
const WAITS_MARGIN: f64 = 1.5;

pub const BUDGETS: &[Budget] = &[
    // One read, one write to the file, one answer.
    budget(Case::ProduceSmall, 86_500.0, 3.0, 1.9, 15.0),
    // The same: its frame is read at once.
    budget(Case::ProduceFull, 136_500.0, 3.0, 1.9, 15.0),
    // Reads are shared.
    budget(Case::ProducePipelined, 76_500.0, 2.1, 1.0, 13.1),
    // A frame as long as the one before is read at once.
    budget(Case::ProduceOneRecord, 111_000.0, 3.1, 1.5, 15.1),
    // Each record is validated.
    budget(Case::ProduceManyRecords, 3_066_000.0, 3.2, 1.5, 15.1),
    // One read of the request, one of the batch's header, one of the batch; one write.
    budget(Case::FetchSmall, 107_000.0, 4.0, 1.9, 21.0),
    // One read of the request, one of the batch's header; what stands before the records, the records, and what stands behind.
    // Its place in the line of answers is an allocation: the line, which every connection has, is small so.
    budget(Case::FetchOneRecord, 121_000.0, 5.0, 1.9, 21.0),
    budget(Case::FetchManyRecords, 121_000.0, 5.0, 1.9, 21.0),
    // Where the MiB ends is looked up and read, too; and whether the page cache has it is asked.
    budget(Case::FetchLong, 139_000.0, 7.0, 1.9, 23.0),
    // It is parked, and waited for by who sends the answer; its deadline wakes who waits for a later one.
    budget(Case::FetchWaiting, 121_500.0, 2.8, 3.6, 26.0),
];

const fn budget(
    case: Case,
    instructions: f64,
    syscalls: f64,
    waits: f64,
    allocations: f64,
) -> Budget {
    Budget { case, instructions, syscalls, waits, allocations }
}

impl Budget {
    fn counted(&self, counter: Counter) -> f64 {
        match counter {
            Counter::Instructions => self.instructions,
            Counter::Syscalls => self.syscalls,
            Counter::Waits => self.waits,
            Counter::Allocations => self.allocations,
        }
    }

    fn at_most(&self, counter: Counter) -> f64 {
        let counted = self.counted(counter);
        match counter {
            Counter::Instructions => counted * INSTRUCTIONS_MARGIN,
            Counter::Syscalls | Counter::Allocations => counted + COUNT_MARGIN,
            Counter::Waits => counted + WAITS_MARGIN,
        }
    }

    fn at_least(&self, counter: Counter) -> f64 {
        match counter {
            Counter::Waits => f64::NEG_INFINITY,
            counter => self.counted(counter) * TOO_FAR,
        }
    }

    fn is_kept_for(&self, counter: Counter, cost: &Counts) -> bool {
        (self.at_least(counter)..=self.at_most(counter)).contains(&cost.get(counter))
    }
}

pub fn is_kept(budget: &Budget, cost: &Counts) -> bool {
    Counter::ALL.into_iter().all(|counter| budget.is_kept_for(counter, cost))
}

/// What was counted, beside what may be.
pub fn table(costs: &BTreeMap<Case, Counts>) -> String {
    let mut out = String::from("per request            counter             counted     at most\n");
    for budget in BUDGETS {
        let Some(cost) = costs.get(&budget.case) else { continue };
        for counter in Counter::ALL {
            let (counted, at_most) = (cost.get(counter), budget.at_most(counter));
            let remark = match budget.is_kept_for(counter, cost) {
                true => String::new(),
                false if counted > at_most => "  TOO MUCH".into(),
                false => format!("  FAR BELOW {:.1}: to be written down", budget.counted(counter)),
            };
            let case = format!("{:?}", budget.case);
            writeln!(out, "{case:<22} {counter:<16} {counted:>10.1}  {at_most:>10.1}{remark}")
                .expect("a string takes all");
        }
        writeln!(out, "{:<22} {}", "", cost.shown_syscalls()).expect("a string takes all");
    }
    out
}

#[test]
fn a_budget_is_kept_from_above_and_from_far_below() {
    let budget = budget(Case::ProduceSmall, 1000.0, 3.0, 2.0, 10.0);
    let counts = |instructions: f64, calls: f64, waits: f64, allocations: f64| Counts {
        instructions,
        allocations,
        syscalls: [("recv".to_owned(), calls), ("futex".to_owned(), waits)].into(),
    };
    for kept in [
        counts(1000.0, 3.0, 2.0, 10.0),
        counts(1299.0, 3.5, 3.4, 10.5),
        counts(700.0, 2.0, 0.0, 7.0),
    ] {
        assert!(is_kept(&budget, &kept), "{kept:?}");
    }
    for not_kept in [
        counts(1301.0, 3.0, 2.0, 10.0),
        counts(1000.0, 4.0, 2.0, 10.0),
        counts(1000.0, 3.0, 4.0, 10.0),
        counts(1000.0, 3.0, 2.0, 11.0),
        counts(500.0, 3.0, 2.0, 10.0),
        counts(1000.0, 0.0, 2.0, 10.0),
    ] {
        assert!(!is_kept(&budget, &not_kept), "{not_kept:?}");
        let costs = BTreeMap::from([(Case::ProduceSmall, not_kept)]);
        assert!(!table(&costs).is_empty());
    }
}
