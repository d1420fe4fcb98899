//! What comes from one life of an exporter, step by step.

use std::time::Duration;

use tokio::time::Instant;

use crate::link::frames::control::{MAX_SEQUENCE, Mark};
use crate::link::inbound::arrival::{Arrival, Handed};
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::inbound::incoming::Incoming;

const PATIENCE: GapPatience = GapPatience {
    ask_again: Duration::from_millis(20),
    give_up: Duration::from_millis(500),
    held: 4096,
    held_bytes: 1 << 20,
};

fn a_mark(first: u64, last: u64) -> Mark {
    Mark {
        incarnation: 1,
        first,
        last,
        age: 0,
        exports: Vec::new(),
    }
}

fn importer() -> (Incoming<u64>, Instant) {
    (Incoming::new(PATIENCE, Instant::now()), Instant::now())
}

#[test]
fn one_that_comes_late_begins_after_what_was_sent_before() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 10), true, false, now, &mut |item| {
        told.push(item);
    });
    assert_eq!(
        incoming.arrive(7, 7, 1, now, &mut |item| told.push(item)),
        Arrival::Early
    );
    assert_eq!(
        incoming.arrive(11, 11, 1, now, &mut |item| told.push(item)),
        Arrival::Taken
    );
    assert_eq!(told, [Handed::Frame(11)]);
}

#[test]
fn one_that_listened_before_is_told_what_it_missed_at_the_start() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.arrive(5, 5, 1, now, &mut |item| told.push(item));
    assert_eq!(incoming.ask(now, 4096), Some(vec![]));
    incoming.mark(&a_mark(3, 5), true, true, now, &mut |item| told.push(item));
    assert_eq!(told, [Handed::Missed(2)]);
    assert_eq!(incoming.ask(now, 4096), Some(vec![(3, 4)]));
}

#[test]
fn gaps_say_nothing_where_not_all_is_imported() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 0), false, true, now, &mut |item| told.push(item));
    for sequence in [2, 9, 9, 5] {
        incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
    }
    assert_eq!(told, [2, 9, 5].map(Handed::Frame));
    assert_eq!((incoming.duplicates, incoming.untracked()), (1, 6));
    assert_eq!((incoming.ask(now, 4096), incoming.deadline()), (None, None));
}

#[test]
fn what_could_not_be_taken_is_told_once_before_the_next_frame_where_gaps_say_nothing() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 0), false, true, now, &mut |item| told.push(item));
    for sequence in [1, 2, 2, 4] {
        incoming.pass_over(sequence, now);
    }
    incoming.arrive(6, 6, 1, now, &mut |item| told.push(item));
    assert_eq!(told, [Handed::Missed(3), Handed::Frame(6)]);
    assert_eq!((incoming.missed, incoming.untracked()), (3, 2));
}

#[test]
fn a_number_that_jumps_is_refused_and_nothing_overflows() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 0), true, true, now, &mut |item| told.push(item));
    for sequence in [u64::MAX, u64::MAX - 1, MAX_SEQUENCE + 1, 1 << 40] {
        let arrival = incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
        assert_eq!(arrival, Arrival::TooFar);
    }
    incoming.arrive(1, 1, 1, now, &mut |item| told.push(item));
    assert_eq!(told, [Handed::Frame(1)]);
    incoming.mark(
        &a_mark(MAX_SEQUENCE, MAX_SEQUENCE),
        true,
        true,
        now,
        &mut |item| told.push(item),
    );
    assert_eq!(told.last(), Some(&Handed::Missed(MAX_SEQUENCE - 2)));
}

#[test]
fn what_waits_for_earlier_frames_is_bounded() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 0), true, true, now, &mut |item| told.push(item));
    let held = PATIENCE.held as u64;
    for sequence in 2..=held + 2 {
        assert!(told.is_empty());
        incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
    }
    assert_eq!(told.len() as u64, held + 2);
    assert_eq!(told[..2], [Handed::Missed(1), Handed::Frame(2)]);
}

