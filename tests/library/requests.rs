//! Tests of requests: each caller gets its own answer, and a request without one leaves nothing behind.
//!
//! With `OXIDE_BUS_ALL_REQUESTS` set, each of twenty threads asks ten thousand times instead of a thousand times.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::task::Task;
use allocation_counter::measure;
use oxide_bus::{
    Bus, Delivery, Envelope, Overflow, Payload, Publisher, RecvError, RequestError, Subject,
    SubscribeOptions, Subscription,
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_mins(1);

/// Questions and answers; not `Clone`.
#[derive(Debug, PartialEq)]
enum Talk {
    Ask(u64),
    Answer(u64),
    Panic,
}

impl Payload for Talk {
    fn subject(&self) -> Subject<'_> {
        match self {
            Talk::Ask(_) => Subject::new(["ask"]),
            Talk::Answer(_) => Subject::new(["answer"]),
            Talk::Panic => resume_unwind(Box::new("no subject")),
        }
    }
}

fn ask(number: u64) -> Envelope<Talk> {
    Envelope::new("client", Talk::Ask(number))
}

fn open() -> Bus<Talk> {
    Bus::builder().request_timeout(LONG).build()
}

fn publisher(bus: &Bus<Talk>) -> Publisher<Talk> {
    bus.grant("talk").unwrap();
    bus.publisher("server", "talk")
}

fn asks() -> SubscribeOptions<Talk> {
    SubscribeOptions::new().pattern("ask")
}

/// Answers each question until the bus closes.
fn serve(mut questions: Subscription<Talk>, server: &Publisher<Talk>) {
    for question in questions.iter().flatten() {
        if let Talk::Ask(number) = question.message {
            let answered = server.reply(&question, Talk::Answer(number));
            assert!(answered.is_ok() || answered.unwrap_err().is_closed());
        }
    }
}

fn number(answer: &Delivery<Talk>) -> u64 {
    match answer.message {
        Talk::Answer(number) => number,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn twenty_threads_that_ask_at_once_get_each_its_own_answers() {
    let all = std::env::var_os("OXIDE_BUS_ALL_REQUESTS").is_some();
    let each = if all { 10_000 } else { 1_000 };
    let bus = open();
    let server = publisher(&bus);
    let mut audit = bus
        .subscribe_with(SubscribeOptions::new().capacity(1 << 20))
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            let lossless = Overflow::Block;
            let questions = bus.subscribe_with(asks().overflow(lossless)).unwrap();
            scope.spawn(|| serve(questions, &server));
        }
        let askers: Vec<_> = (0..20)
            .map(|asker| {
                let bus = &bus;
                scope.spawn(move || {
                    for number_of in (0..each).map(|nth| asker * each + nth) {
                        let answer = bus.request("client", Talk::Ask(number_of)).unwrap();
                        assert_eq!(number(&answer), number_of);
                    }
                })
            })
            .collect();
        for asker in askers {
            asker.join().unwrap();
        }
        assert_eq!(bus.stats().pending_requests, 0);
        // Both servers answer each question. The first answer counts, and both are published.
        for _ in 0..20 * each * 3 {
            audit.recv().unwrap();
        }
        bus.close();
    });
}

#[test]
fn the_answer_goes_to_subscribers_too_and_is_one_and_the_same() {
    let bus = open();
    let server = publisher(&bus);
    let questions = bus.subscribe_with(asks()).unwrap();
    let mut audit = bus.subscribe();
    let serving = thread::spawn(move || serve(questions, &server));
    let answer = bus.request("client", Talk::Ask(7)).unwrap();
    assert_eq!(audit.recv().unwrap().message, Talk::Ask(7));
    let audited = audit.recv().unwrap();
    assert!(std::ptr::eq(&raw const *audited, &raw const *answer));
    assert_eq!(audited.sequence(), answer.sequence());
    bus.close();
    serving.join().unwrap();
}

/// The subscribers to answers have left by then, or none of them has room.
#[test]
fn an_answer_that_no_subscriber_gets_reaches_the_caller() {
    for full in [false, true] {
        let bus = open();
        let server = publisher(&bus);
        let mut questions = bus
            .subscribe_with(SubscribeOptions::new().capacity(1))
            .unwrap();
        let asking = {
            let bus = bus.clone();
            Task::start(move || bus.request("client", Talk::Ask(7)).unwrap())
        };
        let question = questions.recv().unwrap();
        let kept = full.then(|| {
            bus.publish(ask(8)).unwrap();
            questions
        });
        let receipt = server.reply(&question, Talk::Answer(7)).unwrap();
        assert_eq!(receipt.delivered(), 0);
        let answer = asking.end();
        assert_eq!(number(&answer), 7);
        assert_eq!(answer.sequence(), bus.stats().published - 1);
        drop(kept);
    }
}

