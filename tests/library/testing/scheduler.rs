//! The scheduler: the same seed makes the same run, over real subscriptions.

use std::cell::RefCell;
use std::collections::HashSet;
use std::env;
use std::process;
use std::time::Duration;

use oxide_bus::audit::AuditLog;
use oxide_bus::kernel::Command;
use oxide_bus::testing::Scheduler;
use oxide_bus::{
    Bus, Denial, Envelope, MessageBus, Overflow, RecvError, RequestError, SubscribeOptions,
    TryRecvError, audit,
};

use super::{Order, panic_of, send_all};

/// A shop with three modules that cause work for each other. Returns the trace and all envelopes.
fn run(seed: u64) -> (Vec<String>, Vec<Envelope<Order>>) {
    let mut scheduler = Scheduler::new(seed);
    let bus = Bus::<Order>::new();
    let mut all = bus.subscribe();
    for name in ["billing", "audit", "stock"] {
        let out = bus.trusted_publisher(name);
        let pattern = if name == "audit" { ">" } else { "order.placed" };
        scheduler.handle(name, bus.subscribe_to(pattern).unwrap(), move |item| {
            let envelope = item.unwrap();
            if let Order::Placed(number) = envelope.message
                && number < 3
            {
                out.reply(&envelope, Order::Paid(number)).unwrap();
                out.reply(&envelope, Order::Placed(number + 2)).unwrap();
            }
        });
    }
    send_all(&bus, "shop", (0..3).map(Order::Placed));
    scheduler.clock().advance(Duration::from_secs(1));
    scheduler.run();
    let all = all
        .try_iter()
        .map(|it| it.unwrap().into_envelope())
        .collect();
    (scheduler.trace().to_vec(), all)
}

#[test]
fn the_same_seed_makes_the_same_trace_ids_and_times() {
    let first = run(7);
    assert!(first.0.len() > 20, "{:?}", first.0);
    assert_eq!(first, run(7));
}

#[test]
fn other_seeds_make_many_other_orders() {
    let orders: HashSet<_> = (0..50).map(|seed| run(seed).0).collect();
    assert!(orders.len() > 45, "{}", orders.len());
}

#[test]
fn each_subscription_receives_in_its_order() {
    for seed in 0..50 {
        let bus = Bus::<u32>::new();
        let seen = [(); 3].map(|()| RefCell::new(Vec::new()));
        let mut scheduler = Scheduler::new(seed);
        for seen in &seen {
            let subscription = bus.subscribe();
            scheduler.handle("it", subscription, |item| {
                seen.borrow_mut().push(item.unwrap().message);
            });
        }
        send_all(&bus, "counter", 0..20);
        assert_eq!(scheduler.run(), 60, "seed {seed}");
        assert!(!scheduler.step());
        drop(scheduler);
        for seen in seen {
            assert!(seen.into_inner().into_iter().eq(0..20), "seed {seed}");
        }
    }
}

#[test]
fn the_trace_names_module_sequence_subject_and_source() {
    let mut scheduler = Scheduler::new(7);
    let (orders, numbers) = (Bus::<Order>::new(), Bus::<u32>::new());
    scheduler.handle("billing", orders.subscribe(), |_| ());
    orders.send("shop", Order::Placed(1)).unwrap();
    scheduler.run();
    scheduler.handle("sum", numbers.subscribe(), |_| ());
    numbers.send("counter", 1).unwrap();
    scheduler.run();
    let expected = ["billing: #0 order.placed from shop", "sum: #0 from counter"];
    assert_eq!(scheduler.trace(), expected);
}

#[test]
fn losses_and_the_end_are_items_as_ever() {
    let bus = Bus::<u32>::new();
    let items = RefCell::new(Vec::new());
    let mut scheduler = Scheduler::new(7);
    let options = || SubscribeOptions::new().capacity(1);
    let slow = bus.subscribe_with(options()).unwrap();
    let evicted = options().overflow(Overflow::Evict);
    let evicted = bus.subscribe_with(evicted).unwrap();
    for (name, subscription) in [("slow", slow), ("evicted", evicted)] {
        let items = &items;
        scheduler.handle(name, subscription, move |item| {
            items.borrow_mut().push((name, item.map(|it| it.message)));
        });
    }
    send_all(&bus, "counter", 0..3);
    scheduler.run();
    bus.close();
    scheduler.run();
    let of = |name| {
        let items = items.borrow();
        let items = items.iter().filter(|(of, _)| *of == name);
        items.map(|(_, item)| *item).collect::<Vec<_>>()
    };
    let lagged = |missed| Err(RecvError::Lagged { missed });
    let slow = [Ok(0), lagged(2), Err(RecvError::Disconnected)];
    assert_eq!(of("slow"), slow);
    let evicted = [Ok(0), lagged(1), Err(RecvError::Evicted)];
    assert_eq!(of("evicted"), evicted);
}

