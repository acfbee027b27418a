//! As even as can be with few moves: what members say that they had is sorted out here, [`uniform`] does the rest.
//!
//! What two members claim is whose generation is higher; if that is the same, it is nobody's, for one of them is wrong. What is only
//! claimed in an old generation is still its claimant's, as with Kafka's: nobody has it since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytestring::ByteString;

use super::user_data::{read_cooperative, read_sticky};
use super::{Member, Members, Shares, Topics};
use crate::group::protocol::Places;
use crate::group::uniform::{self, Reader};

/// Whose a partition is by what members say.
struct Claim {
    generation: i32,
    owner: Option<usize>,
    /// Who claimed it first, and whether others did.
    first: usize,
    by_several: bool,
}

type Claims<'a> = HashMap<(&'a ByteString, i32), Claim>;

/// Everybody gave up what it had, and told of it in what its assignor says.
pub(super) fn assign(members: &Members, topics: &Topics) -> Shares {
    let said = |member: &Member| read_sticky(member.subscription.user_data.as_ref());
    let said: Vec<(Places, i32)> = members.values().map(said).collect();
    let claims = sort_out(said.iter().map(|(places, generation)| (places, *generation)));
    share(members, topics, &claims)
}

/// Everybody still has what it had. What somebody else claims is nobody's in this round: it will be free in the next.
pub(super) fn assign_cooperatively(members: &Members, topics: &Topics) -> Shares {
    let said = members.values().map(|member| {
        let said = &member.subscription;
        let generation = match said.generation_id {
            generation @ 0.. => generation,
            _ => read_cooperative(said.user_data.as_ref()), // Before v2 it stood there.
        };
        (&said.owned, generation)
    });
    let claims = sort_out(said);
    let mut shares = share(members, topics, &claims);
    for (at, share) in shares.values_mut().enumerate() {
        for (topic, partitions) in share.iter_mut() {
            partitions.retain(|partition| match claims.get(&(topic, *partition)) {
                Some(claim) => claim.owner == Some(at) || (claim.first == at && !claim.by_several),
                None => true,
            });
        }
        share.retain(|_, partitions| !partitions.is_empty());
    }
    shares
}

/// `said` is what each member had, and in which generation.
fn sort_out<'a>(said: impl Iterator<Item = (&'a Places, i32)>) -> Claims<'a> {
    let mut claims = Claims::new();
    for (at, (places, generation)) in said.enumerate() {
        for (topic, partitions) in places {
            for partition in partitions {
                let new = Claim { generation, owner: Some(at), first: at, by_several: false };
                let claim = claims.entry((topic, *partition)).or_insert(new);
                if claim.owner == Some(at) {
                    continue;
                }
                claim.by_several |= claim.first != at;
                if generation > claim.generation {
                    (claim.generation, claim.owner) = (generation, Some(at));
                } else if generation == claim.generation {
                    claim.owner = None;
                }
            }
        }
    }
    claims
}

fn share(members: &Members, topics: &Topics, claims: &Claims<'_>) -> Shares {
    let mut had = vec![BTreeMap::new(); members.len()];
    for ((topic, partition), claim) in claims {
        if let Some(owner) = claim.owner {
            let had: &mut BTreeMap<ByteString, BTreeSet<i32>> = &mut had[owner];
            had.entry(ByteString::clone(topic)).or_default().insert(*partition);
        }
    }
    let counts = topics.iter().map(|(topic, info)| (topic.clone(), info.partitions)).collect();
    let readers: Vec<Reader<'_, ByteString>> = members
        .values()
        .zip(&had)
        .map(|(member, had)| Reader { topics: &member.subscription.topics, had })
        .collect();
    let shares = uniform::assign(&readers, &counts).into_iter().map(|share| {
        share.into_iter().map(|(topic, partitions)| (topic, Vec::from_iter(partitions))).collect()
    });
    members.keys().cloned().zip(shares).collect()
}