#[test]
fn an_answer_in_a_batch_is_found() {
    for listens in [true, false] {
        let bus = open();
        let mut questions = bus.subscribe();
        let asking = {
            let bus = bus.clone();
            Task::start(move || bus.request("client", Talk::Ask(7)).unwrap())
        };
        let question = questions.recv().unwrap();
        let kept = listens.then_some(questions);
        bus.publish_batch((0..10).map(|number| {
            let envelope = Envelope::new("server", Talk::Answer(number));
            if number == 7 {
                envelope.with_correlation_id(question.id)
            } else {
                envelope
            }
        }))
        .unwrap();
        assert_eq!(number(&asking.end()), 7);
        drop(kept);
    }
}

#[test]
fn the_first_answer_counts_and_a_later_one_disturbs_nobody() {
    let bus = open();
    let server = publisher(&bus);
    let mut questions = bus.subscribe_with(asks()).unwrap();
    let asking = {
        let bus = bus.clone();
        Task::start(move || bus.request("client", Talk::Ask(1)).unwrap())
    };
    let question = questions.recv().unwrap();
    for number in [1, 2] {
        server.reply(&question, Talk::Answer(number)).unwrap();
    }
    assert_eq!(number(&asking.end()), 1);
}

#[test]
fn a_request_fails_at_once_if_nobody_listens_or_nobody_has_room() {
    let bus = open();
    let error = bus.request("client", Talk::Ask(1)).unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error:?}");
    for options in [SubscribeOptions::new(), asks()] {
        let full = bus.subscribe_with(options.capacity(1)).unwrap();
        bus.publish(ask(1)).unwrap();
        let error = bus.request("client", Talk::Ask(1)).unwrap_err();
        assert!(matches!(error, RequestError::Overloaded), "{error:?}");
        drop(full);
    }
}

#[test]
fn a_request_without_an_answer_ends_in_time() {
    let timeout = Duration::from_millis(10);
    let bus = Bus::<Talk>::builder().request_timeout(timeout).build();
    let _listens = bus.subscribe();
    let started = Instant::now();
    let error = bus.request("client", Talk::Ask(1)).unwrap_err();
    assert!(error.is_timed_out());
    assert!(started.elapsed() >= timeout);
}

#[test]
fn a_thread_that_waits_for_an_answer_wakes_when_the_bus_closes() {
    let bus = open();
    let mut questions = bus.subscribe();
    let asking = {
        let bus = bus.clone();
        Task::start(move || bus.request("client", Talk::Ask(1)).unwrap_err())
    };
    questions.recv().unwrap();
    bus.close();
    let error = asking.end();
    assert!(matches!(error, RequestError::Closed), "{error:?}");
    let error = bus.request("client", Talk::Ask(2)).unwrap_err();
    assert!(error.is_closed());
    assert_eq!(error.into_envelope().unwrap().message, Talk::Ask(2));
    assert_eq!(questions.recv().unwrap_err(), RecvError::Disconnected);
}

#[test]
fn a_publisher_asks_under_its_own_name_and_only_while_it_may() {
    let bus = open();
    let mut questions = bus.subscribe_with(asks()).unwrap();
    let client = bus.publisher("client", "ask");
    let error = client.request(Talk::Ask(1)).unwrap_err();
    assert!(
        matches!(&error, RequestError::NotPublished(error) if error.is_denied()),
        "{error}"
    );
    assert_eq!(error.into_envelope().unwrap().message, Talk::Ask(1));
    assert!(questions.is_empty());

    bus.grant("ask").unwrap();
    let server = publisher(&bus);
    let asking = Task::start(move || client.request(Talk::Ask(2)).unwrap());
    let question = questions.recv().unwrap();
    assert_eq!(question.source, "client");
    server.reply(&question, Talk::Answer(2)).unwrap();
    assert_eq!(number(&asking.end()), 2);
}

