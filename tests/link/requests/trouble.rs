//! Requests where links end or vanish, frames are lost, and neighbours lie.

use std::time::Duration;

use oxide_bus::link::engine::{Engine, EngineEvent, EngineReceiver, EngineSender, Frame};
use oxide_bus::link::memory::{Faults, MemoryServer};
use oxide_bus::{Advisory, RequestError};
use tokio::time::sleep;

use super::super::faults::seed;
use super::super::{LONG, note};
use super::{Side, nobody_answers, time_is_up};

#[tokio::test(start_paused = true)]
async fn a_link_that_ends_is_nobody_and_one_that_vanishes_is_so_after_a_while() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let log = south.questions();
    sleep(LONG).await;
    let client = north.client();
    let asking = tokio::spawn(async move { client.request(note("command.square", 7)).await });
    sleep(Duration::from_secs(1)).await;
    south.link.close().await;
    sleep(Duration::from_millis(100)).await;
    assert!(asking.is_finished());
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::NoResponders), "{error}");
    drop(log);

    let south = Side::answering(&server, "south").await;
    let _log = south.questions();
    server.cut("south");
    time_is_up(&north.client()).await;
    sleep(Duration::from_mins(1)).await;
    nobody_answers(&north.client()).await;
    server.mend("south");
    sleep(Duration::from_secs(1)).await;
    time_is_up(&north.client()).await;
}

#[tokio::test(start_paused = true)]
async fn through_random_faults_no_request_ends_as_if_nobody_were_there() {
    let faults = Faults {
        loss: 0.02,
        duplicates: 0.02,
        reordering: 0.02,
        cuts: 0.002,
        delay: Duration::from_millis(2),
        outage: Duration::from_millis(50),
    };
    let server = MemoryServer::with_faults(seed(), faults);
    let south = Side::answering(&server, "south").await;
    let _east = Side::answering(&server, "east").await;
    let north = Side::asking(&server, "north").await;
    south.square();
    sleep(Duration::from_secs(2)).await;
    let (mut answered, mut asking) = (0, tokio::task::JoinSet::new());
    for number in 0..1_000 {
        let client = north.client();
        asking.spawn(async move {
            let answer = client.request(note("command.square", number)).await;
            if let Ok(answer) = &answer {
                assert_eq!(answer.message.number, number * number);
            }
            answer.map(|_| ())
        });
        sleep(Duration::from_millis(1)).await;
    }
    while let Some(answer) = asking.join_next().await {
        match answer.unwrap() {
            Ok(()) => answered += 1,
            Err(error) => assert!(error.is_timed_out(), "{error}"),
        }
    }
    println!("{answered} answered");
    assert!(answered > 950, "{answered}");
    assert_eq!(north.bus.stats().pending_requests, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_the_server_also_waits_for_those_that_come_meanwhile() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let _south = Side::answering(&server, "south").await;
    sleep(LONG).await;
    server.cut("north");
    let client = north.client();
    let asking = tokio::spawn(async move { client.request(note("command.square", 7)).await });
    sleep(Duration::from_secs(1)).await;
    let east = Side::answering(&server, "east").await;
    let mut questions = east.questions();
    server.mend("north");
    let question = questions.recv().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    (east.bus.trusted_publisher("square"))
        .reply(&question, note("event.square", 49))
        .unwrap();
    assert_eq!(asking.await.unwrap().unwrap().message.number, 49);
}

#[tokio::test(start_paused = true)]
async fn the_life_before_of_a_link_that_was_started_again_is_waited_for_no_more() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    sleep(LONG).await;
    server.cut("south"); // so it cannot say that it ends
    drop(south);
    let south = Side::answering(&server, "south").await;
    let mut namesakes = south.namesakes();
    nobody_answers(&north.client()).await;
    sleep(LONG).await;
    assert!(namesakes.try_recv().is_err(), "there is one link only");
}

