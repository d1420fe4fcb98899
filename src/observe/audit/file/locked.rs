//! A file under an exclusive lock, so no other log can write to it.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// A locked file. Dropping it releases the lock.
///
/// A program that this process starts shares the lock until `exec`, so closing the file is not enough: `drop` unlocks
/// it.
pub(super) struct Locked(File);

impl Locked {
    /// Opens the file for appending, or creates it. Returns whether it is new.
    pub(super) fn open(path: &Path) -> io::Result<(Self, bool)> {
        loop {
            let (file, is_new) = open_or_create(path)?;
            if let Err(error) = lock(&file) {
                if is_new && error.kind() != io::ErrorKind::ResourceBusy {
                    let _left = fs::remove_file(path);
                }
                return Err(error);
            }
            let locked = Locked(file);
            // Between opening and locking, an earlier log may have renamed or removed the file.
            if locked.is_at(path)? {
                return Ok((locked, is_new));
            }
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.0
    }

    /// Returns whether this is the file at `path`.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(there) => Ok(is_same(&self.0.metadata()?, &there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Write for Locked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Fails if the file system has no locks.
        let _unlocked = self.0.unlock();
    }
}

fn open_or_create(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.append(true).read(true);
    match options.create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        // Either the file exists, or the second try returns the error.
        Err(_) => (options.create_new(false).create(true).open(path)).map(|file| (file, false)),
    }
}

fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let cause = "another log is being written to it";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, cause))
        }
        // The file system has no locks: the log goes on without one.
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
    true // the standard library cannot identify a file there
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
        // A child has this copy between `fork` and `exec`.
        let shared = locked.file().try_clone().unwrap();
        drop(locked);
        assert!(!is_locked(&path));
        drop(shared);
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
