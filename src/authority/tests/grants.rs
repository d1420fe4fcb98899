//! Tests of the register of capabilities: limits, expiry, order of changes, and what is forgotten.

use std::sync::mpsc::channel;
use std::time::Duration;
use std::{fs, thread};

use super::*;
use crate::authority::admission::CachedVerdict;
use crate::kernel::Command;
use crate::observe::audit::{AuditLog, Options};
use crate::support::failpoints::{Step, stop};
use crate::{Bus, MessageBus};

fn grants() -> Arc<Grants> {
    Arc::new(Grants::new(GrantLimits::default(), Waking::default()))
}

fn grant(grants: &Grants, capability: &Capability) {
    grants
        .grant(Grant::new(capability), &Notices::new(Vec::new()))
        .unwrap();
}

#[test]
fn a_handle_follows_its_capability_through_grant_revoke_and_grant_again() {
    let grants = grants();
    let write = Capability::new("log:write");
    let handle = grants.handle(write.clone(), "logger");
    assert!(!handle.admission().is_granted());
    for _ in 0..2 {
        grant(&grants, &write);
        assert!(handle.admission().is_granted());
        grants.revoke(&write, &Notices::new(Vec::new()));
        assert!(!handle.admission().is_granted());
    }
}

#[test]
fn nothing_is_kept_of_a_capability_that_is_neither_granted_nor_held() {
    let grants = grants();
    for index in 0..1_000 {
        let capability = Capability::new(format!("capability:{index}"));
        grant(&grants, &capability);
        grants.revoke(&capability, &Notices::new(Vec::new()));
        let (first, second) = (
            grants.handle(capability.clone(), "logger"),
            grants.handle(capability.clone(), "logger"),
        );
        grant(&grants, &capability);
        grants.revoke(&capability, &Notices::new(Vec::new()));
        drop((first, second));
    }
    assert_eq!(grants.known.len(), 0);
    assert_eq!(grants.granted.load(Ordering::Relaxed), 0);
}

#[test]
fn nothing_is_kept_of_an_expiry_that_another_has_replaced_or_a_revoke_has_ended() {
    let grants = grants();
    let write = Capability::new("log:write");
    let expiring = |seconds| Grant::new(&write).expires_in(Duration::from_secs(seconds));
    for seconds in 1_000..1_100 {
        grants
            .grant(expiring(seconds), &Notices::new(Vec::new()))
            .unwrap();
        assert_eq!(grants.expiries.len(), 1);
    }
    grant(&grants, &write);
    assert_eq!(grants.expiries.len(), 0);
    grants
        .grant(expiring(1_000), &Notices::new(Vec::new()))
        .unwrap();
    grants.revoke(&write, &Notices::new(Vec::new()));
    assert_eq!(grants.expiries.len(), 0);
}

/// To look at all capabilities takes the lock of every shard.
#[test]
fn at_the_limit_a_grant_looks_at_none_but_itself_and_one_that_has_expired() {
    const LIMIT: usize = 500;
    let limits = GrantLimits {
        grants: LIMIT,
        ..GrantLimits::default()
    };
    let grants = Arc::new(Grants::new(limits, Waking::default()));
    let notices = Notices::new(Vec::new());
    let locked = Capability::new("locked");
    grant(&grants, &locked);
    let lock = grants.known.get_mut(&locked).unwrap();
    // A name in the locked shard is of no use here: to look it up would block.
    let mut names = (0..)
        .map(|index| Capability::new(format!("capability:{index}")))
        .filter(|name| !grants.known.try_get(name).is_locked());
    let mut name = || names.next().unwrap();
    let (renewed, expired) = (name(), name());
    grant(&grants, &renewed);
    let past = Grant::new(&expired).expires_at(Instant::now());
    grants.grant(past, &notices).unwrap();
    for _ in 3..LIMIT {
        grant(&grants, &name());
    }
    let (late, later) = (name(), name());
    let hour = Duration::from_hours(1);
    thread::scope(|scope| {
        let (done, is_done) = channel();
        let (grants, notices) = (&grants, &notices);
        scope.spawn(move || {
            let outcomes = [
                Grant::new(&renewed),
                Grant::new(&renewed).expires_in(hour),
                Grant::new(late), // in the place of the grant that has expired
                Grant::new(later),
            ]
            .map(|grant| grants.grant(grant, notices));
            done.send(outcomes).unwrap();
        });
        let outcomes = is_done.recv_timeout(Duration::from_secs(20));
        drop(lock); // so that the thread ends in any case
        let too_many = Err(GrantError::TooMany { limit: LIMIT });
        assert_eq!(outcomes, Ok([Ok(()), Ok(()), Ok(()), too_many]));
        assert!(grants.find(&expired).is_none(), "nothing is kept of it");
    });
}

