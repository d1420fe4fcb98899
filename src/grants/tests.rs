use std::time::Duration;

use super::*;

fn grants() -> Arc<Grants> {
    Arc::default()
}

fn grant(grants: &Grants, capability: &Capability) {
    grants.grant(Grant::new(capability)).unwrap();
}

#[test]
fn a_handle_follows_its_capability_through_grant_revoke_and_grant_again() {
    let grants = grants();
    let write = Capability::new("log:write");
    let handle = grants.handle(write.clone());
    assert!(!handle.admission.is_granted());
    for _ in 0..2 {
        grant(&grants, &write);
        assert!(handle.admission.is_granted());
        grants.revoke(&write);
        assert!(!handle.admission.is_granted());
    }
}

#[test]
fn nothing_is_kept_of_a_capability_that_is_neither_granted_nor_held() {
    let grants = grants();
    for index in 0..1_000 {
        let capability = Capability::new(format!("capability:{index}"));
        grant(&grants, &capability);
        grants.revoke(&capability);
        let (first, second) = (
            grants.handle(capability.clone()),
            grants.handle(capability.clone()),
        );
        grant(&grants, &capability);
        grants.revoke(&capability);
        drop((first, second));
    }
    assert_eq!(grants.known.len(), 0);
    assert_eq!(grants.granted.load(Ordering::Relaxed), 0);
}

#[test]
fn a_granted_capability_outlives_its_handles() {
    let grants = grants();
    let write = Capability::new("log:write");
    grant(&grants, &write);
    drop(grants.handle(write.clone()));
    assert!(grants.find(&write).unwrap().is_granted());
}

#[test]
fn a_capability_that_is_revoked_while_somebody_publishes_by_its_name_is_forgotten_by_him() {
    let bus = Bus::<Revokes>::new();
    let write = Capability::new("log:write");
    bus.grant(Grant::new(&write).patterns([">".parse().unwrap()]))
        .unwrap();
    let message = Revokes(bus.clone(), write.clone());
    bus.publish_with_capability(Envelope::new("logger", message), &write)
        .unwrap();
    assert_eq!(bus.core.grants.known.len(), 0);
}

/// Revokes while it is asked for its subject, and finds itself still on the way.
struct Revokes(Bus<Revokes>, Capability);

impl Payload for Revokes {
    fn subject(&self) -> crate::Subject<'_> {
        let error = self.0.revoke_and_drain(&self.1, Duration::ZERO);
        assert_eq!(error, Err(DrainError::TimedOut { in_flight: 1 }));
        assert_eq!(self.0.core.grants.known.len(), 1, "another may wait for it");
        crate::Subject::new(["revokes"])
    }
}
