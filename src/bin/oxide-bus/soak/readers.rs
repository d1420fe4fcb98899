//! Those that stay subscribed from the beginning of a round to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::account::{Account, End};
use super::load::{CHANGES, Filter};
use super::round::Seat;
use super::subscriber::{ALL, Subscriber};
use super::topology::Pace;
use super::{asking, worker::Worker};

/// The life of a reader.
pub(super) async fn read(mut worker: Worker, seat: Arc<Seat>, mut subscriber: Subscriber) {
    let mut account = Account::of(&worker.round, &seat);
    while seat.is_stuck() && !worker.round.is_closing() {
        worker.pause(Duration::from_millis(1)).await;
    }
    let end = match seat.plan.answers {
        Some(line) => {
            let end = asking::answer(&mut worker, line, &mut subscriber, &mut account).await;
            worker.round.answered.fetch_add(1, Ordering::SeqCst);
            end
        }
        None => to_the_end(&mut worker, &seat, &mut subscriber, &mut account).await,
    };
    // Publishers may not be done yet, where the bus has closed in the midst.
    while end == End::Disconnected && !worker.round.is_settled() {
        worker.pause(Duration::from_millis(1)).await;
    }
    let subscription = subscriber.inner();
    account.finish(&worker, end, &worker.round.done(), subscription.dropped());
    if !seat.plan.group && !subscription.is_empty() {
        worker.broken(format!("is at its end, with {} queued", subscription.len()));
    }
}

async fn to_the_end(
    worker: &mut Worker,
    seat: &Seat,
    subscriber: &mut Subscriber,
    account: &mut Account,
) -> End {
    let favourite = worker.rng.choice(ALL).expect("there are some");
    loop {
        let way = if worker.one_in(4) {
            worker.rng.choice(ALL).expect("there are some")
        } else {
            favourite
        };
        match subscriber.receive(way, worker, account).await {
            Ok(true) => {}
            Ok(false) => worker.give_way().await,
            Err(end) => return end,
        }
        if seat.plan.filter == Filter::Changing && worker.one_in(16) {
            change(worker, subscriber);
        }
        let is_slow = match seat.plan.pace {
            Pace::Slow => worker.one_in(4),
            Pace::Bursts => worker.one_in(200),
            Pace::Fast | Pace::Stuck => false,
        };
        if is_slow && !worker.round.is_lull() && !worker.round.is_closing() {
            worker.doze(0..500).await;
        }
    }
}

/// Listens to other patterns.
fn change(worker: &mut Worker, subscriber: &Subscriber) {
    let patterns = worker.rng.choice(CHANGES).expect("there are some");
    worker.step("changes its patterns", 0);
    if let Err(error) = subscriber.inner().set_patterns(patterns)
        && !worker.round.is_closing()
    {
        worker.broken(format!("could not change its patterns: {error}"));
    }
}