/// Frames 5 and 7 come, and no mark: the importer waits in vain, and then hands them on.
fn begun_without_a_mark() -> (Incoming<u64>, Instant, Vec<Handed<u64>>) {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    for sequence in [5, 7] {
        incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
    }
    let now = now + PATIENCE.give_up_away();
    incoming.tick(now, &mut |item| told.push(item));
    assert_eq!(told, [5, 7].map(Handed::Frame));
    assert_eq!(incoming.ask(now, 10), Some(vec![]), "a mark is asked for");
    incoming.arrive(10, 10, 1, now, &mut |item| told.push(item));
    assert_eq!(told.pop(), Some(Handed::Frame(10)));
    assert_eq!((incoming.missed, incoming.untracked()), (0, 3));
    (incoming, now, Vec::new())
}

#[test]
fn until_a_mark_says_what_is_exported_nothing_is_told_as_missed() {
    let (mut incoming, now, mut told) = begun_without_a_mark();
    incoming.mark(&a_mark(1, 12), false, false, now, &mut |item| {
        told.push(item);
    });
    incoming.arrive(13, 13, 1, now, &mut |item| told.push(item));
    assert_eq!(told, [Handed::Frame(13)]);
    assert_eq!((incoming.missed, incoming.untracked()), (0, 5));
}

#[test]
fn a_mark_that_says_that_all_is_imported_makes_gaps_before_it_losses() {
    let (mut incoming, now, mut told) = begun_without_a_mark();
    incoming.mark(&a_mark(1, 12), true, false, now, &mut |item| {
        told.push(item);
    });
    assert_eq!(told, [Handed::Missed(3)]);
    assert_eq!(incoming.ask(now, 10), Some(vec![(11, 12)]));
    for sequence in [12, 11, 6] {
        incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
    }
    assert_eq!(told[1..], [11, 12].map(Handed::Frame));
    let figures = (incoming.missed, incoming.duplicates, incoming.untracked());
    assert_eq!(figures, (3, 1, 0));
}

#[test]
fn each_mark_says_anew_whether_all_is_imported() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 0), true, true, now, &mut |item| told.push(item));
    incoming.arrive(2, 2, 1, now, &mut |item| told.push(item));
    assert_eq!(told, []);
    incoming.mark(&a_mark(1, 2), false, true, now, &mut |item| told.push(item));
    assert_eq!(told, [Handed::Frame(2)]);
    assert_eq!((incoming.missed, incoming.untracked()), (0, 1));
    incoming.mark(&a_mark(1, 2), true, true, now, &mut |item| told.push(item));
    assert_eq!(told[1..], [Handed::Missed(1)]);
}

#[test]
fn it_asks_only_for_what_there_is_room_for_and_for_more_once_that_has_come() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 100), true, true, now, &mut |item| {
        told.push(item);
    });
    assert_eq!(incoming.ask(now, 3), Some(vec![(1, 3)]));
    for sequence in [1, 2] {
        incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
        assert_eq!(incoming.ask(now, 3), None);
    }
    incoming.arrive(3, 3, 1, now, &mut |item| told.push(item));
    assert_eq!(incoming.ask(now, 50), Some(vec![(4, 53)]));
}

#[test]
fn a_tombstone_is_told_as_missed_in_its_place_and_says_nothing_where_gaps_say_nothing() {
    for covers in [true, false] {
        let (mut incoming, now) = importer();
        let mut told = Vec::new();
        incoming.mark(&a_mark(1, 0), covers, true, now, &mut |item| {
            told.push(item);
        });
        incoming.bury(2, now, &mut |item| told.push(item));
        assert_eq!(told, []);
        incoming.arrive(1, 1, 1, now, &mut |item| told.push(item));
        incoming.arrive(2, 2, 1, now, &mut |item| told.push(item));
        let second = if covers {
            Handed::Missed(1)
        } else {
            Handed::Frame(2)
        };
        assert_eq!(told, [Handed::Frame(1), second]);
    }
}

#[test]
fn after_its_end_it_takes_only_what_it_knew_of() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.mark(&a_mark(1, 2), true, true, now, &mut |item| told.push(item));
    incoming.close();
    assert_eq!(incoming.awaited(), 2);
    let arrival = incoming.arrive(3, 3, 1, now, &mut |item| told.push(item));
    assert_eq!(arrival, Arrival::Late);
    incoming.mark(&a_mark(9, 9), true, true, now, &mut |item| told.push(item));
    assert_eq!((incoming.awaited(), told), (0, vec![Handed::Missed(2)]));
}

