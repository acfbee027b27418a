use super::user_data::{cooperative, sticky};
use super::*;

const HAD_IN: i32 = 4;

fn places(places: &[(&str, &[i32])]) -> Places {
    places.iter().map(|(topic, numbers)| ((*topic).into(), numbers.to_vec())).collect()
}

fn topics(topics: &[(&str, i32)]) -> Topics {
    let info = |partitions| TopicInfo { partitions, racks: Vec::new() };
    topics.iter().map(|(topic, count)| ((*topic).into(), info(*count))).collect()
}

fn reads(topics: &[&str]) -> Member {
    let topics = topics.iter().map(|topic| (*topic).into()).collect();
    Member { instance_id: None, subscription: Subscription { topics, ..Subscription::default() } }
}

/// Reads `t`, and had so much of it in a generation, by every way of telling.
fn had(partitions: &[i32], generation_id: i32) -> Member {
    let mut member = reads(&["t"]);
    member.subscription.owned = places(&[("t", partitions)]);
    member.subscription.user_data = sticky(&member.subscription.owned, generation_id);
    member.subscription.generation_id = generation_id;
    member
}

fn members<const N: usize>(members: [(&str, Member); N]) -> Members {
    members.into_iter().map(|(id, member)| (id.into(), member)).collect()
}

fn of_t(shares: &Shares, id: &str) -> Vec<i32> {
    shares[id].get("t").cloned().unwrap_or_default()
}

#[test]
fn range_gives_each_topic_in_ranges_and_round_robin_all_in_turn() {
    let both = ["t", "u"];
    let members = members([("a", reads(&both)), ("b", reads(&both)), ("c", reads(&["u"]))]);
    let topics = topics(&[("t", 3), ("u", 4)]);
    let range = Assignor::Range.assign(&members, &topics);
    assert_eq!(range["a"], places(&[("t", &[0, 1]), ("u", &[0, 1])]));
    assert_eq!(range["b"], places(&[("t", &[2]), ("u", &[2])]));
    assert_eq!(range["c"], places(&[("u", &[3])]));
    let in_turn = Assignor::RoundRobin.assign(&members, &topics);
    assert_eq!(in_turn["a"], places(&[("t", &[0, 2]), ("u", &[2])]));
    assert_eq!(in_turn["b"], places(&[("t", &[1]), ("u", &[0, 3])]));
    assert_eq!(in_turn["c"], places(&[("u", &[1])]));
}

#[test]
fn static_members_come_first_and_by_their_names() {
    let named = |name: &str| Member { instance_id: Some(name.into()), ..reads(&["t"]) };
    let members = members([("a", reads(&["t"])), ("b", named("2")), ("c", named("1"))]);
    for assignor in [Assignor::Range, Assignor::RoundRobin] {
        let shares = assignor.assign(&members, &topics(&[("t", 3)]));
        assert_eq!(["c", "b", "a"].map(|id| of_t(&shares, id)[0]), [0, 1, 2]);
    }
}

#[test]
fn names_stand_in_the_order_of_java() {
    // By its code point the second comes first; as UTF-16, the first one's first unit is the lesser.
    let members = members([("\u{1f600}", reads(&["t"])), ("\u{fffd}", reads(&["t"]))]);
    let shares = Assignor::Range.assign(&members, &topics(&[("t", 1)]));
    assert_eq!((of_t(&shares, "\u{1f600}"), of_t(&shares, "\u{fffd}")), (vec![0], vec![]));
}

#[test]
fn ranges_are_near_replicas_where_that_costs_no_evenness() {
    let in_rack = |rack: &str| {
        let mut member = reads(&["t", "u"]);
        member.subscription.rack_id = Some(rack.into());
        member
    };
    let members = members([("a", in_rack("y")), ("b", in_rack("x"))]);
    let racks = |racks: &[&str]| TopicInfo {
        partitions: racks.len() as i32,
        racks: racks.iter().map(|rack| [(*rack).into()].into()).collect(),
    };
    let topics = Topics::from([("t".into(), racks(&["x", "y"])), ("u".into(), racks(&["x", "y"]))]);
    let shares = Assignor::Range.assign(&members, &topics);
    assert_eq!(shares["a"], places(&[("t", &[1]), ("u", &[1])]));
    // What belongs together stays together over that.
    let topics = Topics::from([("t".into(), racks(&["x", "y"])), ("u".into(), racks(&["y", "x"]))]);
    let shares = Assignor::Range.assign(&members, &topics);
    assert_eq!(shares["a"], places(&[("t", &[0]), ("u", &[0])]));
}