#[test]
fn a_granted_capability_outlives_its_handles() {
    let grants = grants();
    let write = Capability::new("log:write");
    grant(&grants, &write);
    drop(grants.handle(write.clone(), "logger"));
    assert!(grants.find(&write).unwrap().is_granted());
}

#[test]
fn a_capability_that_is_revoked_while_somebody_publishes_by_its_name_is_forgotten_by_that_publish()
{
    let bus = Bus::<Revokes>::new();
    let write = Capability::new("log:write");
    bus.grant(Grant::new(&write).patterns([">"])).unwrap();
    let message = Revokes(bus.clone(), write.clone());
    bus.publish_by_name(Envelope::new("logger", message), &write)
        .unwrap();
    assert_eq!(bus.core.grants.known.len(), 0);
}

/// Revokes when it is asked for its subject, and finds itself still in flight.
struct Revokes(Bus<Revokes>, Capability);

impl Payload for Revokes {
    fn subject(&self) -> crate::Subject<'_> {
        let error = self.0.revoke_and_drain(&self.1, Duration::ZERO);
        assert_eq!(error, Err(RevokeError::TimedOut { in_flight: 1 }));
        assert_eq!(self.0.core.grants.known.len(), 1, "another may wait for it");
        crate::Subject::new(["revokes"])
    }
}

/// What an audit log says was done while one thread was in the midst of changing a capability.
fn recorded(
    step: Step,
    change: impl FnOnce(&MessageBus) + Send + 'static,
    meanwhile: impl FnOnce(&MessageBus),
) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let stopped = stop(step, 1, {
        let bus = bus.clone();
        move || change(&bus)
    });
    meanwhile(&bus);
    stopped.release();
    log.close().unwrap();
    (fs::read_to_string(&path).unwrap().lines())
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["event"].as_str().unwrap_or("envelope").to_owned()
        })
        .collect()
}

#[test]
fn a_grant_and_a_revoke_that_race_are_recorded_in_the_order_in_which_they_came_about() {
    let write = || Capability::new("log:write");
    let records = recorded(
        Step::Announced,
        move |bus| bus.grant(write()).unwrap(),
        |bus| bus.revoke_capability(&write()),
    );
    assert_eq!(records, ["opened", "granted", "revoked", "ended"]);
    let records = recorded(
        Step::Changed,
        move |bus| bus.revoke_capability(&write()),
        |bus| {
            bus.grant(write()).unwrap();
            bus.revoke_and_drain(write(), Duration::ZERO).unwrap();
        },
    );
    assert_eq!(
        records,
        [
            "opened", "revoked", "granted", "revoked", "drained", "ended"
        ]
    );
}

#[test]
fn what_a_grant_lets_pass_is_recorded_after_it_though_its_granter_goes_no_further() {
    let write = || Capability::new("log:write");
    let records = recorded(
        Step::Changed,
        move |bus| bus.grant(write()).unwrap(),
        |bus| {
            let logger = bus.publisher("logger", write());
            logger.publish(Command::Ping).unwrap();
        },
    );
    assert_eq!(records, ["opened", "granted", "envelope", "ended"]);
}

