//! What comes from many origins.

use tokio::time::Instant;

use super::*;
use crate::link::frames::frame::Frame;
use crate::link::frames::wire::read_heading;

const PATIENCE: GapPatience = GapPatience {
    ask_again: Duration::from_millis(20),
    give_up: Duration::from_millis(500),
    held: 4096,
    held_bytes: 20_000,
};

fn origins() -> (Origins, Instant) {
    (
        Origins::new(PATIENCE, vec!["ob.*.>".to_owned()]),
        Instant::now(),
    )
}

/// A frame of about 1,000 bytes.
fn arrive(origins: &mut Origins, origin: &str, incarnation: u64, sequence: u64, now: Instant) {
    let id = "01a22648-0024-7f9e-b2f5-51154ec6280d";
    let heading = format!("1 {incarnation:016x} {sequence} {id} 2026-11-29T07:49:42Z test");
    let subject = format!("ob.{origin}.a");
    let frame = Frame::with_headers(&subject, [("Ob", heading)], vec![0; 700]);
    let heading = read_heading(&frame).unwrap();
    let at = now;
    let arrived = Arrived { heading, frame, at };
    origins.arrive(origin, arrived, now);
}

fn begin(origins: &mut Origins, origin: &str, incarnation: u64, now: Instant) {
    origins.listen(now);
    let mark = Mark {
        incarnation,
        first: 1,
        last: 0,
        age: 0,
        exports: vec![">".to_owned()],
    };
    origins.mark(origin, &mark, now + Duration::from_millis(1));
}

fn figures(origins: &Origins, origin: &str) -> (u64, u64, u64) {
    let stats = origins.stats();
    let stats = stats.iter().find(|it| &*it.origin == origin).unwrap();
    (stats.held, stats.queued, stats.missed)
}

#[test]
fn an_origin_that_makes_much_wait_gives_way_and_others_keep_their_place() {
    let (mut origins, now) = origins();
    begin(&mut origins, "modest", 1, now);
    begin(&mut origins, "greedy", 1, now);
    arrive(&mut origins, "modest", 1, 2, now);
    for sequence in 2..=100 {
        arrive(&mut origins, "greedy", 1, 2 * sequence, now);
    }
    arrive(&mut origins, "modest", 1, 3, now);
    assert_eq!(figures(&origins, "modest"), (2, 0, 0));
    let (held, queued, missed) = figures(&origins, "greedy");
    assert!(held > 5 && held < 25, "{held} are held");
    assert_eq!((held + queued, missed), (99, queued + 2));
    arrive(&mut origins, "modest", 1, 1, now);
    assert_eq!(figures(&origins, "modest"), (0, 3, 0));
}

#[test]
fn of_too_many_origins_the_one_that_is_idle_longest_is_forgotten_and_what_it_held_is_published() {
    let (mut origins, start) = origins();
    begin(&mut origins, "origin-0", 1, start);
    arrive(&mut origins, "origin-0", 1, 2, start);
    for number in 1..MAX_ORIGINS as u64 {
        let now = start + Duration::from_millis(number);
        begin(&mut origins, &format!("origin-{number}"), 1, now);
    }
    let now = start + Duration::from_secs(2);
    arrive(&mut origins, "origin-1", 1, 1, now);
    assert_eq!(origins.forgotten(), 0);
    for number in 0..2 {
        begin(&mut origins, &format!("new-{number}"), 1, now);
    }
    assert_eq!(
        (origins.forgotten(), origins.stats().len()),
        (2, MAX_ORIGINS)
    );
    let known = |name: &str| origins.stats().iter().any(|it| &*it.origin == name);
    assert!(!known("origin-0") && known("origin-1") && !known("origin-2") && known("new-1"));
    assert_eq!(origins.held_bytes, 0);
    let told: Vec<_> = std::iter::from_fn(|| origins.pop()).collect();
    assert!(matches!(told[1].what, Handed::Missed(1)), "{told:?}");
    assert!(matches!(told[2].what, Handed::Frame(_)), "{told:?}");
}

#[test]
fn of_too_many_lives_the_one_that_is_idle_longest_is_given_up_and_what_it_held_is_published() {
    let (mut origins, now) = origins();
    for life in 1..=4 {
        begin(&mut origins, "north", life, now);
        arrive(&mut origins, "north", life, 2, now);
    }
    arrive(&mut origins, "north", 1, 3, now + Duration::from_secs(1));
    assert_eq!(figures(&origins, "north"), (5, 0, 0));
    begin(&mut origins, "north", 5, now + Duration::from_secs(2));
    assert_eq!(figures(&origins, "north"), (4, 1, 1));
    arrive(&mut origins, "north", 1, 1, now + Duration::from_secs(3));
    assert_eq!(figures(&origins, "north"), (2, 4, 1));
}

#[test]
fn tombstones_that_wait_take_room_as_well() {
    let (mut origins, now) = origins();
    for number in 0..10 {
        let origin = format!("greedy-{number}");
        begin(&mut origins, &origin, 1, now);
        for sequence in 2..=100 {
            let tombstone = Tombstone {
                incarnation: 1,
                sequence,
            };
            origins.bury(&origin, tombstone, now);
        }
    }
    let held: u64 = origins.stats().iter().map(|it| it.held).sum();
    assert!(held < 200, "{held} are held");
}

#[test]
fn what_a_life_that_is_given_up_has_sent_and_did_not_come_is_told() {
    let (mut origins, now) = origins();
    for life in 1..=4 {
        begin(&mut origins, "north", life, now);
    }
    let mark = Mark {
        incarnation: 1,
        first: 1,
        last: 3,
        age: 0,
        exports: vec![">".to_owned()],
    };
    origins.mark("north", &mark, now + Duration::from_millis(1));
    for life in 2..=5 {
        begin(&mut origins, "north", life, now + Duration::from_secs(1));
    }
    assert_eq!(figures(&origins, "north"), (0, 0, 3));
    let told = origins.pop().map(|it| it.what);
    assert!(matches!(told, Some(Handed::Missed(3))), "{told:?}");
}

#[test]
fn a_mark_that_was_long_on_its_way_does_not_make_an_exporter_younger() {
    let seconds = Duration::from_secs;
    for is_younger in [false, true] {
        let (mut origins, start) = origins();
        origins.listen(start);
        // It began a second before the importer listened, or a second after it; the marks say how old it is.
        let age = |at: u64| 1_000 * if is_younger { at - 1 } else { at + 1 };
        let mut mark = |sent: u64, came: Duration| {
            let mark = Mark {
                incarnation: 1,
                first: 1,
                last: 3,
                age: age(sent),
                exports: vec![">".to_owned()],
            };
            origins.mark("north", &mark, start + came)
        };
        let asks_anew = Some(Want {
            incarnation: 1,
            gaps: Vec::new(),
        });
        assert_eq!(mark(2, seconds(7)), asks_anew, "sent at 2 s, came at 7 s");
        assert_eq!(mark(3, seconds(7)), asks_anew, "it was on its way for 4 s");
        let fresh = mark(8, seconds(8));
        if is_younger {
            assert_eq!(fresh, asks_anew);
            let all = mark(9, seconds(9)).map(|it| it.gaps);
            assert_eq!(all, Some(vec![(1, 3)]));
        } else {
            assert_eq!((fresh, figures(&origins, "north")), (None, (0, 0, 0)));
        }
    }
}