/// The caller waits as long as the server waits for the full queue.
#[test]
fn an_answer_comes_when_the_blocking_subscribers_have_room_for_it() {
    let bus = open();
    let server = publisher(&bus);
    let mut questions = bus.subscribe_with(asks()).unwrap();
    let lossless = Overflow::Block;
    for options in [
        SubscribeOptions::new(),
        SubscribeOptions::new().pattern("answer"),
    ] {
        let full = bus
            .subscribe_with(options.capacity(1).overflow(lossless))
            .unwrap();
        let asking = {
            let bus = bus.clone();
            Task::start(move || bus.request("client", Talk::Ask(1)).unwrap())
        };
        let question = questions.recv().unwrap();
        if full.is_empty() {
            bus.publish(Envelope::new("server", Talk::Answer(0)))
                .unwrap();
        }
        let answering = {
            let server = server.clone();
            Task::start(move || server.reply(&question, Talk::Answer(1)).unwrap())
        };
        answering.assert_waits();
        asking.assert_waits();
        drop(full);
        answering.end();
        assert_eq!(number(&asking.end()), 1);
    }
}

#[test]
fn requests_that_time_out_find_nobody_or_panic_leave_nothing_behind() {
    let bus = Bus::<Talk>::builder()
        .request_timeout(Duration::ZERO)
        .build();
    let alone = open();
    let mut listens = bus.subscribe_with(asks()).unwrap();
    let mut once = |number| {
        let error = bus.request("client", Talk::Ask(number)).unwrap_err();
        assert!(error.is_timed_out());
        drop(listens.recv().unwrap());
        let error = alone.request("client", Talk::Ask(number)).unwrap_err();
        assert!(matches!(error, RequestError::NoResponders));
        let panics = || bus.request("client", Talk::Panic);
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(bus.stats().pending_requests, 0);
    };
    (0..500).for_each(&mut once); // the tables of pending requests have grown to their size
    let left = measure(|| (0..2_000).for_each(&mut once));
    assert!(left.count_total > 2_000);
    assert!(left.bytes_current <= 4_096, "{left:?}");
}

#[test]
fn a_request_that_is_over_counts_no_more_however_it_has_ended() {
    let bus = Bus::<u32>::builder().max_requests(1).build();
    bus.grant("ask").unwrap();
    let client = bus.publisher("client", "ask");
    for _ in 0..3 {
        let error = client.request_timeout(1, Duration::ZERO).unwrap_err();
        assert!(matches!(error, RequestError::NoResponders));
    }
    let _questions = bus.subscribe();
    for _ in 0..3 {
        let error = client.request_timeout(1, Duration::ZERO).unwrap_err();
        assert!(error.is_timed_out(), "{error}");
    }
    bus.revoke("ask");
    for _ in 0..3 {
        let error = client.request_timeout(1, Duration::ZERO).unwrap_err();
        assert!(matches!(error, RequestError::NotPublished(_)), "{error}");
    }
}

/// Returns a publisher that may ask, one that may answer, and the subscription that receives the questions.
fn many(bus: &Bus<Talk>) -> (Publisher<Talk>, Publisher<Talk>, Subscription<Talk>) {
    bus.grant("ask").unwrap();
    let questions = bus.subscribe_with(asks()).unwrap();
    (bus.publisher("client", "ask"), publisher(bus), questions)
}

#[test]
fn each_answer_comes_and_what_is_no_answer_does_not() {
    let bus = open();
    let (client, server, mut questions) = many(&bus);
    let mut other = bus.subscribe();
    let mut replies = client.request_many(Talk::Ask(1), LONG).unwrap();
    assert_eq!(replies.receipt().delivered(), 2);
    let question = questions.recv().unwrap();
    assert_eq!(replies.receipt().id(), question.id);
    server.publish(Talk::Answer(0)).unwrap();
    for number in 1..=3 {
        server.reply(&question, Talk::Answer(number)).unwrap();
    }
    let answers: Vec<_> = replies.by_ref().take(3).map(|it| number(&it)).collect();
    assert_eq!(answers, [1, 2, 3]);
    assert_eq!(replies.dropped(), 0);
    let audited: Vec<_> = other.try_iter().flatten().collect();
    assert_eq!(audited.len(), 5, "subscribers have them too");
}

