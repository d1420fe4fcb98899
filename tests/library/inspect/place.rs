//! The socket: its permissions, and what was at its path before.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use oxide_bus::Bus;
use oxide_bus::inspect::{InspectError, LookError, look};
use tempfile::TempDir;

use super::Inspected;

#[test]
fn only_the_owner_may_connect_and_nothing_else_is_left_in_the_folder() {
    let it = Inspected::new();
    let mode = fs::metadata(it.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = fs::read_dir(it.folder.path()).unwrap().count();
    assert_eq!(files, 1);
}

#[test]
fn dropping_the_handle_removes_the_socket() {
    let Inspected {
        bus,
        inspection,
        folder,
    } = Inspected::new();
    let path = inspection.path().to_owned();
    drop(inspection);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(matches!(look(&path), Err(LookError::Gone { .. })));
    let again = bus.serve_inspection(&path).unwrap();
    assert!(look(again.path()).is_ok());
}

#[test]
fn dropping_the_handle_leaves_a_file_that_has_taken_its_place() {
    let it = Inspected::new();
    let path = it.path();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "something else").unwrap();
    drop(it.inspection);
    assert_eq!(fs::read_to_string(&path).unwrap(), "something else");
}

#[test]
fn a_socket_that_nobody_listens_at_is_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bus.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(look(&path), Err(LookError::Gone { .. })));
    let bus = Bus::<u32>::new();
    let _inspection = bus.serve_inspection(&path).unwrap();
    assert!(look(&path).is_ok());
}

#[test]
fn a_live_socket_is_left_to_its_program() {
    let it = Inspected::new();
    let refused = Bus::<u32>::new().serve_inspection(it.path()).unwrap_err();
    assert!(matches!(&refused, InspectError::InUse { path } if *path == it.path()));
    assert!(look(it.path()).is_ok());
    assert_eq!(fs::read_dir(it.folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let (file, inner) = (folder.path().join("file"), folder.path().join("inner"));
    let link = folder.path().join("link");
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&inner).unwrap();
    symlink("nowhere", &link).unwrap();
    for path in [&file, &inner, &link] {
        let refused = Bus::<u32>::new().serve_inspection(path).unwrap_err();
        assert!(
            matches!(refused, InspectError::NoSocket { .. }),
            "{refused}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(inner.is_dir() && link.is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_folder_that_is_missing_and_a_path_that_is_too_long_are_errors_with_the_path() {
    let folder = TempDir::new().unwrap();
    for path in [
        folder.path().join("none/bus.sock"),
        folder.path().join("x".repeat(200)),
    ] {
        let refused = Bus::<u32>::new().serve_inspection(&path);
        let Err(InspectError::Io { path: told, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(told, path);
    }
}
