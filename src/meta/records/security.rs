//! Security and quotas: kept for the nodes that have them.

use bytes::Bytes;
use bytestring::ByteString;

use crate::wire::Uuid;
use crate::wire::message;

message! {
    /// An ACL.
    AccessControlEntryRecord {
        id: Uuid, [0..];
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
        pattern_type: i8, [0..];
        principal: ByteString, [0..];
        host: ByteString, [0..];
        operation: i8, [0..];
        permission_type: i8, [0..];
    }

    /// An ACL is gone.
    RemoveAccessControlEntryRecord {
        id: Uuid, [0..];
    }

    /// A SCRAM credential (KIP-554).
    UserScramCredentialRecord {
        name: ByteString, [0..];
        mechanism: i8, [0..];
        salt: Bytes, [0..];
        stored_key: Bytes, [0..];
        server_key: Bytes, [0..];
        iterations: i32, [0..];
    }

    /// A SCRAM credential is gone.
    RemoveUserScramCredentialRecord {
        name: ByteString, [0..];
        mechanism: i8, [0..];
    }

    /// A delegation token (KIP-900).
    DelegationTokenRecord {
        owner: ByteString, [0..];
        requester: ByteString, [0..];
        renewers: Vec<ByteString>, [0..];
        issue_timestamp: i64, [0..];
        max_timestamp: i64, [0..];
        expiration_timestamp: i64, [0..];
        token_id: ByteString, [0..];
    }

    /// A delegation token is gone.
    RemoveDelegationTokenRecord {
        token_id: ByteString, [0..];
    }

    /// A client quota (KIP-546).
    ClientQuotaRecord {
        entity: Vec<EntityData>, [0..];
        key: ByteString, [0..];
        value: f64, [0..];
        remove: bool, [0..];
    }

    /// Part of [`ClientQuotaRecord`]: see its `entity`.
    EntityData {
        entity_type: ByteString, [0..];
        entity_name: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
    }
}