#[test]
fn sticky_members_keep_what_they_had_as_far_as_that_is_even() {
    let members = members([("a", had(&[0, 1, 2, 3], 4)), ("b", had(&[], -1))]);
    let shares = Assignor::Sticky.assign(&members, &topics(&[("t", 4)]));
    assert_eq!((of_t(&shares, "a").len(), of_t(&shares, "b").len()), (2, 2));
    let gone = Members::from([("b".into(), had(&of_t(&shares, "b"), 5))]);
    assert_eq!(of_t(&Assignor::Sticky.assign(&gone, &topics(&[("t", 4)])), "b"), [0, 1, 2, 3]);
}

#[test]
fn what_moves_in_a_cooperative_group_is_nobodys_until_its_owner_gave_it_up() {
    let topics = topics(&[("t", 5)]);
    let mut members = members([("a", had(&[0, 1, 2, 3], HAD_IN)), ("b", had(&[], -1))]);
    let first = Assignor::CooperativeSticky.assign(&members, &topics);
    let kept = of_t(&first, "a");
    assert_eq!(kept.len(), 3, "of five it is one of them who has three, and a had more");
    assert_eq!(of_t(&first, "b"), [4], "what was nobody's is given at once");
    members.insert("a".into(), had(&kept, HAD_IN + 1));
    members.insert("b".into(), had(&[4], HAD_IN + 1));
    let second = Assignor::CooperativeSticky.assign(&members, &topics);
    assert_eq!((of_t(&second, "a"), of_t(&second, "b").len()), (kept, 2));
}

#[test]
fn what_two_claim_is_whose_generation_is_higher_and_else_nobodys() {
    let topics = topics(&[("t", 3)]);
    for assignor in [Assignor::Sticky, Assignor::CooperativeSticky] {
        let older = members([("a", had(&[0, 1], 3)), ("b", had(&[1], 4))]);
        let shares = assignor.assign(&older, &topics);
        assert!(of_t(&shares, "b").contains(&1), "{assignor:?}: {shares:?}");
        assert!(of_t(&shares, "a").contains(&0), "nobody has it since: {shares:?}");
    }
    let alike = members([("a", had(&[0, 1], 4)), ("b", had(&[1, 2], 4))]);
    let shares = Assignor::CooperativeSticky.assign(&alike, &topics);
    assert_eq!((of_t(&shares, "a"), of_t(&shares, "b")), (vec![0], vec![2]));
    let shares = Assignor::Sticky.assign(&alike, &topics);
    let all: Vec<i32> = ["a", "b"].iter().flat_map(|id| of_t(&shares, id)).collect();
    assert_eq!(all.len(), 3, "who gave all up can be given all: {shares:?}");
}

#[test]
fn a_generation_stands_in_the_subscription_or_before_that_in_what_the_assignor_says() {
    let old = |partitions: &[i32], generation| {
        let mut member = had(partitions, -1);
        member.subscription.user_data = Some(cooperative(generation));
        member
    };
    let members = members([("a", old(&[0], 7)), ("b", had(&[0], 6))]);
    let shares = Assignor::CooperativeSticky.assign(&members, &topics(&[("t", 1)]));
    assert_eq!((of_t(&shares, "a"), of_t(&shares, "b")), (vec![0], vec![]));
}

#[test]
fn what_is_said_for_sticky_is_read_in_both_versions_and_else_ignored() {
    let had = places(&[("t", &[1]), ("u", &[0, 2])]);
    let said = Assignor::Sticky.user_data(&had, 9).unwrap();
    assert_eq!(user_data::read_sticky(Some(&said)), (had.clone(), 9));
    let v0 = said.slice(..said.len() - 4);
    assert_eq!(user_data::read_sticky(Some(&v0)), (had, -1));
    for length in 0..v0.len() {
        let (had, generation) = user_data::read_sticky(Some(&said.slice(..length)));
        assert_eq!((had, generation), (Places::new(), -1));
    }
    assert_eq!(Assignor::Sticky.user_data(&Places::new(), -1), None);
    assert_eq!(Assignor::Range.user_data(&Places::new(), 9), None);
    let said = Assignor::CooperativeSticky.user_data(&Places::new(), 9).unwrap();
    assert_eq!(said[..], [0, 0, 0, 9]);
    assert_eq!(user_data::read_cooperative(Some(&said.slice(..3))), -1);
}

#[test]
fn everybody_is_in_the_shares_and_topics_that_are_not_there_are_nobodys() {
    let members = members([("a", reads(&["t", "gone"])), ("b", reads(&[]))]);
    for assignor in Assignor::ALL {
        let shares = assignor.assign(&members, &topics(&[("t", 2), ("gone", 0), ("other", 3)]));
        assert_eq!(shares["a"], places(&[("t", &[0, 1])]), "{assignor:?}");
        assert_eq!(shares["b"], Places::new());
        assert_eq!(assignor.assign(&Members::new(), &topics(&[("t", 2)])), Shares::new());
        assert_eq!(Assignor::named(assignor.name()), Some(assignor));
    }
    assert_eq!(Assignor::named("uniform"), None);
}