#[test]
fn a_grant_that_is_overtaken_does_not_undo_what_came_after_it() {
    let write = || Capability::new("log:write");
    let bus = MessageBus::builder().max_grants(1).build();
    let logger = bus.publisher("logger", write());
    let slowly = || {
        let bus = bus.clone();
        stop(Step::Announced, 1, move || bus.grant(write()).unwrap())
    };
    let stopped = slowly();
    assert!(!bus.is_granted(write()));
    assert!(
        bus.grant(Grant::new("other")).is_err(),
        "its place is taken"
    );
    bus.revoke_and_drain(write(), Duration::ZERO).unwrap();
    stopped.release();
    assert!(logger.publish(Command::Ping).is_err());

    let stopped = slowly();
    bus.grant(Grant::new(write()).patterns([""; 0])).unwrap();
    stopped.release();
    let error = logger.publish(Command::Ping).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Subject));
    assert!(
        bus.grant(Grant::new("other")).is_err(),
        "that place is taken"
    );

    // A grant that has returned counts, although another thread is about to grant something else.
    let stopped = slowly();
    bus.revoke(write());
    bus.grant(write()).unwrap();
    assert!(logger.publish(Command::Ping).is_ok());
    stopped.release();
    assert!(logger.publish(Command::Ping).is_ok());
    bus.revoke(write());
    bus.grant(Grant::new("other")).unwrap();
}

#[test]
fn what_is_refused_is_recorded_after_the_revoke_that_it_is_refused_for() {
    let write = || Capability::new("log:write");
    let records = recorded(
        Step::Changed,
        move |bus| bus.revoke_capability(&write()),
        |bus| {
            let logger = bus.publisher("logger", write());
            assert!(logger.publish(Command::Ping).is_err());
        },
    );
    assert_eq!(records, ["opened", "revoked", "denied", "ended"]);
}

#[test]
fn what_was_not_recorded_when_a_log_ended_is_in_no_other_log() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, first, Options::new()).unwrap();
    let stopped = stop(Step::Announced, 1, {
        let bus = bus.clone();
        move || bus.grant("log:write").unwrap()
    });
    log.close().unwrap();
    stopped.release();
    let log = AuditLog::start(&bus, &second, Options::new()).unwrap();
    bus.grant("log:read").unwrap();
    log.close().unwrap();
    let text = fs::read_to_string(second).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(!text.contains("log:write"), "{text}");
}

#[test]
fn what_is_refused_under_a_capability_that_another_has_just_forgotten_is_counted_all_the_same() {
    let bus = MessageBus::new();
    let mut advisories = bus.advisories();
    let write = Capability::new("log:write");
    bus.grant(Grant::new(&write).patterns([""; 0])).unwrap();
    let envelope = || Envelope::new("logger", Command::Ping.into());
    for _ in 0..50 {
        assert!(bus.publish_with_capability(envelope(), &write).is_err());
    }
    let by_name = bus.core.grants.by_name(&write);
    bus.revoke(&write);
    assert_eq!(bus.core.grants.known.len(), 0);
    for _ in 0..50 {
        assert!(
            by_name
                .enter(&bus.core, &envelope(), &mut CachedVerdict::default())
                .is_err()
        );
    }
    drop(by_name);
    bus.core.grants.tell_all_suppressed(&bus.core.notices);
    let told = advisories
        .try_iter()
        .flatten()
        .map(|told| match told.message {
            Advisory::Denied { suppressed, .. } => 1 + suppressed,
            Advisory::Suppressed { count, .. } => count,
            _ => 0,
        });
    assert_eq!(told.sum::<u64>(), 100);
    assert_eq!(bus.stats().denied, 100);
}

#[test]
fn a_trusted_handle_asks_beyond_the_quota_of_a_capability_and_is_not_in_the_map() {
    let limits = GrantLimits {
        requests: 0,
        ..GrantLimits::default()
    };
    let grants = Arc::new(Grants::new(limits, Waking::default()));
    let held = grants.handle("ask".into(), "client");
    assert_eq!(held.ask().err(), Some(0));
    let trusted = grants.trusted();
    assert!(trusted.ask().is_ok());
    assert_eq!(grants.known.len(), 1, "the one that has a name");
    drop((held, trusted));
    assert_eq!(grants.known.len(), 0);
}
