//! Links whose server crashes or stands still, whose cable is cut, or whose importer is too slow: everything arrives
//! once, and the accounts are exact. With `OXIDE_LINK_LONG` set, ten crashes each, and five seconds of standstill.

use std::time::Duration;

use oxide_bus::link::nats::Nats;
use tokio::time::{sleep, timeout};

use super::cable::Cable;
use super::pair::{Pair, is_long, publish};
use super::server::{Server, soon};

const LIMIT: Duration = Duration::from_secs(2);

/// Crashes a server several times while numbers go over it: this many between two crashes.
async fn with_kills(part: u64, at_once: Option<u64>) {
    let kills = if is_long() { 10 } else { 3 };
    let Some(mut server) = Server::start() else {
        return;
    };
    let count = (kills + 1) * part;
    let mut pair = Pair::join(server.nats(), server.nats(), LIMIT).await;
    let publishing = tokio::spawn(publish(pair.north.clone(), 0..count, at_once));
    for kill in 0..kills {
        pair.receive(kill * part, (kill + 1) * part).await;
        server.kill();
        server.restart();
    }
    pair.receive(kills * part, count).await;
    publishing.await.expect("it does not panic");
    let (sent, _) = pair.check(count).await;
    assert!(sent.reconnects >= 1, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_5000_a_second() {
    Box::pin(with_kills(3_000, Some(50))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_50000_a_second() {
    Box::pin(with_kills(20_000, Some(500))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_and_doubles_nothing_of_what_is_published_flat_out() {
    Box::pin(with_kills(20_000, None)).await;
}

#[tokio::test]
async fn links_that_share_one_thread_survive_a_crash_too() {
    Box::pin(with_kills(5_000, None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_delays_everything_and_loses_and_doubles_nothing() {
    let stands_still = Duration::from_secs(if is_long() { 5 } else { 1 });
    let Some(server) = Server::start() else {
        return;
    };
    let limit = Duration::from_millis(200);
    let mut pair = Pair::join(server.nats(), server.nats(), limit).await;
    publish(pair.north.clone(), 0..1_000, None).await;
    pair.receive(0, 1_000).await;
    server.pause();
    let publishing = tokio::spawn(publish(pair.north.clone(), 1_000..20_000, None));
    // Several calls of the engine exceed their limit meanwhile. Not every thread of the server stops at once.
    let mut due = 1_000;
    let stopped = timeout(stands_still, async {
        loop {
            pair.receive(due, due + 1).await;
            due += 1;
        }
    });
    assert!(stopped.await.is_err(), "it ends by the time-out");
    let pending = pair.from.stats().export;
    assert_eq!(pending.lost, 0);
    assert!(pending.pending > 0, "{pending:?}");
    server.go_on();
    pair.receive(due, 20_000).await;
    publishing.await.expect("it does not panic");
    pair.check(20_000).await;
}

#[tokio::test]
async fn what_is_published_while_there_is_no_server_arrives_when_there_is_one() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let mut pair = Pair::join(server.nats(), server.nats(), LIMIT).await;
    server.kill();
    publish(pair.north.clone(), 0..5_000, None).await;
    assert_eq!(pair.from.stats().export.confirmed, 0);
    server.restart();
    pair.receive(0, 5_000).await;
    pair.check(5_000).await;
}

#[tokio::test]
async fn closing_while_there_is_no_server_says_what_is_lost() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let limit = Duration::from_millis(200);
    let pair = Pair::join(server.nats(), server.nats(), limit).await;
    server.kill();
    publish(pair.north.clone(), 0..500, None).await;
    let stats = soon(pair.from.close()).await;
    assert_eq!(
        (stats.export.exported, stats.export.lost),
        (500, 500),
        "{stats:?}"
    );
}

/// Cuts one of the two cables several times, each time after it has swallowed what was sent for a while.
async fn with_cuts(cuts_the_exporter: bool) {
    const CUTS: u64 = 3;
    const PART: u64 = 3_000;
    let Some(server) = Server::start() else {
        return;
    };
    let cable = Cable::to(server.port());
    let (cut, whole) = (Nats::new(cable.url()), server.nats());
    let (from, to) = if cuts_the_exporter {
        (cut, whole)
    } else {
        (whole, cut)
    };
    let mut pair = Pair::join(from, to, LIMIT).await;
    let count = (CUTS + 1) * PART;
    let publishing = tokio::spawn(publish(pair.north.clone(), 0..count, Some(100)));
    for cut in 0..CUTS {
        pair.receive(cut * PART, (cut + 1) * PART).await;
        cable.swallow();
        sleep(Duration::from_millis(50)).await; // this long it is unnoticed
        cable.cut();
        sleep(Duration::from_millis(50)).await; // this long it is noticed
        cable.mend();
    }
    pair.receive(CUTS * PART, count).await;
    publishing.await.expect("it does not panic");
    // Asked at the end: a link may bring what was sent before it counts that it is connected again.
    let (sent, came) = pair.check(count).await;
    assert!(
        sent.reconnects + came.reconnects >= CUTS,
        "{sent:?} {came:?}"
    );
}

#[tokio::test]
async fn a_cable_of_the_exporter_that_swallows_and_is_cut_loses_and_doubles_nothing() {
    with_cuts(true).await;
}

#[tokio::test]
async fn a_cable_of_the_importer_that_swallows_and_is_cut_loses_and_doubles_nothing() {
    with_cuts(false).await;
}

/// The client drops what it has no room for. So does the link while the bus has none.
#[tokio::test]
async fn an_importer_that_is_too_slow_receives_everything_in_the_end() {
    const COUNT: u64 = 12_000;
    let Some(server) = Server::start() else {
        return;
    };
    let mut pair = Pair::join(server.nats(), server.nats().capacity(64), LIMIT).await;
    publish(pair.north.clone(), 0..COUNT, None).await;
    let all_sent = async {
        while pair.from.stats().export.confirmed < COUNT {
            sleep(Duration::from_millis(1)).await;
        }
    };
    soon(all_sent).await;
    pair.receive(0, COUNT).await;
    let (_, came) = pair.check(COUNT).await;
    assert!(came.engine_lags > 0, "{came:?}");
}