#[test]
fn a_handler_may_subscribe_grant_and_close_and_grants_hold() {
    let bus = Bus::<u32>::new();
    let guarded = bus.publisher("guarded", "count");
    let later = RefCell::new(None);
    let mut scheduler = Scheduler::new(7);
    scheduler.handle("it", bus.subscribe(), |item| {
        match item.map(|it| it.message) {
            Ok(0) => {
                let error = guarded.publish(1).unwrap_err();
                assert_eq!(error.denial(), Some(Denial::NotGranted));
                bus.grant("count").unwrap();
                *later.borrow_mut() = Some(bus.subscribe());
                guarded.publish(1).unwrap();
            }
            Ok(_) => bus.close(),
            Err(error) => assert_eq!(error, RecvError::Disconnected),
        }
    });
    bus.send("counter", 0).unwrap();
    assert_eq!(scheduler.run(), 3);
    drop(scheduler);
    let mut later = later.into_inner().unwrap();
    assert_eq!(later.try_recv().unwrap().message, 1);
    assert_eq!(later.try_recv().unwrap_err(), TryRecvError::Disconnected);
}

#[test]
fn a_wait_with_a_time_out_moves_the_clock_to_its_end() {
    let minute = Duration::from_mins(1);
    let bus = Bus::<u32>::builder().request_timeout(minute).build();
    let blocking = SubscribeOptions::new()
        .capacity(1)
        .overflow(Overflow::BlockFor(minute))
        .source("handler");
    let _full = bus.subscribe_with(blocking).unwrap();
    let from = |source| {
        bus.subscribe_with(SubscribeOptions::new().source(source))
            .unwrap()
    };
    let _listens = from("client");
    let mut scheduler = Scheduler::new(7);
    let (began, clock) = (scheduler.clock().now(), scheduler.clock().clone());
    let bus = &bus;
    scheduler.handle("it", from("a"), move |_| {
        let passed = || clock.now() - began;
        assert_eq!(bus.send("handler", 1).unwrap().dropped(), 0);
        assert_eq!(bus.send("handler", 2).unwrap().dropped(), 1);
        assert_eq!(passed(), minute);
        let error = bus.request("client", 3).unwrap_err();
        assert!(matches!(error, RequestError::TimedOut(_)), "{error}");
        assert_eq!(passed(), 2 * minute);
        assert!(bus.subscribe().recv_timeout(minute).is_err());
        assert_eq!(passed(), 3 * minute);
        assert!(bus.drain(minute).is_err());
        assert_eq!(passed(), 4 * minute);
    });
    bus.send("a", 0).unwrap();
    assert_eq!(scheduler.run(), 1);
}

#[test]
fn a_wait_without_end_panics_instead() {
    let waits: [fn(&Bus<u32>); 3] = [
        |bus| drop(bus.subscribe().recv()),
        |bus| {
            let patient = bus.trusted_publisher("a").with_request_timeout(None);
            drop(patient.request(1));
        },
        |bus| {
            let options = SubscribeOptions::new()
                .capacity(1)
                .overflow(Overflow::Block);
            let full = bus.subscribe_with(options).unwrap();
            send_all(bus, "a", 0..2);
            drop(full);
        },
    ];
    for wait in waits {
        let bus = Bus::<u32>::new();
        let _listens = bus.subscribe();
        let mut scheduler = Scheduler::new(7);
        scheduler.handle("it", bus.subscribe(), |_| wait(&bus));
        bus.send("counter", 0).unwrap();
        let message = panic_of(|| scheduler.run());
        assert!(
            message.starts_with("a handler waits for something"),
            "{message}"
        );
    }
}

#[test]
fn a_run_without_end_is_told() {
    let bus = Bus::<u32>::new();
    let mut scheduler = Scheduler::new(7);
    scheduler.handle("it", bus.subscribe(), |item| {
        bus.send("it", item.unwrap().message + 1).unwrap();
    });
    bus.send("counter", 0).unwrap();
    let message = panic_of(|| scheduler.run());
    assert_eq!(message, "after 100000 steps the modules still go on");
}

#[test]
#[ignore = "it fails, for the test below"]
fn fails_on_purpose() {
    let mut scheduler = Scheduler::new(1_234);
    let bus = Bus::<Order>::new();
    scheduler.handle("billing", bus.subscribe(), |item| {
        assert_eq!(item.unwrap().message, Order::Placed(0), "on purpose");
    });
    send_all(&bus, "shop", (0..2).map(Order::Placed));
    scheduler.run();
}

#[test]
fn a_failure_prints_the_seed_and_the_last_deliveries() {
    let own = env::current_exe().unwrap();
    let name = "testing::scheduler::fails_on_purpose";
    let output = process::Command::new(own)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("on purpose"), "{text}");
    let told = "The scheduler's seed was 1234. After 2 steps, the last were:\n  \
                billing: #0 order.placed from shop\n  \
                billing: #1 order.placed from shop\n";
    assert!(text.contains(told), "{text}");
}

#[test]
fn an_audit_log_is_flushed_in_real_time_though_nobody_else_runs() {
    let scheduler = Scheduler::new(7);
    let bus = MessageBus::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::start(&bus, path, audit::Options::new()).unwrap();
    bus.send("kernel", Command::Ping).unwrap();
    assert_eq!(log.flush().unwrap(), 1); // the opening record is 0
    drop(scheduler);
}