#[test]
fn what_could_not_be_taken_before_the_first_mark_is_asked_for_after_it() {
    let (mut incoming, now) = importer();
    let mut told = Vec::new();
    incoming.pass_over(7, now);
    incoming.pass_over(6, now);
    incoming.mark(&a_mark(1, 8), true, false, now, &mut |item| told.push(item));
    let now = now + PATIENCE.ask_again;
    assert_eq!(incoming.ask(now, 10), Some(vec![(6, 8)]));
    for sequence in [6, 7, 8] {
        incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
    }
    assert_eq!(told, [6, 7, 8].map(Handed::Frame));
}

#[test]
fn one_that_comes_late_takes_what_comes_before_the_first_mark_however_high_its_number() {
    for covers in [true, false] {
        let (mut incoming, now) = importer();
        let mut told = Vec::new();
        let (sent, forged) = (1 << 40, 1 << 50);
        for sequence in [sent, forged] {
            let arrival = incoming.arrive(sequence, sequence, 1, now, &mut |item| told.push(item));
            assert_eq!(arrival, Arrival::Taken);
        }
        assert_eq!(incoming.ask(now, 10), Some(vec![]), "a mark is asked for");
        let mark = a_mark(sent - 9, sent);
        incoming.mark(&mark, covers, false, now, &mut |item| told.push(item));
        assert_eq!(told, [Handed::Missed(1), Handed::Frame(sent)]);
        incoming.arrive(sent + 1, 7, 1, now, &mut |item| told.push(item));
        assert_eq!(told[2..], [Handed::Frame(7)]);
        assert_eq!((incoming.waits(), incoming.held().len()), (false, 0));
    }
}

#[test]
fn a_gap_behind_one_that_is_given_up_is_waited_for_as_long() {
    let (mut incoming, start) = importer();
    let mut told = Vec::new();
    let mut out = |item| told.push(item);
    incoming.mark(&a_mark(1, 0), true, true, start, &mut out);
    incoming.arrive(2, 2, 1, start, &mut out);
    let later = start + PATIENCE.give_up - Duration::from_millis(10);
    incoming.arrive(4, 4, 1, later, &mut out);
    for now in [start + PATIENCE.give_up, later + PATIENCE.ask_again] {
        incoming.tick(now, &mut out);
    }
    assert_eq!((incoming.missed, incoming.held().len()), (1, 1));
    incoming.mark(
        &a_mark(1, 4),
        true,
        true,
        later + PATIENCE.give_up,
        &mut out,
    );
    incoming.tick(later + PATIENCE.give_up, &mut out);
    assert_eq!((incoming.missed, incoming.held().len()), (2, 0));
}

#[test]
fn after_a_cut_a_number_that_jumps_is_put_off_until_a_mark_says_how_far_the_exporter_is() {
    for covers in [true, false] {
        let (mut incoming, now) = importer();
        let mut told = Vec::new();
        let mut out = |item| told.push(item);
        incoming.mark(&a_mark(1, 0), covers, true, now, &mut out);
        incoming.arrive(1, 1, 1, now, &mut out);
        incoming.doubt();
        let far = 1 << 30;
        let arrival = incoming.arrive(far, far, 1, now, &mut out);
        let (put_off, asked) = if covers {
            (Arrival::PutOff, Some(vec![(far - 1, far)]))
        } else {
            (Arrival::Taken, None)
        };
        assert_eq!(arrival, put_off);
        assert_eq!(incoming.ask(now, 10), Some(vec![]), "a mark is asked for");
        incoming.mark(&a_mark(far - 1, far), covers, true, now, &mut out);
        assert_eq!(incoming.ask(now, 10), asked);
        let jump = 1 << 40;
        let arrival = incoming.arrive(jump, jump, 1, now, &mut out);
        assert_eq!(arrival, Arrival::TooFar);
        let expected = if covers {
            [Handed::Frame(1), Handed::Missed(far - 3)]
        } else {
            [Handed::Frame(1), Handed::Frame(far)]
        };
        assert_eq!(told, expected);
    }
}
