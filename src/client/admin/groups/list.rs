//! Which groups there are: ListGroups to every broker (KIP-518: states; KIP-848: types).

use std::collections::BTreeMap;

use super::super::super::error::ClientError;
use super::super::super::handle::Lane;
use super::super::named::named;
use super::super::{Admin, refuse_filters};
use crate::wire::list_groups::{ListGroupsRequest, ListGroupsResponse};

/// From this version of ListGroups on a broker filters by state, and tells it.
const WITH_STATES: i16 = 4;
/// From this one on by type.
const WITH_TYPES: i16 = 5;

named! {
    /// By which protocol a group works.
    GroupType {
        /// JoinGroup and SyncGroup: the members make the shares.
        Classic = "classic",
        /// KIP-848: the coordinator makes the shares.
        Consumer = "consumer",
        /// KIP-932.
        Share = "share",
        /// KIP-1071.
        Streams = "streams",
    }
}

named! {
    /// What a group is doing.
    GroupState {
        /// It has no members.
        Empty = "Empty",
        /// Each member has its share.
        Stable = "Stable",
        /// Members are to join again (classic).
        PreparingRebalance = "PreparingRebalance",
        /// Members wait for their shares (classic).
        CompletingRebalance = "CompletingRebalance",
        /// The coordinator is about to make the shares (KIP-848).
        Assigning = "Assigning",
        /// Members are on their way to their shares (KIP-848).
        Reconciling = "Reconciling",
        /// Topics that it needs are missing (KIP-1071).
        NotReady = "NotReady",
        /// It is being removed, or is not there.
        Dead = "Dead",
    }
}

/// One group, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupListing {
    /// Its name.
    pub group: String,
    /// None from brokers before 3.8.
    pub kind: Option<GroupType>,
    /// None from brokers before 2.6.
    pub state: Option<GroupState>,
    /// `consumer`, `connect` and so on; empty for groups that only commit offsets.
    pub protocol_type: String,
}

impl Admin {
    /// All groups of all brokers in these states and of these types, sorted by name; no filter lets all through.
    ///
    /// # Errors
    /// Where one of the brokers does not answer or refuses, after retries within `api_timeout`; `UNSUPPORTED_VERSION` where
    /// it cannot filter so.
    pub async fn list_groups(
        &self,
        states: &[GroupState],
        types: &[GroupType],
    ) -> Result<Vec<GroupListing>, ClientError> {
        let request = ListGroupsRequest {
            states_filter: states.iter().map(|state| state.as_str().into()).collect(),
            types_filter: types.iter().map(|kind| kind.as_str().into()).collect(),
            ..ListGroupsRequest::default()
        };
        let told = self.of_every_broker(|broker| self.list_of(broker, &request)).await?;
        // While a group moves, two brokers may speak of it.
        let mut out: BTreeMap<String, GroupListing> = BTreeMap::new();
        for told in told.into_iter().flat_map(|(_, answer)| answer.groups) {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let group = told.group_id.to_string();
            let listing = GroupListing {
                group: group.clone(),
                kind: text(&told.group_type).map(|text| GroupType::told(&text)),
                state: text(&told.group_state).map(|text| GroupState::told(&text)),
                protocol_type: told.protocol_type.to_string(),
            };
            out.insert(group, listing);
        }
        Ok(out.into_values().collect())
    }

    async fn list_of(
        &self,
        broker: i32,
        request: &ListGroupsRequest,
    ) -> Result<ListGroupsResponse, ClientError> {
        let connection = self.client.broker(broker, Lane::General).await?;
        let version = connection.version::<ListGroupsRequest>()?;
        let what = || format!("groups of broker {broker}");
        let by_state = (!request.states_filter.is_empty(), WITH_STATES);
        let by_type = (!request.types_filter.is_empty(), WITH_TYPES);
        refuse_filters(version, [by_state, by_type], what)?;
        let answer = connection.call(request, self.client.config().request_timeout).await?;
        ClientError::check(answer.error_code, None, what)?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_in_any_case_and_an_unknown_one_names_those_that_are() {
        assert_eq!("preparingrebalance".parse(), Ok(GroupState::PreparingRebalance));
        assert_eq!(GroupType::told("Consumer"), GroupType::Consumer);
        assert_eq!(GroupState::told("Dreaming"), GroupState::Other("Dreaming".into()));
        let error = "Dreaming".parse::<GroupState>().unwrap_err();
        assert!(error.starts_with("it is one of Empty, Stable, "), "{error}");
    }
}
