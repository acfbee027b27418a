//! Replays the fuzzing corpus: inputs that reach what others do not, and those that once broke a promise. `fuzz/run` looks
//! for more.

#[path = "../wire/memory.rs"]
mod memory;
mod targets;

use std::fs;
use std::path::Path;

fn replay(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    target(&[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut inputs = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        target(&fs::read(&path).expect("an input"));
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}

/// A test for each target.
macro_rules! replays {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            let known: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(known, [$(stringify!($name)),*]);
        }
    };
}

replays!(
    requests,
    responses,
    headers,
    metadata_records,
    consumer_protocol,
    batch,
    codecs,
    fetched,
    configs,
    json,
    log_files,
    metadata_files,
    forensics,
    connection
);
