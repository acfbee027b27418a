//! Who is to have what: worked out anew when members, their subscriptions or their topics change.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

use super::member::Subscription;
use super::records::Resolved;
use super::{ConsumerGroup, ConsumerRecord, Topics};
use crate::base::TopicId;
use crate::group::Now;
use crate::group::assignor::{Assignor, Partitions, Wish};
use crate::group::pattern;

/// How often at most all topics are matched against a group's regular expressions because topics came or went, in ms.
const MATCH_AGAIN_MS: i64 = 1_000;

impl ConsumerGroup {
    /// Begins a new epoch if the topics that the group reads are not what they were, or if `changed` says that members are not.
    pub(super) fn follow_topics(
        &mut self,
        changed: bool,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) {
        let version = topics.version();
        let rematched = self.match_patterns(topics, now, out);
        if !changed && !rematched && self.seen == Some(version) {
            return;
        }
        self.seen = Some(version);
        let hash = self.hash_topics(topics);
        if changed || rematched || hash != self.facts.hash {
            self.bump(hash, out);
        }
    }

    /// Matches the members' regular expressions against the topics, if that was not done; tells whether others match now.
    fn match_patterns(
        &mut self,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) -> bool {
        let used = self.used_patterns();
        let version = topics.version();
        let due = self.matched.is_none_or(|(seen, at)| {
            seen != version && now.steady_ms >= at.saturating_add(MATCH_AGAIN_MS)
        });
        let missing = |pattern: &ByteString| !self.facts.patterns.contains_key(pattern);
        let todo: Vec<ByteString> =
            used.into_iter().filter(|pattern| due || missing(pattern)).collect();
        if todo.is_empty() {
            return false;
        }
        let names = topics.names();
        let mut changed = false;
        for text in todo {
            // It was compiled when it came; one that another coordinator took may not be sound here: it matches nothing.
            let compiled = pattern::compile(&text).ok();
            let matches = |name: &&ByteString| {
                compiled.as_ref().is_some_and(|compiled| compiled.is_match(name))
            };
            let found: BTreeSet<ByteString> = names.iter().filter(matches).cloned().collect();
            let before = self.facts.patterns.get(&text).map(|resolved| &resolved.topics);
            if before != Some(&found) {
                let resolved = Resolved { topics: found, version, at: now.wall_ms };
                self.put(ConsumerRecord::Pattern(text, Some(resolved)), out);
                changed = true;
            }
        }
        if due {
            self.matched = Some((version, now.steady_ms));
        }
        changed
    }

    fn used_patterns(&self) -> BTreeSet<ByteString> {
        self.facts.members.values().filter_map(|member| member.wants.pattern()).cloned().collect()
    }

    /// Forgets what nobody's regular expression matches.
    pub(super) fn drop_patterns(&mut self, out: &mut Vec<ConsumerRecord>) {
        if self.facts.patterns.is_empty() {
            return;
        }
        let used = self.used_patterns();
        let unused = self.facts.patterns.keys().filter(|pattern| !used.contains(*pattern));
        let unused: Vec<ByteString> = unused.cloned().collect();
        unused.into_iter().for_each(|text| self.put(ConsumerRecord::Pattern(text, None), out));
    }

    /// The topics that a member reads, of those that exist.
    pub(super) fn reads(&self, wants: &Subscription, topics: &dyn Topics) -> BTreeSet<TopicId> {
        let names = self.read_names(wants);
        names.filter_map(|name| Some(topics.by_name(name)?.0)).collect()
    }

    pub(super) fn read_names<'a>(
        &'a self,
        wants: &'a Subscription,
    ) -> impl Iterator<Item = &'a ByteString> {
        let resolved = wants.pattern().and_then(|text| self.facts.patterns.get(text));
        wants.topics.iter().chain(resolved.into_iter().flat_map(|resolved| &resolved.topics))
    }

    /// FNV-1a over the topics that the group reads. Kafka has another hash here: a group that moves between the two begins one more epoch.
    fn hash_topics(&self, topics: &dyn Topics) -> i64 {
        let names: BTreeSet<&ByteString> =
            self.facts.members.values().flat_map(|member| self.read_names(&member.wants)).collect();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        let mut any = false;
        for name in names {
            let Some((id, count)) = topics.by_name(name) else { continue };
            any = true;
            add(&id.0);
            add(&count.to_be_bytes());
        }
        if any { hash.cast_signed() } else { 0 }
    }

    /// Works out who is to have what, if that is not known for this epoch.
    pub(super) fn retarget(
        &mut self,
        topics: &dyn Topics,
        now: Now,
        out: &mut Vec<ConsumerRecord>,
    ) {
        if self.facts.target_epoch >= self.facts.epoch {
            return;
        }
        let mut counts: BTreeMap<TopicId, i32> = BTreeMap::new();
        let mut wishes: BTreeMap<ByteString, Wish> = BTreeMap::new();
        for (id, member) in &self.facts.members {
            let mut wish = Wish {
                instance_id: member.wants.instance_id.clone(),
                topics: BTreeSet::new(),
                had: member.target.clone(),
            };
            for name in self.read_names(&member.wants) {
                if let Some((topic, count)) = topics.by_name(name) {
                    counts.insert(topic, count);
                    wish.topics.insert(topic);
                }
            }
            wishes.insert(id.clone(), wish);
        }
        let targets: BTreeMap<ByteString, Partitions> = self.assignor().assign(&wishes, &counts);
        for (id, target) in targets {
            if self.facts.members.get(&id).is_some_and(|member| member.target != target) {
                self.put(ConsumerRecord::Target(id, Some(target)), out);
            }
        }
        let epoch = (self.facts.epoch, now.wall_ms);
        self.put(ConsumerRecord::TargetEpoch(Some(epoch)), out);
    }

    /// The assignor that most members ask for; the broker's first if nobody does.
    pub(super) fn assignor(&self) -> Assignor {
        let mut votes = vec![0; self.config.assignors.len()];
        for member in self.facts.members.values() {
            let named = member.wants.assignor.as_deref().and_then(Assignor::named);
            let at = self.config.assignors.iter().position(|one| Some(*one) == named);
            if let Some(votes) = at.and_then(|at| votes.get_mut(at)) {
                *votes += 1;
            }
        }
        let most = votes.iter().copied().max().unwrap_or(0);
        let chosen = votes.iter().position(|votes| *votes == most);
        chosen.and_then(|at| self.config.assignors.get(at)).copied().unwrap_or(Assignor::Uniform)
    }
}
