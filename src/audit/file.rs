//! The file of a log, and those it was rotated into.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(super) struct LogFile {
    path: PathBuf,
    output: BufWriter<File>,
    bytes: u64,
    rotate_at: Option<u64>,
    sync: bool,
}

impl LogFile {
    pub(super) fn open(path: PathBuf, rotate_at: Option<u64>, sync: bool) -> io::Result<Self> {
        let mut file = (OpenOptions::new().create(true).append(true).read(true)).open(&path)?;
        lock(&file)?;
        let mut bytes = file.metadata()?.len();
        if bytes > 0 {
            // What a crash has torn is a line of its own, so that the first of ours is whole.
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        if sync {
            sync_folder(&path)?;
        }
        Ok(LogFile {
            path,
            output: BufWriter::with_capacity(64 * 1024, file),
            bytes,
            rotate_at,
            sync,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether flushing waits for the disk.
    pub(super) fn syncs(&self) -> bool {
        self.sync
    }

    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.output.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Whether the file is as large as it may be.
    pub(super) fn is_full(&self) -> bool {
        self.rotate_at.is_some_and(|limit| self.bytes >= limit)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()?;
        if self.sync {
            self.output.get_ref().sync_data()?;
        }
        Ok(())
    }

    /// Puts the file, which was flushed, aside, and begins another.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.take_name()?)?;
        *self = LogFile::open(self.path.clone(), self.rotate_at, self.sync)?;
        Ok(())
    }

    /// A name that nobody else has, one more than the greatest number that a file of this log has. There is an empty
    /// file by that name then: so what is put in its place is certainly nobody's.
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

/// Keeps others from writing to the same file, until it is closed.
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

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A file's name is on disk when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(()) // a folder cannot be opened there
}
