//! Links that share what comes: each envelope goes to one of them.

use std::time::Duration;

use oxide_bus::link::memory::{Faults, MemoryServer};
use oxide_bus::link::{Link, LinkError};
use oxide_bus::{AsyncSubscription, Bus, RequestError, SubscribeOptions};
use tokio::time::sleep;

use super::{LONG, Note, exporter, importer, note, ready};

/// A bus with a link that shares `job.>` with others.
struct Worker {
    bus: Bus<Note>,
    link: Link,
    jobs: AsyncSubscription<Note>,
}

impl Worker {
    async fn new(server: &MemoryServer, name: &str, group: &str) -> Self {
        let bus = Bus::new();
        let all = SubscribeOptions::new().capacity(1 << 14);
        let jobs = bus.subscribe_with(all).unwrap().into_async();
        let link = Link::over(server.engine())
            .name(name)
            .export("done")
            .import_shared(group, "job.>", bus.trusted_publisher("link"));
        let link = ready(link, &bus).await;
        Worker { bus, link, jobs }
    }

    fn numbers(&mut self) -> Vec<u64> {
        let jobs = self.jobs.try_iter();
        jobs.map(|job| job.unwrap().message.number).collect()
    }
}

async fn workers<const N: usize>(server: &MemoryServer, group: &str) -> [Worker; N] {
    let mut workers = Vec::new();
    for number in 0..N {
        workers.push(Worker::new(server, &format!("{group}-{number}"), group).await);
    }
    workers.try_into().unwrap_or_else(|_| unreachable!())
}

async fn send(bus: &Bus<Note>, count: u64) {
    let publisher = bus.trusted_publisher("desk").into_async();
    for number in 0..count {
        publisher.publish(note("job.x", number)).await.unwrap();
    }
    sleep(LONG).await;
}

#[tokio::test(start_paused = true)]
async fn each_envelope_goes_to_one_of_a_group_and_to_all_others() {
    let server = MemoryServer::with_faults(7, Faults::default());
    let mut group = workers::<3>(&server, "workers").await;
    let mut other = workers::<1>(&server, "others").await;
    let all = Bus::<Note>::new();
    let options = SubscribeOptions::new().capacity(1 << 14);
    let mut jobs = all.subscribe_with(options).unwrap().into_async();
    let _all = importer(&server, "all", &all).await;
    let desk = Bus::new();
    let _from = exporter(&server, "desk", &desk).await;
    send(&desk, 300).await;

    let parts = group.each_mut().map(Worker::numbers);
    assert!(parts.iter().all(|part| part.is_sorted() && part.len() > 50));
    let mut together = parts.concat();
    together.sort_unstable();
    assert!(together.into_iter().eq(0..300));
    assert!(other[0].numbers().into_iter().eq(0..300));
    assert!(
        jobs.try_iter()
            .map(|job| job.unwrap().message.number)
            .eq(0..300)
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_leaves_a_group_gets_nothing_more_and_the_others_get_all() {
    let server = MemoryServer::new();
    let [mut stays, leaves] = workers(&server, "workers").await;
    let desk = Bus::new();
    let _from = exporter(&server, "desk", &desk).await;
    leaves.link.close().await;
    send(&desk, 100).await;
    assert!(stays.numbers().into_iter().eq(0..100));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_for_others_goes_to_no_group_again() {
    let faults = Faults {
        loss: 0.05,
        ..Faults::default()
    };
    let server = MemoryServer::with_faults(7, faults);
    let mut group = workers::<3>(&server, "workers").await;
    let all = Bus::<Note>::new();
    let options = SubscribeOptions::new().capacity(1 << 14);
    let mut jobs = all.subscribe_with(options).unwrap().into_async();
    let _all = importer(&server, "all", &all).await;
    let desk = Bus::new();
    let from = exporter(&server, "desk", &desk).await;
    send(&desk, 5_000).await;
    assert!(
        jobs.try_iter()
            .map(|job| job.unwrap().message.number)
            .eq(0..5_000)
    );
    assert!(from.stats().export.resent > 100);
    let mut together = group.each_mut().map(Worker::numbers).concat();
    let count = together.len();
    assert!((4_500..5_000).contains(&count), "{count}");
    together.sort_unstable();
    together.dedup();
    assert_eq!(together.len(), count);
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_to_one_of_a_group_and_nobody_is_said_by_that_one() {
    let server = MemoryServer::new();
    let group = workers::<3>(&server, "workers").await;
    let desk = Bus::<Note>::new();
    let link = Link::over(server.engine())
        .name("desk")
        .export("job.>")
        .import("done", desk.trusted_publisher("link"));
    let _link = ready(link, &desk).await;
    sleep(LONG).await;
    let client = desk.trusted_publisher("client").into_async();
    for worker in &group {
        let bus = worker.bus.clone();
        let mut jobs = bus.subscribe_to("job.>").unwrap().into_async();
        tokio::spawn(async move {
            let done = bus.trusted_publisher("worker");
            drop(bus);
            while let Ok(job) = jobs.recv().await {
                done.reply(&job, note("done", job.message.number)).unwrap();
            }
        });
    }
    for number in 0..10 {
        let answer = client.request(note("job.x", number)).await.unwrap();
        assert_eq!(answer.message.number, number);
    }
    let requests = group.map(|worker| worker.link.stats().imports[0].received);
    assert_eq!(requests.iter().sum::<u64>(), 10);
    sleep(Duration::from_secs(1)).await;
    let error = client.request(note("job.x", 7)).await.unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
}

#[tokio::test]
async fn a_group_has_a_name_like_that_of_a_link() {
    let bus = Bus::<Note>::new();
    for name in ["", "two words", "a.b", "A"] {
        let link = Link::over(MemoryServer::new().engine())
            .name("north")
            .import_shared(name, "job.>", bus.trusted_publisher("link"));
        let error = link.connect(&bus).await.unwrap_err();
        assert!(matches!(error, LinkError::Group(it) if it == name));
    }
}
