//! Tests of an audit log that cannot go on: every caller learns why, and nothing is left behind.

use std::fs;

use oxide_bus::MessageBus;
use oxide_bus::audit::{self, AuditLog, Options};
use oxide_bus::kernel::Command;

#[cfg(target_os = "linux")]
#[test]
fn every_caller_of_a_log_with_a_full_disk_learns_that_it_is_full() {
    use std::io::ErrorKind;
    use std::sync::mpsc;
    use std::time::Duration;

    use oxide_bus::audit::{AuditError, Flush};

    let full = |error: &AuditError| error.io_error().kind() == ErrorKind::StorageFull;
    for _ in 0..20 {
        let bus = MessageBus::new();
        let (sender, told) = mpsc::channel();
        let log = crate::support::audited::on_a_full_disk(&bus, || {
            let sender = sender.clone();
            Options::new()
                .sync(false)
                .flush(Flush::Interval(Duration::MAX))
                .on_error(move |error| sender.send(error.clone()).unwrap())
        });
        bus.send_command("kernel", Command::Ping).unwrap();
        std::thread::scope(|scope| {
            let askers = [(); 3].map(|()| {
                scope.spawn(|| {
                    let flushed = log.flush().unwrap_err();
                    (flushed, log.error().expect("it has failed"))
                })
            });
            for asker in askers {
                let (flushed, error) = asker.join().unwrap();
                assert!(full(&flushed), "{flushed:?}");
                assert!(full(&error), "{error:?}");
            }
        });
        assert!(full(&told.recv().unwrap()));
        assert!(full(&log.flush().unwrap_err()));
        assert!(full(&log.close().unwrap_err()));
    }
}

#[test]
fn a_log_that_cannot_put_its_file_aside_leaves_that_file_and_no_other_however_often_it_tries() {
    let folder = tempfile::tempdir().unwrap();
    // The name becomes too long once a number is appended to it.
    let path = folder.path().join("x".repeat(254));
    for tries in 1..=3 {
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, &path, Options::new().rotate_at(500)).unwrap();
        for _ in 0..10 {
            bus.send_command("kernel", Command::Ping).unwrap();
        }
        let failed = log.flush().unwrap_err();
        let closed = log.close().unwrap_err();
        assert_eq!(failed.io_error().kind(), closed.io_error().kind());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let report = audit::verify([&path]).unwrap();
        assert!(report.is_whole(), "{:?}", report.flaws);
        assert_eq!((report.runs, report.unended), (tries, tries));
    }
}
