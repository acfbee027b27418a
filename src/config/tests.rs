use super::*;

fn load(text: &str) -> Result<Loaded, Vec<ConfigError>> {
    BrokerConfig::load(&parse_yaml(text)?)
}

#[test]
fn without_a_file_one_node_runs_on_this_machine_only() {
    let config = BrokerConfig::load(&[]).unwrap().config;
    assert_eq!(config.listeners[0].to_string(), "PLAINTEXT://127.0.0.1:9092");
    assert_eq!(config.get("log.dirs").unwrap(), "./klog-data");
}

#[test]
fn every_key_reads_what_it_writes() {
    let config = BrokerConfig::default();
    for name in BrokerConfig::names() {
        let value = config.get(name).unwrap_or_else(|| panic!("{name} has no value"));
        if value.is_empty() {
            continue;
        }
        let entry = Entry { key: name.into(), value: value.clone(), source: Source::CommandLine };
        let loaded = BrokerConfig::load(&[entry])
            .unwrap_or_else(|errors| panic!("{name}={value}: {errors:?}"));
        assert_eq!(loaded.config.get(name).unwrap(), value);
    }
    for key in TOPIC_KEYS {
        assert_eq!(topic_key(broker_key(key.name).unwrap()), Some(key.name));
        assert!(!key.doc.is_empty());
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_line() {
    let errors = load(
        "# a comment\nnode.id: x\nlog.dirs: /tmp/a\nlog.retention.mss: 5\nlog.segment.bytes: 3\n",
    )
    .unwrap_err();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "line 2: node.id: must be a whole number between 0 and 2147483647",
            "line 4: log.retention.mss: is not a key; did you mean log.retention.ms?",
            "line 5: log.segment.bytes: must be a whole number between 1024 and 2147483647",
        ]
    );
}

#[test]
fn kafkas_keys_without_effect_are_named_and_its_synonyms_scaled() {
    let text = "broker.id=7\nlog.retention.hours=2\nprocess.roles=broker,controller\n\
        controller.quorum.voters=1@localhost:9093\nlog.dirs=/a, \\\n  /b\n";
    let loaded = BrokerConfig::load(&parse_properties(text)).unwrap();
    assert_eq!(loaded.config.node_id, 7);
    assert_eq!(loaded.config.topic.retention_ms, 7_200_000);
    assert_eq!(loaded.config.log_dirs.len(), 2);
    assert_eq!(loaded.without_effect, ["process.roles", "controller.quorum.voters"]);
    assert_eq!(loaded.config.source("node.id"), Source::File { line: 1 });
}

#[test]
fn a_listener_that_others_can_reach_has_to_be_allowed() {
    let errors = load("listeners: PLAINTEXT://192.168.0.1:9092").unwrap_err();
    assert!(errors[0].message.contains("klog.allow.anonymous.listeners=true"), "{errors:?}");
    assert!(
        load("listeners: PLAINTEXT://192.168.0.1:9092\nklog.allow.anonymous.listeners: true")
            .is_ok()
    );
    assert!(load("listeners: PLAINTEXT://[::1]:9092").is_ok());
    let wild = "listeners: PLAINTEXT://0.0.0.0:9092\nklog.allow.anonymous.listeners: true\n";
    assert!(load(wild).is_err());
    assert!(load(&format!("{wild}advertised.listeners: PLAINTEXT://node:9092")).is_ok());
    assert!(load("listeners: SSL://127.0.0.1:9092").is_err());
}

#[test]
fn metrics_are_served_to_other_machines_only_where_that_is_allowed() {
    assert_eq!(load("").unwrap().config.metrics_listener, None);
    let local = load("klog.metrics.listener: 127.0.0.1:9644").unwrap().config;
    assert_eq!(local.metrics_listener.unwrap().port, 9644);
    let open = "klog.metrics.listener: 0.0.0.0:9644\n";
    let errors = load(open).unwrap_err();
    assert_eq!(errors[0].key, "klog.metrics.listener");
    assert!(errors[0].message.contains("klog.allow.anonymous.listeners=true"), "{errors:?}");
    assert!(load(&format!("{open}klog.allow.anonymous.listeners: true")).is_ok());
    assert!(load("klog.metrics.listener: http://127.0.0.1:9644").is_err());
    assert!(load("klog.metrics.listener: 9644").is_err());
}

