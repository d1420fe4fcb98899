//! The socket of an inspection: a file that only its owner may connect to.
//!
//! A socket gets its permissions after it was bound. So it is bound in a fresh folder that only the owner may enter,
//! and put at its path once nobody else may connect. It is put there as a second name (a hard link). That fails if the
//! path is taken, so no two programs get the same path. Tests: `tests/library/inspect/place.rs`.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::observe::inspect::error::InspectError;

/// The name at which the socket is bound in its own folder.
const BOUND: &str = "s";

/// A socket at its path. Dropping it removes the file, unless another file has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    /// Makes the socket. A dead socket at the path is replaced.
    pub(super) fn bind(path: &Path) -> Result<(SocketFile, UnixListener), InspectError> {
        let failed = |error| InspectError::Io {
            path: path.to_owned(),
            error,
        };
        // The socket is bound at a shorter path. Nobody could connect to a path that is too long.
        SocketAddr::from_pathname(path).map_err(failed)?;
        let folder = PrivateFolder::beside(path).map_err(failed)?;
        let bound = folder.0.join(BOUND);
        let listener = UnixListener::bind(&bound).map_err(failed)?;
        fs::set_permissions(&bound, Permissions::from_mode(0o600)).map_err(failed)?;
        let mut placed = fs::hard_link(&bound, path);
        if placed.as_ref().is_err_and(is_taken) {
            make_way(path, failed)?;
            placed = fs::hard_link(&bound, path);
        }
        placed.map_err(failed)?;
        let identity = identity(path).map_err(failed)?;
        let path = path.to_owned();
        Ok((SocketFile { path, identity }, listener))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|it| it == self.identity) {
            let _gone_anyway = fs::remove_file(&self.path);
        }
    }
}

/// Removes a dead socket. Anything else is left alone.
fn make_way(path: &Path, failed: impl Fn(io::Error) -> InspectError) -> Result<(), InspectError> {
    let file = fs::symlink_metadata(path).map_err(&failed)?;
    let path = path.to_owned();
    if !file.file_type().is_socket() {
        return Err(InspectError::NoSocket { path });
    }
    match UnixStream::connect(&path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(&path).map_err(failed)
        }
        Err(error) => Err(failed(error)),
        Ok(_alive) => Err(InspectError::InUse { path }),
    }
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AlreadyExists
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// A folder that only its owner may enter. Dropping it removes it.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Makes a folder beside this path, so both are in one file system. Its name is short, because the path of a socket
    /// may have only some 100 bytes.
    fn beside(path: &Path) -> io::Result<Self> {
        loop {
            let name = format!(".{:06x}", fastrand::u32(..1 << 24));
            let folder = path.with_file_name(name);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(PrivateFolder(folder)),
                Err(error) if is_taken(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // Removes only what was made here: if others may write to the outer folder, another folder may have taken its
        // place.
        let _was_not_bound = fs::remove_file(self.0.join(BOUND));
        let _is_left = fs::remove_dir(&self.0);
    }
}