#[tokio::test(start_paused = true)]
async fn what_others_say_of_requests_is_believed_only_of_themselves() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let mut questions = south.questions();
    let (mut mallory, mut hears) = server.engine().connect("mallory").await.unwrap();
    mallory.subscribe("ob.>", None).await.unwrap();
    sleep(LONG).await;
    let client = north.client();
    let asking = tokio::spawn(async move { client.request(note("command.square", 7)).await });
    let question = questions.recv().await.unwrap();
    mallory.round_trip().await.unwrap();
    // What it has heard: of whom, which life, and what was asked.
    let (mut south_life, mut request) = (0, None);
    while request.is_none() {
        let Some(EngineEvent::Frame(frame)) = hears.next().await else {
            panic!("it is open")
        };
        if frame.subject() == "ob.south.=c.imports" {
            let said: serde_json::Value = serde_json::from_slice(frame.body()).unwrap();
            south_life = said["incarnation"].as_u64().unwrap();
        }
        if frame.subject() == "ob.north.command.square" {
            let (_, heading) = frame.headers().next().unwrap();
            let mut parts = heading.split(' ');
            let incarnation = u64::from_str_radix(parts.nth(1).unwrap(), 16).unwrap();
            let sequence: u64 = parts.next().unwrap().parse().unwrap();
            request = Some((incarnation, sequence));
        }
    }
    let (incarnation, sequence) = request.unwrap();
    let declined =
        |by| format!("{{\"incarnation\":{incarnation},\"sequence\":{sequence},\"by\":{by}}}");
    let ends = format!("{{\"incarnation\":{south_life},\"imports\":[],\"asks\":false}}");
    for (subject, body) in [
        ("ob.mallory.=c.declined.north", declined(south_life)),
        ("ob.mallory.=c.declined.north", declined(7)),
        ("ob.mallory.=c.imports", ends),
        ("ob.mallory.=c.imports", "{".to_owned()),
        ("ob.mallory.=c.declined.north", "[]".to_owned()),
    ] {
        mallory.send(Frame::new(subject, body)).await.unwrap();
    }
    mallory.round_trip().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(north.link.stats().refused, 2);
    (south.bus.trusted_publisher("square"))
        .reply(&question, note("event.square", 49))
        .unwrap();
    assert_eq!(asking.await.unwrap().unwrap().message.number, 49);
}

#[tokio::test(start_paused = true)]
async fn with_more_importers_than_a_link_knows_the_time_out_decides() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    sleep(LONG).await;
    let (mut mallory, _) = server.engine().connect("mallory").await.unwrap();
    for life in 1..=257 {
        let body = format!(
            "{{\"incarnation\":{life},\"imports\":[{{\"subject\":\"ob.*.a\"}}],\"asks\":false}}"
        );
        let frame = Frame::new(&format!("ob.m{life}.=c.imports"), body);
        mallory.send(frame).await.unwrap();
    }
    mallory.round_trip().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    time_is_up(&north.client()).await;
    sleep(Duration::from_mins(1)).await;
    nobody_answers(&north.client()).await;
}

#[tokio::test(start_paused = true)]
async fn two_links_of_one_name_say_so_and_requests_are_answered_all_the_same() {
    let server = MemoryServer::new();
    let north = Side::asking(&server, "north").await;
    let south = Side::answering(&server, "south").await;
    let mut told = vec![south.namesakes()];
    sleep(LONG).await;
    let other = Side::answering(&server, "south").await;
    told.push(other.namesakes());
    sleep(LONG).await;
    let (mut questions, square) = (south.questions(), south.bus.trusted_publisher("square"));
    tokio::spawn(async move {
        while let Ok(question) = questions.recv().await {
            sleep(Duration::from_secs(1)).await;
            square.reply(&question, note("event.square", 49)).unwrap();
        }
    });
    for _ in 0..20 {
        let answer = north.client().request(note("command.square", 7)).await;
        assert_eq!(answer.unwrap().message.number, 49);
        sleep(Duration::from_secs(3)).await;
    }
    for mut told in told {
        let expected = Advisory::LinkNamesake {
            link: "south".into(),
        };
        assert_eq!(told.recv().await.unwrap().message, expected);
        assert!(told.try_recv().is_err(), "it is told once");
    }
}
