//! libFuzzer around the targets of `tests/fuzz/`: KLOG_FUZZ_TARGET says which. `fuzz/run` builds and starts it.
#![no_main]

#[path = "../../tests/wire/memory.rs"]
#[allow(dead_code)]
mod memory;
#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("KLOG_FUZZ_TARGET").expect("KLOG_FUZZ_TARGET names a target");
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    let known: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    found.unwrap_or_else(|| panic!("no target {name}; there are {known:?}")).1
});

fuzz_target!(|data: &[u8]| TARGET(data));
