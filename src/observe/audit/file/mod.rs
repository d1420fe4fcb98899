//! The file of a log, and its rotation into numbered files.
//!
//! Rotation never deletes or overwrites a file, and a failed one leaves the log's file where it was. The tests below
//! show it.

mod locked;

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{self, Path, PathBuf};

use self::locked::Locked;

pub(super) struct LogFile {
    path: PathBuf,
    output: BufWriter<Locked>,
    bytes: u64,
    /// Whether the file was created for a log that has not started yet. `drop` removes it if nothing was written.
    is_new: bool,
    rotate_at: Option<u64>,
    sync: bool,
}

/// Returns the absolute path of a file, with the links on the way to its folder resolved. The path stays valid when the
/// program changes its working directory, or when such a link changes.
pub(super) fn settled(path: &Path) -> io::Result<PathBuf> {
    let path = path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok(folder.canonicalize()?.join(name)),
        _ => Ok(path), // this is a folder, which cannot be written
    }
}

impl LogFile {
    /// Opens the file at a [settled](settled()) path, or creates it.
    pub(super) fn open(path: PathBuf, rotate_at: Option<u64>, sync: bool) -> io::Result<Self> {
        let (file, is_new) = Locked::open(&path)?;
        let mut log = LogFile {
            path,
            output: BufWriter::with_capacity(64 * 1024, file),
            bytes: 0,
            is_new,
            rotate_at,
            sync,
        };
        log.end_what_is_torn()?;
        if sync {
            sync_folder(&log.path)?;
        }
        Ok(log)
    }

    /// Ends a line that a crash has torn, so the first new record is a line of its own.
    fn end_what_is_torn(&mut self) -> io::Result<()> {
        let mut file = self.output.get_ref().file();
        self.bytes = file.metadata()?.len();
        if self.bytes > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                self.bytes += 1;
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether flushing waits for the disk.
    pub(super) fn syncs(&self) -> bool {
        self.sync
    }

    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.output.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Returns whether the file is as large as it may be.
    pub(super) fn is_full(&self) -> bool {
        self.rotate_at.is_some_and(|limit| self.bytes >= limit)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()?;
        if self.sync {
            self.output.get_ref().file().sync_data()?;
        }
        Ok(())
    }

    /// Puts the flushed file aside, and begins another. If that fails, no empty file is left, and the old file is where
    /// it was, unless another has taken its place meanwhile.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        let aside = self.take_name()?;
        if let Err(cause) = self.put_aside(&aside) {
            let _left = fs::remove_file(&aside);
            return Err(cause);
        }
        // Fails if the process has too many files open, for example.
        *self = LogFile::open(self.path.clone(), self.rotate_at, self.sync)
            .inspect_err(|_| put_back(&aside, &self.path))?;
        self.is_new = false; // the log has started, so its newest file stays even if nothing follows
        Ok(())
    }

    fn put_aside(&self, aside: &Path) -> io::Result<()> {
        if self.output.get_ref().is_at(&self.path)? {
            fs::rename(&self.path, aside)
        } else {
            Err(io::Error::other("the file was moved or replaced"))
        }
    }

    /// Takes a free name: one more than the greatest number of this log's files. It creates an empty file of that name,
    /// so the rotated file replaces nothing that belongs to somebody else.
    fn take_name(&self) -> io::Result<PathBuf> {
        let mut number = self.greatest_number()?;
        loop {
            number = number.checked_add(1).ok_or(io::ErrorKind::QuotaExceeded)?;
            let mut name = self.path.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{number}"));
            let path = self.path.with_file_name(name);
            match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                taken => return taken.map(|_empty| path),
            }
        }
    }

    fn greatest_number(&self) -> io::Result<u64> {
        // Names need not be text.
        let name = self.path.file_name().unwrap_or_default();
        let mut greatest = 0;
        for entry in fs::read_dir(folder(&self.path))? {
            let other = entry?.file_name();
            let number = (other.as_encoded_bytes())
                .strip_prefix(name.as_encoded_bytes())
                .and_then(|end| str::from_utf8(end.strip_prefix(b".")?).ok()?.parse().ok());
            greatest = greatest.max(number.unwrap_or(0));
        }
        Ok(greatest)
    }
}

impl Drop for LogFile {
    /// Removes a new file without a line: the log could not be started.
    fn drop(&mut self) {
        let is_unused = self.is_new && self.bytes == 0;
        if is_unused && self.output.get_ref().is_at(&self.path).unwrap_or(false) {
            let _left = fs::remove_file(&self.path);
        }
    }
}

/// Gives a file its name back, unless the name is taken: a link, unlike a rename, replaces nothing.
fn put_back(aside: &Path, path: &Path) {
    if fs::hard_link(aside, path).is_ok() {
        let _left = fs::remove_file(aside);
    }
}

fn folder(settled: &Path) -> &Path {
    settled.parent().unwrap_or(settled)
}

/// Syncs the folder of a file, since the file's name is on disk only when the folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(()) // such systems cannot open a folder
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// Returns a file with one line in it, of a log that is to be rotated.
    fn written() -> (TempDir, LogFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = settled(&folder.path().join("audit.jsonl")).unwrap();
        let mut file = LogFile::open(path, Some(1), true).unwrap();
        file.write("a line\n").unwrap();
        file.flush().unwrap();
        (folder, file)
    }

    /// Returns the names in a folder, and the size of each file.
    fn names(folder: &TempDir) -> Vec<(String, u64)> {
        let mut names: Vec<_> = (fs::read_dir(folder.path()).unwrap())
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_put_aside_is_free_for_others_although_a_program_that_starts_shares_it() {
        let (folder, mut file) = written();
        let shared = file.output.get_ref().file().try_clone().unwrap();
        file.rotate().unwrap();
        let aside = File::open(folder.path().join("audit.jsonl.1")).unwrap();
        aside.try_lock().unwrap();
        drop(shared);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_no_more_at_its_place_is_not_put_aside_and_nothing_is_left() {
        let (folder, mut file) = written();
        let path = file.path().to_owned();
        fs::rename(&path, folder.path().join("moved")).unwrap();
        let moved = ("moved".to_owned(), 7);
        for _ in 0..3 {
            assert!(file.rotate().is_err());
            assert_eq!(names(&folder), std::slice::from_ref(&moved));
        }
        fs::write(&path, "somebody else's").unwrap();
        assert!(file.rotate().is_err());
        assert_eq!(names(&folder), [("audit.jsonl".to_owned(), 15), moved]);
    }

    #[test]
    fn a_file_that_was_put_aside_gets_its_name_back_unless_that_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let [aside, path] = ["audit.jsonl.1", "audit.jsonl"].map(|name| folder.path().join(name));
        fs::write(&aside, "a line\n").unwrap();
        put_back(&aside, &path);
        let old = ("audit.jsonl".to_owned(), 7);
        assert_eq!(names(&folder), std::slice::from_ref(&old));
        fs::write(&aside, "a longer line\n").unwrap();
        put_back(&aside, &path);
        assert_eq!(names(&folder), [old, ("audit.jsonl.1".to_owned(), 14)]);
    }

    #[test]
    fn a_log_that_writes_nothing_leaves_no_file_but_one_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = settled(&folder.path().join("audit.jsonl")).unwrap();
        drop(LogFile::open(path.clone(), None, true).unwrap());
        assert_eq!(names(&folder), []);
        fs::write(&path, "").unwrap();
        drop(LogFile::open(path, None, true).unwrap());
        assert_eq!(names(&folder).len(), 1);
    }
}
