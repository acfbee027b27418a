//! What must hold of the costs.

use crate::budgets::{BUDGETS, is_kept, table};
use crate::cases::{Case, MANY, cost, costs};
use crate::counts::Counter;

#[test]
fn no_kind_of_request_costs_more_than_its_budget() {
    let table = table(costs());
    println!("{table}");
    let budgeted: Vec<Case> = BUDGETS.iter().map(|budget| budget.case).collect();
    assert_eq!(budgeted, costs().keys().copied().collect::<Vec<_>>(), "each case has its budget");
    let kept = BUDGETS.iter().all(|budget| is_kept(budget, cost(budget.case)));
    assert!(kept, "a budget was not kept:\n{table}");
}

/// The broker looks at each record that is produced, as Kafka does, but makes nothing of it.
#[test]
fn a_record_more_in_a_batch_costs_no_allocation_and_no_system_call_but_a_look_at_it() {
    let (one, many) = (cost(Case::ProduceOneRecord), cost(Case::ProduceManyRecords));
    for counter in [Counter::Allocations, Counter::Syscalls] {
        let more = many.get(counter) - one.get(counter);
        assert!(more < 1.0, "{MANY} records cost {more:.1} {counter} more than one");
    }
    let more = many.get(Counter::Instructions) - one.get(Counter::Instructions);
    let each = more / (MANY - 1) as f64;
    assert!(each < LOOK_AT_MOST, "a record costs {each:.0} instructions, at most {LOOK_AT_MOST}");
}

/// Instructions to validate a record of 57 bytes: 2,960, and a margin.
const LOOK_AT_MOST: f64 = 3_800.0;

#[test]
fn what_is_fetched_costs_the_same_however_many_records_are_in_it() {
    let (one, many) = (cost(Case::FetchOneRecord), cost(Case::FetchManyRecords));
    for counter in [Counter::Instructions, Counter::Syscalls, Counter::Allocations] {
        let (one, many) = (one.get(counter), many.get(counter));
        let least = one.min(many);
        let apart = (one - many).abs();
        assert!(
            apart < 0.5_f64.max(least / 50.0),
            "{counter}: {one:.1} for one, {many:.1} for {MANY}"
        );
    }
}

#[test]
fn bytes_are_fetched_without_passing_through_the_brokers_hands_but_for_a_few() {
    for case in [Case::FetchOneRecord, Case::FetchManyRecords, Case::FetchLong] {
        let by_sendfile = cost(case).syscall("sendfile");
        assert!(by_sendfile > 0.9, "{case:?}: {by_sendfile:.1} calls of sendfile");
    }
    let few = cost(Case::FetchSmall).syscall("sendfile");
    assert!(few < 0.1, "a small batch leaves with the answer's other bytes: {few:.1} of sendfile");
    let (short, long) = (cost(Case::FetchOneRecord), cost(Case::FetchLong));
    let more = long.get(Counter::Instructions) - short.get(Counter::Instructions);
    assert!(more < MIB_AT_MOST, "a MiB costs {more:.0} instructions more than one batch");
}

/// Where the MiB ends is looked up in the index, and looked at: that costs the same for any number of bytes. One instruction
/// for 32 bytes of a MiB would be 32,768.
const MIB_AT_MOST: f64 = 25_000.0;