#[test]
fn a_topic_may_be_compacted_deleted_from_or_both() {
    let mut config = TopicConfig::default();
    for (value, compact, delete) in [
        ("delete", false, true),
        ("compact", true, false),
        ("compact,delete", true, true),
        ("delete, compact", true, true),
    ] {
        assert!(config.set("cleanup.policy", value).unwrap().is_ok(), "{value}");
        assert_eq!((config.compact, config.delete), (compact, delete), "{value}");
    }
    for value in ["", "compacted", "compact,compact", "compact,keep"] {
        assert!(config.set("cleanup.policy", value).unwrap().is_err(), "{value}");
    }
    assert!(config.set("min.cleanable.dirty.ratio", "1.1").unwrap().is_err());
    assert_eq!(config.get("min.cleanable.dirty.ratio").unwrap(), "0.5");
    assert!(config.set("no.such.key", "1").is_none());
}

#[test]
fn broken_yaml_is_refused_with_its_line() {
    let errors = load("node.id: 1\n  bad: : x\n").unwrap_err();
    assert_eq!(errors[0].key, "YAML");
    let twice = load("node.id: 1\nlog.retention.ms: 5\n\"node.id\": 2\n").unwrap_err();
    assert!(twice[0].to_string().starts_with("line 3: "), "{twice:?}");
    assert!(load("[1, 2]").is_err());
    assert!(load("log.dirs: {a: b}").is_err());
}

#[test]
fn what_is_no_key_is_refused_with_the_nearest_one_or_with_what_klog_does_not_do() {
    for (key, told) in [
        ("log.retention.hour", "did you mean log.retention.hours?"),
        ("num.partition", "did you mean num.partitions?"),
        ("ssl.keystore.location", "klog has no TLS yet"),
        ("authorizer.class.name", "klog has no ACLs yet"),
        ("bread", "is not a key that klog knows"),
    ] {
        let errors = load(&format!("{key}: 1\n")).unwrap_err();
        assert!(errors[0].to_string().contains(told), "{errors:?}");
    }
}

#[test]
fn the_file_of_a_kafka_that_is_broker_and_controller_is_taken() {
    let text = "process.roles=broker,controller\nnode.id=1\nlisteners=CLIENTS://localhost:9092,CONTROLLER://:9093\n\
        advertised.listeners=CLIENTS://localhost:9092,CONTROLLER://localhost:9093\ncontroller.listener.names=CONTROLLER\n\
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT,SSL:SSL\n";
    let loaded = BrokerConfig::load(&parse_properties(text)).unwrap();
    assert_eq!(loaded.config.get("listeners").unwrap(), "CLIENTS://localhost:9092");
    assert_eq!(loaded.config.get("advertised.listeners").unwrap(), "CLIENTS://localhost:9092");
    assert!(loaded.without_effect.iter().any(|key| key == "controller.listener.names"));
}

#[test]
fn a_listener_that_does_not_speak_plaintext_is_refused_with_its_protocol() {
    let errors =
        load("listeners: INSIDE://localhost:1\nlistener.security.protocol.map: INSIDE:SASL_SSL\n")
            .unwrap_err();
    let only =
        "line 1: listeners: INSIDE://localhost:1 speaks SASL_SSL; only PLAINTEXT is there yet";
    assert_eq!(errors[0].to_string(), only);
    let errors = load("listeners: SSL://localhost:1\n").unwrap_err();
    assert!(errors[0].to_string().contains("speaks SSL"), "{errors:?}");
    let errors = load("listeners: C://localhost:1\ncontroller.listener.names: C\n").unwrap_err();
    assert!(errors[0].to_string().contains("none but those of controllers"), "{errors:?}");
}
