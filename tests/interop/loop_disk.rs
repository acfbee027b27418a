//! A disk whose power can be cut: an ext4 of its own in a file, on a loop device.
//!
//! The cut is the kernel's own (FS_IOC_SHUTDOWN without a flush of the journal): from that moment on nothing more reaches the
//! device. Unmounting then forgets the page cache, and mounting again replays the journal, as after a power failure.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use rustix::ioctl::{Setter, ioctl, opcode};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);
/// `FS_IOC_SHUTDOWN`.
const SHUTDOWN: rustix::ioctl::Opcode = opcode::read::<u32>(b'X', 125);
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`.
const WITHOUT_JOURNAL_FLUSH: u32 = 2;

/// A mounted file system, gone when dropped.
pub struct LoopDisk {
    home: TempDir,
}

impl LoopDisk {
    /// A new, empty one. `None` where the kernel does not let this process have one, which is said on the terminal.
    pub fn new() -> Option<LoopDisk> {
        let home = TempDir::new().expect("a temporary folder can be made");
        let disk = LoopDisk { home };
        let image = File::create(disk.image()).expect("an image can be made");
        image.set_len(2 << 30).expect("a sparse file can be made");
        fs::create_dir(disk.path()).expect("a mount point can be made");
        let made = run("mkfs.ext4", &["-q", "-F", &text(&disk.image())]);
        assert!(made.status.success(), "mkfs.ext4: {}", String::from_utf8_lossy(&made.stderr));
        let mounted = disk.mount();
        if !mounted.status.success() {
            let why = String::from_utf8_lossy(&mounted.stderr).into_owned();
            return disk.refused(why.trim());
        }
        // Whether the cut is allowed is tried out at once: it would be too late in the middle of a test.
        if let Err(error) = disk.shut_down() {
            return disk.refused(&format!("FS_IOC_SHUTDOWN: {error}"));
        }
        disk.power_on();
        Some(disk)
    }

    /// Not by `eprintln!`, which a test that passes keeps to itself.
    fn refused(self, why: &str) -> Option<LoopDisk> {
        let line = "NOT TESTED: a power cut. This kernel does not let us mount an ext4 on a loop device and shut it down";
        writeln!(std::io::stderr(), "\n*** {line}: {why}").expect("stderr can be written to");
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("disk")
    }

    fn image(&self) -> PathBuf {
        self.home.path().join("image")
    }

    fn mount(&self) -> Output {
        run("mount", &["-o", "loop", &text(&self.image()), &text(&self.path())])
    }

    fn shut_down(&self) -> std::io::Result<()> {
        let root = File::open(self.path())?;
        // SAFETY: this request takes a pointer to a u32, and changes nothing in this process.
        unsafe { ioctl(&root, Setter::<SHUTDOWN, u32>::new(WITHOUT_JOURNAL_FLUSH)) }?;
        Ok(())
    }

    /// The power is gone: what has not reached the device never will.
    pub fn cut(&self) {
        self.shut_down().expect("it could be shut down when it was made");
    }

    /// The power is back. Whoever had files open here must have ended.
    pub fn power_on(&self) {
        self.unmount();
        let mounted = self.mount();
        assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
    }

    fn unmount(&self) {
        let end = Instant::now() + DEADLINE;
        loop {
            let done = run("umount", &[&text(&self.path())]);
            if done.status.success() {
                return;
            }
            let why = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(Instant::now() < end, "umount: {why}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        // It is not mounted where the kernel refused it, and may be busy where a test failed.
        run("umount", &["--lazy", &text(&self.path())]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    // Where programs for the administrator are, which a user's PATH may lack.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    command.args(arguments).env("PATH", path);
    command.output().unwrap_or_else(|e| panic!("{program}: {e}; tests/run installs it"))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
