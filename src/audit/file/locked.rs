//! A file that no other log can be written to meanwhile.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::process;

/// A file with a lock on it, which is let go of with it.
///
/// A program that this process starts shares the lock until it runs, so closing the file is not enough: it is
/// unlocked. A fork of this process shares it too, and must not unlock it for this one.
pub(super) struct Locked {
    file: File,
    process: u32,
}

impl Locked {
    /// Opens the file to append to it. Creates it where there is none, and says so.
    pub(super) fn open(path: &Path) -> io::Result<(Self, bool)> {
        loop {
            let (file, is_new) = open_or_create(path)?;
            if let Err(error) = lock(&file) {
                if is_new && error.kind() != io::ErrorKind::ResourceBusy {
                    let _left = fs::remove_file(path);
                }
                return Err(error);
            }
            let process = process::id();
            let locked = Locked { file, process };
            // The log before may have put it aside or removed it, since it was opened.
            if locked.is_at(path)? {
                return Ok((locked, is_new));
            }
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether this process has opened it, and is no fork of that one.
    pub(super) fn is_own(&self) -> bool {
        self.process == process::id()
    }

    /// Whether it is the file of that name.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(there) => Ok(is_same(&self.file.metadata()?, &there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Write for Locked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.is_own() {
            // Fails where there are no locks.
            let _unlocked = self.file.unlock();
        }
    }
}

fn open_or_create(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.append(true).read(true);
    match options.create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        // It is there, or what cannot be done is told by the second try.
        Err(_) => (options.create_new(false).create(true).open(path)).map(|file| (file, false)),
    }
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let cause = "another log is being written to it";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, cause))
        }
        // Where there are no locks, there are none.
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true // it cannot be told there
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn is_locked(path: &Path) -> bool {
        Locked::open(path).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
    }

    #[test]
    fn a_file_is_free_when_its_log_is_gone_although_a_program_that_starts_shares_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (locked, is_new) = Locked::open(&path).unwrap();
        assert!(is_new && is_locked(&path));
        // What a child has between `fork` and `exec`.
        let shared = locked.file().try_clone().unwrap();
        drop(locked);
        assert!(!is_locked(&path));
        drop(shared);
    }

    #[test]
    fn a_fork_that_lets_go_of_a_file_leaves_it_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (locked, _) = Locked::open(&path).unwrap();
        let fork = Locked {
            file: locked.file().try_clone().unwrap(),
            process: process::id() + 1,
        };
        drop(fork);
        assert!(is_locked(&path));
        drop(locked);
        assert!(!is_locked(&path));
    }

    #[test]
    fn a_file_that_was_moved_is_not_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let (locked, _) = Locked::open(&path).unwrap();
        assert!(locked.is_at(&path).unwrap());
        fs::rename(&path, folder.path().join("moved")).unwrap();
        assert!(!locked.is_at(&path).unwrap());
        fs::write(&path, "somebody else's").unwrap();
        assert!(!locked.is_at(&path).unwrap());
    }
}
