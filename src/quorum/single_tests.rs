use super::*;
use crate::log::FileCache;
use crate::meta::records::nodes::RegisterBrokerRecord;
use crate::meta::{NewTopic, create_topic, register_broker};
use std::path::Path;

fn start(folder: &Path) -> (LogDir, Result<Single, StartError>) {
    let os = Os::real();
    let dir = LogDir::open(&os, folder, Arc::new(FileCache::new(os.disk.clone(), 16))).unwrap();
    let single = Single::start(&os, &dir, TopicId([7; 16]), BrokerId::new(1), u64::MAX);
    (dir, single)
}

fn create(single: &Single, name: &str) -> Result<(), SubmitError> {
    let wish =
        NewTopic { name: name.into(), partitions: 2, replication_factor: 1, ..NewTopic::default() };
    let id = TopicId(single.os.random_id());
    let decide: Decide = Box::new(move |image| create_topic(image, &wish, id, || TopicId::ZERO));
    block_on(single.submit(decide))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn register(single: &Single) {
    let broker = RegisterBrokerRecord { broker_id: 1, fenced: false, ..Default::default() };
    block_on(single.submit(Box::new(move |_| Ok(register_broker(broker))))).unwrap();
}

#[test]
fn what_was_answered_is_there_after_a_crash_and_epochs_ascend() {
    let folder = tempfile::tempdir().unwrap();
    let mut epochs = Vec::new();
    for round in 0..5 {
        let (dir, single) = start(folder.path());
        let single = single.unwrap();
        epochs.push(single.status().leader_epoch);
        register(&single);
        assert_eq!(single.image().topics().len(), round);
        create(&single, &format!("topic-{round}")).unwrap();
        assert!(matches!(create(&single, "topic-0"), Err(SubmitError::Refused(_))));
        // No clean stop: the mark is never written.
        drop((single, dir));
    }
    assert_eq!(epochs, [1, 2, 3, 4, 5]);
}

#[test]
fn a_metadata_log_cut_at_any_byte_of_its_tail_keeps_whole_decisions_only() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, single) = start(folder.path());
    let single = single.unwrap();
    register(&single);
    create(&single, "kept").unwrap();
    let log = folder.path().join("__cluster_metadata-0/00000000000000000000.log");
    let keep = std::fs::metadata(&log).unwrap().len();
    create(&single, "torn").unwrap();
    drop((single, dir));
    let whole = std::fs::read(&log).unwrap();
    for length in keep..whole.len() as u64 {
        let copy = tempfile::tempdir().unwrap();
        let inner = copy.path().join("__cluster_metadata-0");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("00000000000000000000.log"), &whole[..length as usize]).unwrap();
        let (_dir, single) = start(copy.path());
        let image = single.unwrap().image();
        assert!(image.topic("kept").is_some());
        assert!(image.topic("torn").is_none(), "cut at {length}");
    }
}

/// Guards against taking the metadata log for one of which nothing was promised: what follows the bad byte would be cut.
#[test]
fn a_flipped_bit_before_whole_decisions_refuses_to_start_and_cuts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, single) = start(folder.path());
    let single = single.unwrap();
    register(&single);
    let log = folder.path().join("__cluster_metadata-0/00000000000000000000.log");
    let before = std::fs::metadata(&log).unwrap().len() as usize;
    create(&single, "one").unwrap();
    create(&single, "two").unwrap();
    drop((single, dir));
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[before + 80] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let (_dir, single) = start(folder.path());
    assert!(matches!(single, Err(StartError::Open(OpenError::Damaged { .. }))), "{single:?}");
    assert_eq!(std::fs::read(&log).unwrap(), bytes);
}

#[test]
fn a_damaged_snapshot_refuses_to_start_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, single) = start(folder.path());
    drop((single, dir));
    let path =
        SnapshotId { end_offset: 2, epoch: 1 }.path(&folder.path().join("__cluster_metadata-0"));
    std::fs::write(&path, b"not a snapshot").unwrap();
    let (_dir, single) = start(folder.path());
    assert!(matches!(single, Err(StartError::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"not a snapshot");
}

#[test]
fn a_snapshot_holds_the_image_and_lets_the_log_below_it_go() {
    let folder = tempfile::tempdir().unwrap();
    let os = Os::real();
    let dir =
        LogDir::open(&os, folder.path(), Arc::new(FileCache::new(os.disk.clone(), 16))).unwrap();
    let single = Single::start(&os, &dir, TopicId([7; 16]), BrokerId::new(1), u64::MAX).unwrap();
    register(&single);
    create(&single, "events").unwrap();
    let before = single.image();
    drop((single, dir));
    let log_folder = folder.path().join("__cluster_metadata-0");
    let dir =
        LogDir::open(&os, folder.path(), Arc::new(FileCache::new(os.disk.clone(), 16))).unwrap();
    let path = SnapshotId { end_offset: 4, epoch: 1 }.path(&log_folder);
    let content = Content { records: before.to_records(), ..Content::default() };
    snapshot::write(&*os.disk, &path, 1, &content, Millis(0)).unwrap();
    let single = Single::start(&os, &dir, TopicId([7; 16]), BrokerId::new(1), u64::MAX).unwrap();
    assert_eq!(*single.image(), *before);
}

fn of_kafka(folder: &Path, voters: &[i32]) {
    let voter = |id: &i32| crate::record::control::Voter {
        id: *id,
        directory_id: TopicId([7; 16]),
        endpoints: vec![("CONTROLLER".into(), "localhost".into(), 9093)],
        kraft_versions: (0, 1),
    };
    let quorum = vec![
        ControlRecord::KraftVersion { version: 1 },
        ControlRecord::Voters(voters.iter().map(voter).collect()),
    ];
    let inner = folder.join("__cluster_metadata-0");
    std::fs::create_dir_all(&inner).unwrap();
    let path = SnapshotId { end_offset: 0, epoch: 0 }.path(&inner);
    let content = Content { quorum, ..Content::default() };
    snapshot::write(&*Os::real().disk, &path, 0, &content, Millis(0)).unwrap();
}

#[test]
fn a_quorum_that_others_have_a_say_in_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    of_kafka(folder.path(), &[1, 2, 3]);
    let (_dir, single) = start(folder.path());
    let refused = single.unwrap_err();
    assert!(matches!(&refused, StartError::Voters { voters, .. } if voters == &[1, 2, 3]));
    assert!(!folder.path().join("__cluster_metadata-0/quorum-state").exists());
}

#[test]
fn a_quorums_version_and_voters_outlive_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    of_kafka(folder.path(), &[1]);
    let os = Os::real();
    for round in 0..3 {
        let dir = LogDir::open(&os, folder.path(), Arc::new(FileCache::new(os.disk.clone(), 16)))
            .unwrap();
        // A snapshot after every change.
        let single = Single::start(&os, &dir, TopicId([7; 16]), BrokerId::new(1), 1).unwrap();
        register(&single);
        create(&single, &format!("topic-{round}")).unwrap();
        drop((single, dir));
        let inner = folder.path().join("__cluster_metadata-0");
        let id = snapshot::newest(&*os.disk, &inner).unwrap().unwrap();
        assert!(id.end_offset > 0);
        let content = snapshot::read(&*os.disk, &id.path(&inner)).unwrap();
        assert_eq!(content.quorum.len(), 2, "{:?}", content.quorum);
        let state = std::fs::read_to_string(inner.join("quorum-state")).unwrap();
        assert!(state.contains(r#""data_version":1"#), "{state}");
    }
}
