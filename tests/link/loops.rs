//! Links in circles: each envelope comes once.

use oxide_bus::link::Link;
use oxide_bus::link::memory::MemoryServer;
use oxide_bus::{AsyncSubscription, Bus, Draft, SubscribeOptions};

use super::{LONG, Note, note};

/// Links a bus in both directions.
async fn both_ways(server: &MemoryServer, name: &str, bus: &Bus<Note>) -> Link {
    let link = Link::over(server.engine())
        .name(name)
        .export(">")
        .import(">", bus.trusted_publisher("link"))
        .connect(bus)
        .await
        .unwrap();
    link.ready(LONG).await.unwrap();
    link
}

fn buses<const N: usize>() -> ([Bus<Note>; N], [AsyncSubscription<Note>; N]) {
    let buses = [(); N].map(|()| Bus::new());
    let capacity = || SubscribeOptions::new().capacity(1_024);
    let subscriptions =
        (buses.iter()).map(|bus| bus.subscribe_with(capacity()).unwrap().into_async());
    let subscriptions: Vec<_> = subscriptions.collect();
    (buses, subscriptions.try_into().unwrap())
}

/// Publishes on each bus, and checks that each bus has each note once.
async fn each_comes_once<const N: usize>(
    buses: &[Bus<Note>; N],
    subscriptions: &mut [AsyncSubscription<Note>; N],
) {
    for (number, bus) in (0..).zip(buses) {
        for more in 0..10 {
            bus.send("counter", note("a", 10 * number + more)).unwrap();
        }
    }
    tokio::time::sleep(LONG).await; // by a clock that stands still while anything can go on
    for notes in subscriptions {
        let mut numbers: Vec<_> = notes
            .try_iter()
            .map(|it| it.unwrap().message.number)
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..10 * N as u64).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn two_links_in_a_circle() {
    let server = MemoryServer::new();
    let (buses, mut notes) = buses::<2>();
    let _links = [
        both_ways(&server, "a", &buses[0]).await,
        both_ways(&server, "b", &buses[1]).await,
    ];
    each_comes_once(&buses, &mut notes).await;
}

#[tokio::test(start_paused = true)]
async fn three_in_a_triangle_with_a_server_on_each_side() {
    let servers = [(); 3].map(|()| MemoryServer::new());
    let (buses, mut notes) = buses::<3>();
    let mut links = Vec::new();
    for (side, server) in servers.iter().enumerate() {
        links.push(both_ways(server, &format!("left-{side}"), &buses[side]).await);
        links.push(both_ways(server, &format!("right-{side}"), &buses[(side + 1) % 3]).await);
    }
    each_comes_once(&buses, &mut notes).await;
}

#[tokio::test(start_paused = true)]
async fn two_between_the_same_pair_over_one_server_or_two() {
    let (one, other) = (MemoryServer::new(), MemoryServer::new());
    for second in [&one, &other] {
        let (buses, mut notes) = buses::<2>();
        let links = [
            both_ways(&one, "a1", &buses[0]).await,
            both_ways(&one, "b1", &buses[1]).await,
            both_ways(second, "a2", &buses[0]).await,
            both_ways(second, "b2", &buses[1]).await,
        ];
        each_comes_once(&buses, &mut notes).await;
        let repeated = |link: &Link| {
            link.stats()
                .imports
                .iter()
                .map(|it| it.repeated)
                .sum::<u64>()
        };
        assert!(repeated(&links[0]) + repeated(&links[2]) >= 10);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_link_has_brought_does_not_go_out_again_even_under_another_name() {
    let server = MemoryServer::new();
    let (buses, mut notes) = buses::<2>();
    let links = [
        both_ways(&server, "a", &buses[0]).await,
        both_ways(&server, "b", &buses[1]).await,
    ];
    let claims = Draft::new(note("a", 7))
        .with_header("link-origin", "c")
        .unwrap();
    buses[0].send("counter", claims).unwrap();
    tokio::time::sleep(LONG).await;
    assert_eq!(notes[1].len(), 0);
    assert_eq!(links[0].stats().export.passed_over, 1);
    assert_eq!(notes[0].try_recv().unwrap().message.number, 7);
}
