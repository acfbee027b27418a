//! The `klog` command line.

fn main() {}
