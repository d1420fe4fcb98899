//! What is wrong with a stream is said when the link is made.

use futures::StreamExt;
use oxide_bus::Bus;
use oxide_bus::link::nats::Permissions;
use oxide_bus::link::{Link, LinkError, StreamError};

use super::server::{DEADLINE, STREAMS, Server, soon};

/// Makes a stream that keeps everything, as a user that may.
async fn make_as_user(server: &Server, user: &str, stream: &str) {
    let options = async_nats::ConnectOptions::with_user_and_password(user.into(), "secret".into());
    let client = soon(options.connect(server.url())).await;
    let client = client.expect("the server is there");
    let body = format!(r#"{{"name":"{stream}","subjects":["ob.>"]}}"#);
    let request = client.request(format!("$JS.API.STREAM.CREATE.{stream}"), body.into());
    soon(request).await.expect("it is made");
}

async fn refused(url: String, stream: &str, import: &str) -> StreamError {
    let bus = Bus::<oxide_bus::kernel::Message>::new();
    let link = Link::nats(url).name("north").export("event.>");
    let link = link
        .import(import, bus.trusted_publisher("link"))
        .durable(stream);
    match soon(link.connect(&bus)).await {
        Err(LinkError::Stream(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stream_that_is_not_there_or_does_not_keep_it_is_told() {
    let Some(server) = Server::with_streams() else {
        return;
    };
    let missing = refused(server.url(), "EVENTS", ">").await;
    assert_eq!(missing, StreamError::Missing("EVENTS".to_owned()));
    assert_eq!(
        missing.to_string(),
        "there is no stream EVENTS; it must be made first"
    );
    server.make_stream("COMMANDS", "ob.*.command.>").await;
    let stream = "COMMANDS".to_owned();
    let not_kept = refused(server.url(), &stream, ">").await;
    let subject = "ob.north.event.>".to_owned();
    assert_eq!(not_kept, StreamError::NotKept { stream, subject });
    server.make_stream("EVENTS", "ob.north.event.>").await;
    let stream = "EVENTS".to_owned();
    let not_kept = refused(server.url(), &stream, "command.x").await;
    let subject = "ob.*.command.x".to_owned();
    assert_eq!(not_kept, StreamError::NotKept { stream, subject });
}

#[tokio::test]
async fn a_server_without_streams_is_told() {
    let Some(server) = Server::start() else {
        return;
    };
    let unavailable = refused(server.url(), "EVENTS", ">").await;
    assert!(
        matches!(unavailable, StreamError::Unavailable(_)),
        "{unavailable}"
    );
}

#[tokio::test]
async fn a_user_that_may_not_use_the_stream_is_told_so() {
    let user = |name, publish| {
        format!("{{ user: {name}, password: secret, permissions: {{ publish: {publish} }} }}\n")
    };
    let users = [
        user("nothing", r#"["ob.>"]"#),
        user("info", r#"["ob.>", "$JS.API.STREAM.INFO.EVENTS"]"#),
        user("all", r#"[">"]"#),
    ];
    let configuration = format!(
        "{STREAMS} authorization {{ users: [\n{}] }}\n",
        users.concat()
    );
    let Some(server) = Server::with(&configuration) else {
        return;
    };
    let as_user = |name: &str| server.url().replace("//", &format!("//{name}:secret@"));
    make_as_user(&server, "all", "EVENTS").await;
    for (user, about) in [
        ("nothing", "$JS.API.STREAM.INFO.EVENTS"),
        ("info", "$JS.API.CONSUMER.INFO.EVENTS.north_1"),
    ] {
        let refusal = refused(as_user(user), "EVENTS", ">").await;
        match refusal {
            StreamError::Refused { subject, reason } => {
                assert_eq!(subject, about);
                assert!(reason.contains("Permissions Violation"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_durable_link_shares_no_import() {
    let bus = Bus::<u64>::new();
    let link = Link::nats("nats://127.0.0.1:1").name("south");
    let link = link.import_shared("workers", "job.>", bus.trusted_publisher("link"));
    let refused = soon(link.durable("EVENTS").connect(&bus)).await;
    let group = "workers".to_owned();
    assert!(
        matches!(&refused, Err(LinkError::Stream(StreamError::Group(it))) if *it == group),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_the_stream_never_takes_is_lost_and_the_others_go_on() {
    let Some(server) = Server::with_streams() else {
        return;
    };
    let body = r#"{"name":"ALL","subjects":["ob.>"],"max_msg_size":2000}"#;
    server.ask("STREAM.CREATE.ALL", body.to_owned()).await;
    let (north, south) = (Bus::<String>::new(), Bus::<String>::new());
    let mut texts = south.subscribe().into_async();
    let to = Link::over(server.nats()).name("south").durable("ALL");
    let to = to.import_everything(south.trusted_publisher("link"));
    let to = soon(to.connect(&south)).await.expect("the stream is there");
    let from = Link::over(server.nats()).name("north").durable("ALL");
    let from = from.export_everything().connect(&north);
    let from = soon(from).await.expect("the stream is there");
    let long = "x".repeat(3_000);
    for text in ["a", &long, "b", &long] {
        north.send("writer", text.to_owned()).expect("it is open");
    }
    for due in ["a", "b"] {
        assert_eq!(soon(texts.recv()).await.expect("it is open").message, due);
    }
    from.drain(DEADLINE)
        .await
        .expect("nothing more is to be done");
    let export = from.stats().export;
    assert_eq!((export.exported, export.confirmed), (4, 2), "{export:?}");
    assert_eq!((export.lost, export.pending), (2, 0), "{export:?}");
    assert_eq!(to.stats().imports[0].received, 2);
}

/// With the permissions that `oxide-bus link permissions` prints.
#[tokio::test]
async fn the_permissions_of_a_durable_link_are_enough() {
    let user = |name| {
        let permissions = Permissions::new(name).expect("a good name").durable("ALL");
        format!("{{ user: {name}, password: secret\n{permissions} }}\n")
    };
    let users = ["north", "south"].map(user).concat();
    let all = "{ user: all, password: secret }";
    let configuration = format!("{STREAMS}authorization {{ users: [\n{users}{all}] }}\n");
    let Some(server) = Server::with(&configuration) else {
        return;
    };
    make_as_user(&server, "all", "ALL").await;
    let [north, south] = ["north", "south"].map(|name| {
        let engine = server.nats().user_and_password(name, "secret");
        (
            Link::over(engine).name(name).durable("ALL"),
            Bus::<u64>::new(),
        )
    });
    let mut numbers = south.1.subscribe().into_async();
    let to = south.0.import_everything(south.1.trusted_publisher("link"));
    let to = soon(to.connect(&south.1)).await.expect("it may");
    to.ready(DEADLINE).await.expect("it may");
    let from = north.0.export_everything().connect(&north.1);
    let from = soon(from).await.expect("it may");
    north.1.send("counter", 7).expect("it is open");
    assert_eq!(soon(numbers.recv()).await.expect("it is open").message, 7);
    from.drain(DEADLINE).await.expect("the server is there");
    to.drain(DEADLINE).await.expect("the server is there");
    for stats in [from.stats(), to.stats()] {
        assert_eq!(stats.server_denials, 0, "{stats:?}");
    }
}

#[tokio::test]
async fn what_a_neighbour_sends_to_the_inbox_of_a_link_does_not_end_it() {
    let Some(server) = Server::with_streams() else {
        return;
    };
    server.make_stream("ALL", "ob.>").await;
    let mallory = soon(async_nats::connect(server.url())).await.unwrap();
    let mut hears = soon(mallory.subscribe("ob.>")).await.unwrap();
    soon(mallory.flush()).await.unwrap();
    let bus = Bus::<u64>::new();
    let link = Link::nats(server.url()).name("north").export_everything();
    let link = soon(link.durable("ALL").connect(&bus)).await.unwrap();
    bus.send("counter", 1).unwrap();
    let frame = soon(hears.next()).await.expect("it is open");
    // Such as `_INBOX.north.x.1.a.1`.
    let reply = frame.reply.expect("it is to be answered").to_string();
    let of_trip = reply.strip_suffix(".a.1").expect("it is the first");
    for subject in [
        of_trip.to_owned(),
        format!("{of_trip}ä.1"),
        format!("{of_trip}.x"),
    ] {
        soon(mallory.publish(subject, "7".into())).await.unwrap();
    }
    soon(mallory.flush()).await.unwrap();
    bus.send("counter", 2).unwrap();
    soon(hears.next()).await.expect("it is open");
    link.drain(DEADLINE).await.expect("it goes on");
    assert_eq!(link.stats().export.confirmed, 2);
}
