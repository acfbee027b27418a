//! What is fuzzed: each target takes any bytes and panics where klog breaks a promise. `cargo test --test fuzz` replays the
//! corpus; `fuzz/run` searches for more with libFuzzer, from the same files.

mod agreement;
mod batches;
mod connection;
mod coordinators;
mod files;
mod forensics;
mod groups;
mod messages;
mod texts;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is its folder's in the corpus too.
pub const TARGETS: &[(&str, Target)] = &[
    ("requests", messages::request),
    ("responses", messages::response),
    ("headers", messages::header),
    ("metadata_records", messages::metadata_record),
    ("consumer_protocol", groups::consumer_protocol),
    ("batch", batches::batch),
    ("codecs", batches::codecs),
    ("fetched", batches::fetched),
    ("configs", texts::configs),
    ("json", texts::json),
    ("log_files", files::log_files),
    ("metadata_files", files::metadata_files),
    ("forensics", forensics::forensics),
    ("connection", connection::connection),
];
