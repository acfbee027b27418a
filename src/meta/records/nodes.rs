//! Brokers and controllers.

use bytestring::ByteString;

use crate::wire::Uuid;
use crate::wire::message;

message! {
    /// A broker said what it is.
    RegisterBrokerRecord {
        broker_id: i32, [0..];
        is_migrating_zk_broker: bool, [2..];
        incarnation_id: Uuid, [0..];
        broker_epoch: i64, [0..];
        end_points: Vec<BrokerEndpoint>, [0..];
        features: Vec<BrokerFeature>, [0..];
        rack: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        fenced: bool, [0..], default true;
        in_controlled_shutdown: bool, [1..];
        log_dirs: Vec<Uuid>, [3..], tag 0 [3..];
        cordoned_log_dirs: Option<Vec<Uuid>>, [4..], nullable [4..], tag 1 [4..];
    }

    /// Part of [`RegisterBrokerRecord`]: see its `end_points`.
    BrokerEndpoint {
        name: ByteString, [0..];
        host: ByteString, [0..];
        port: u16, [0..];
        security_protocol: i16, [0..];
    }

    /// Part of [`RegisterBrokerRecord`]: see its `features`.
    BrokerFeature {
        name: ByteString, [0..];
        min_supported_version: i16, [0..];
        max_supported_version: i16, [0..];
    }

    /// A broker is gone for good.
    UnregisterBrokerRecord {
        broker_id: i32, [0..];
        broker_epoch: i64, [0..];
    }

    /// A broker may not lead.
    FenceBrokerRecord {
        id: i32, [0..];
        epoch: i64, [0..];
    }

    /// A broker may lead.
    UnfenceBrokerRecord {
        id: i32, [0..];
        epoch: i64, [0..];
    }

    /// What changed of a broker.
    BrokerRegistrationChangeRecord {
        broker_id: i32, [0..];
        broker_epoch: i64, [0..];
        fenced: i8, [0..], tag 0 [0..];
        in_controlled_shutdown: i8, [1..], tag 1 [1..];
        log_dirs: Vec<Uuid>, [2..], tag 2 [2..];
        cordoned_log_dirs: Option<Vec<Uuid>>, [3..], nullable [3..], tag 3 [3..];
    }

    /// A controller said what it is.
    RegisterControllerRecord {
        controller_id: i32, [0..];
        incarnation_id: Uuid, [0..];
        zk_migration_ready: bool, [0..];
        end_points: Vec<ControllerEndpoint>, [0..];
        features: Vec<ControllerFeature>, [0..];
    }

    /// Part of [`RegisterControllerRecord`]: see its `end_points`.
    ControllerEndpoint {
        name: ByteString, [0..];
        host: ByteString, [0..];
        port: u16, [0..];
        security_protocol: i16, [0..];
    }

    /// Part of [`RegisterControllerRecord`]: see its `features`.
    ControllerFeature {
        name: ByteString, [0..];
        min_supported_version: i16, [0..];
        max_supported_version: i16, [0..];
    }
}