#[test]
fn answers_end_when_the_bus_closes_and_do_not_keep_it_open() {
    let bus = open();
    let (client, server, mut questions) = many(&bus);
    let mut replies = client.request_many(Talk::Ask(1), LONG).unwrap();
    let question = questions.recv().unwrap();
    server.reply(&question, Talk::Answer(1)).unwrap();
    drop((bus, client, server));
    assert_eq!(questions.recv().unwrap_err(), RecvError::Disconnected);
    assert_eq!(replies.next().map(|it| number(&it)), Some(1));
    assert!(replies.next().is_none());
}

#[test]
fn a_thread_that_waits_for_another_answer_wakes_when_it_comes_and_when_the_bus_closes() {
    let bus = open();
    let (client, server, mut questions) = many(&bus);
    let replies = client.request_many(Talk::Ask(1), LONG).unwrap();
    let question = questions.recv().unwrap();
    let waiting = Task::start(move || replies.map(|it| number(&it)).collect::<Vec<_>>());
    for number in [1, 2] {
        waiting.assert_waits();
        server.reply(&question, Talk::Answer(number)).unwrap();
    }
    waiting.assert_waits();
    bus.close();
    assert_eq!(waiting.end(), [1, 2]);
}

#[test]
fn answers_end_at_the_time_out_though_somebody_goes_on_answering() {
    let bus = open();
    let (client, server, mut questions) = many(&bus);
    let started = Instant::now();
    let timeout = Duration::from_millis(10);
    let mut replies = client.request_many(Talk::Ask(1), timeout).unwrap();
    let question = questions.recv().unwrap();
    server.reply(&question, Talk::Answer(1)).unwrap();
    // Each answer leads to the next question.
    for answer in &mut replies {
        assert_eq!(number(&answer), 1);
        server.reply(&question, Talk::Answer(1)).unwrap();
    }
    assert!(started.elapsed() >= timeout);
    assert_eq!(bus.stats().pending_requests, 0);
    drop(replies);
}

#[test]
fn so_many_answers_wait_to_be_taken_and_the_others_are_counted() {
    let bus = open();
    let (client, server, mut questions) = many(&bus);
    let mut replies = client.request_many(Talk::Ask(1), LONG).unwrap();
    let question = questions.recv().unwrap();
    for number in 0..130 {
        server.reply(&question, Talk::Answer(number)).unwrap();
    }
    assert_eq!(replies.dropped(), 2);
    bus.close();
    let answers: Vec<_> = replies.by_ref().map(|it| number(&it)).collect();
    assert_eq!(answers, (0..128).collect::<Vec<_>>());
}

#[test]
fn several_answers_are_one_request_until_they_are_dropped() {
    let bus = Bus::<u32>::builder().max_requests(1).build();
    let mut questions = bus.subscribe();
    bus.grant("ask").unwrap();
    let client = bus.publisher("client", "ask");
    for _ in 0..3 {
        let replies = client.request_many(1, LONG).unwrap();
        assert_eq!(bus.stats().pending_requests, 1);
        let error = client.request_many(2, LONG).unwrap_err();
        assert!(
            matches!(error, RequestError::TooManyPending { limit: 1, .. }),
            "{error}"
        );
        assert_eq!(error.into_envelope().unwrap().message, 2);
        let question = questions.recv().unwrap();
        client.reply(&question, 3).unwrap();
        drop(replies);
        assert_eq!(bus.stats().pending_requests, 0);
        client.reply(&question, 4).unwrap();
        questions.try_iter().for_each(drop);
    }
    drop(questions);
    let error = client.request_many(1, LONG).unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
    assert_eq!(bus.stats().pending_requests, 0);
}

#[test]
fn a_publisher_asks_with_its_own_time_out_and_its_clones_have_it_too() {
    let own = Duration::from_millis(5);
    let bus = Bus::<Talk>::builder().request_timeout(LONG).build();
    let _listens = bus.subscribe();
    bus.grant("ask").unwrap();
    let client = bus.publisher("client", "ask").with_request_timeout(own);
    let upgraded = client.downgrade().upgrade().unwrap();
    let narrowed = client.narrow([">"]);
    for client in [client.clone(), upgraded, narrowed.unwrap()] {
        let error = client.request(Talk::Ask(1)).unwrap_err();
        assert!(
            matches!(error, RequestError::TimedOut(it) if it == own),
            "{error}"
        );
    }
    let never = client.with_request_timeout(None);
    let asking = Task::start(move || never.request(Talk::Ask(1)).unwrap_err());
    asking.assert_waits();
    bus.close();
    assert!(asking.end().is_closed());
}
