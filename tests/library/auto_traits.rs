//! Tests of the public types: which are `Send`, `Sync`, `Unpin` and unwind-safe, which are payloads, and how large they
//! are.
//!
//! The compiler proves most of it: an assertion that does not hold does not compile.

use std::cell::Cell;
use std::error::Error;
use std::mem::size_of;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::Arc;

use oxide_bus::audit::{self, AuditError, AuditLog};
use oxide_bus::codec;
use oxide_bus::iter::{IntoIter, Iter, TryIter};
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::limits::{LimitExceeded, Meter};
use oxide_bus::{
    Advisory, Bus, BusBuilder, Capability, Delivery, Denial, Draft, DrainError, Envelope, Eviction,
    Grant, GrantError, GrantStats, HeaderError, Headers, MessageBus, Overflow, Pattern,
    PatternError, Payload, PublishError, Publisher, Receipt, RecvError, RecvTimeoutError, Replies,
    RequestError, RetainError, RevokeError, SetPatternsError, Source, Stats, Subject,
    SubscribeError, SubscribeOptions, Subscription, SubscriptionStats, TryRecvError, WeakBus,
    WeakPublisher,
};
use serde::{Serialize, de::DeserializeOwned};

/// `Send` and `Sync`.
type Shared = String;
/// `Send`, not `Sync`.
type Moved = Cell<u8>;
/// Neither.
type Bound = Rc<u8>;

macro_rules! assert_traits {
    ($($type:ty: $($(!$no:ident)? $($yes:ident)?),+;)+) => { $($(
        $(const _: fn() = || {
            fn require<T: ?Sized + $yes>() {}
            require::<$type>();
        };)?
        // Ambiguous where the type has the trait, and therefore a compile error.
        $(const _: fn() = || {
            struct HasIt;
            trait AmbiguousIfItHas<A> {
                fn item() {}
            }
            impl<T: ?Sized> AmbiguousIfItHas<()> for T {}
            impl<T: ?Sized + $no> AmbiguousIfItHas<HasIt> for T {}
            <$type as AmbiguousIfItHas<_>>::item();
        };)?
    )+)+ };
}

#[cfg(feature = "testing")]
assert_traits! {
    oxide_bus::testing::ManualClock: Send, Sync, Unpin, Clone;
    oxide_bus::testing::SeededIds: Send, Sync, Unpin, Clone;
    oxide_bus::testing::Entered: !Send, !Sync;
    oxide_bus::testing::Recorder<Shared>: Send, Sync, Unpin;
    oxide_bus::testing::FaultyPublisher<Shared>: Send, Sync, Unpin;
    oxide_bus::testing::Scheduler<'_>: !Send, !Sync;
    oxide_bus::testing::NotIdle: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
}

assert_traits! {
    Bus<Shared>: Send, Sync, Unpin;
    MessageBus: Send, Sync, Unpin;
    WeakBus<Shared>: Send, Sync, Unpin, Clone;
    DrainError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    Publisher<Shared>: Send, Sync, Unpin;
    Publisher: Send, Sync, Unpin;
    WeakPublisher<Shared>: Send, Sync, Unpin, Clone;
    Subscription<Shared>: Send, Sync, Unpin;
    Subscription: Send, Sync, Unpin;
    Delivery<Shared>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Iter<'_, Shared>: Send, Sync, Unpin;
    TryIter<'_, Shared>: Send, Sync, Unpin;
    IntoIter<Shared>: Send, Sync, Unpin;
    Replies<Shared>: Send, Sync, Unpin;
    Envelope<Shared>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Headers: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    HeaderError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    Draft<Shared>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    Message: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Command: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Event: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Receipt: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    Advisory: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    Eviction: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    BusBuilder<Shared>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    LimitExceeded: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    Meter: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    codec::Codec: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    codec::LinesReader<Vec<u8>, Moved>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    codec::LinesWriter<Vec<u8>>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    codec::DecodeError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    codec::EncodeError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    codec::ErrorKind: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    codec::LineError: Send, Sync, Unpin;
    AuditLog: Send, Sync, Unpin;
    audit::Options: Send, Unpin;
    audit::Flush: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    audit::Report: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    audit::Flaw: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    audit::Verifier: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    audit::Finding: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    AuditError: Send, Sync, Unpin, Clone;
    Denial: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    GrantStats: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    Grant: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    GrantError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    RevokeError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    Capability: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Stats: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    SubscriptionStats: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    Source: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Subject<'_>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Pattern: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    Overflow: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    SubscribeOptions: Send, Sync, Unpin, Clone;
    SubscribeOptions<Bound>: Send, Sync, Unpin, Clone;

    RequestError<Shared>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    PublishError<Shared>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe;
    SetPatternsError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    SubscribeError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    RetainError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
    RecvError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    TryRecvError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    RecvTimeoutError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Copy;
    PatternError: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe, Clone;
}

#[cfg(feature = "tokio")]
mod tasks {
    use super::{Bound, Moved, Shared};
    use std::time::Duration;

    use oxide_bus::{
        AsyncBus, AsyncPublisher, AsyncReplies, AsyncSubscription, AsyncWeakBus,
        AsyncWeakPublisher, Envelope, PublishSink,
    };

    assert_traits! {
        AsyncBus<Shared>: Send, Sync, Unpin, Clone;
        AsyncPublisher<Shared>: Send, Sync, Unpin, Clone;
        AsyncWeakBus<Shared>: Send, Sync, Unpin, Clone;
        AsyncWeakPublisher<Shared>: Send, Sync, Unpin, Clone;
        AsyncSubscription<Shared>: Send, Sync, Unpin;
        AsyncSubscription<Shared>: !Clone;
        PublishSink<Shared>: Send, Unpin;
        AsyncReplies<Shared>: Send, Sync, Unpin;
        AsyncReplies<Moved>: !Send, !Sync;
        AsyncBus<Moved>: !Send, !Sync;
        AsyncPublisher<Bound>: !Send, !Sync;
        AsyncWeakBus<Moved>: !Send, !Sync;
        AsyncWeakPublisher<Moved>: !Send, !Sync;
        AsyncSubscription<Moved>: !Send, !Sync;
    }

    /// A future of the async side may move to another thread together with its task.
    const _: fn() = || {
        fn require<T: Send>(_future: T) {}
        fn all(bus: &AsyncBus<Shared>, publisher: &AsyncPublisher<Shared>) {
            require(bus.subscribe());
            require(bus.publish(Envelope::new("", Shared::new())));
            require(bus.publish_batch(Vec::new()));
            require(bus.request("", Shared::new()));
            require(publisher.publish(Shared::new()));
            require(publisher.request(Shared::new()));
            require(publisher.request_many(Shared::new(), Duration::ZERO));
        }
        fn receive(subscription: &mut AsyncSubscription<Shared>) {
            require(subscription.recv());
            require(subscription.recv_ref());
        }
        let _: (fn(&_, &_), fn(&mut _)) = (all, receive);
    };
}

// Authority comes from holding a handle: handles can be neither deserialized nor serialized.
assert_traits! {
    Publisher: !DeserializeOwned, !Serialize, !Default;
    Publisher<Shared>: !DeserializeOwned, !Serialize, !Default;
    WeakPublisher<Shared>: !DeserializeOwned, !Serialize, !Default;
    Bus<Shared>: !DeserializeOwned, !Serialize;
}

// A handle that shares its payload needs a `Sync` payload even to be `Send`.
assert_traits! {
    Bus<Moved>: !Send, !Sync;
    Bus<Bound>: !Send, !Sync;
    WeakBus<Moved>: !Send, !Sync;
    Publisher<Moved>: !Send, !Sync;
    Publisher<Bound>: !Send, !Sync;
    WeakPublisher<Moved>: !Send, !Sync;
    Subscription<Moved>: !Send, !Sync;
    Subscription<Bound>: !Send, !Sync;
    Delivery<Moved>: !Send, !Sync;
    Delivery<Bound>: !Send, !Sync;
    IntoIter<Moved>: !Send, !Sync;
    Envelope<Moved>: Send, !Sync;
    Envelope<Bound>: !Send, !Sync;
    PublishError<Moved>: Send, !Sync;
    PublishError<Bound>: !Send, !Sync;
}

// Handles can be cloned. A queue has one reader, so subscriptions cannot.
assert_traits! {
    Bus<Shared>: Clone;
    Publisher<Shared>: Clone;
    Delivery<Shared>: Clone;
    Subscription<Shared>: !Clone;
    PublishError<Moved>: Error;
    Bus<Moved>: Clone;
}

// Types that are payloads without opting in, and types that cannot be payloads.
assert_traits! {
    (): Payload;
    bool: Payload;
    char: Payload;
    u8: Payload;
    u128: Payload;
    usize: Payload;
    i64: Payload;
    f64: Payload;
    String: Payload;
    &'static str: Payload;
    serde_json::Value: Payload;
    Message: Payload;
    Advisory: Payload;
    Vec<u8>: Payload;
    [u8; 16]: Payload;
    (u64, String): Payload;
    Option<Message>: Payload;
    Box<str>: Payload;
    Arc<str>: Payload;
    Arc<Message>: Payload;
    Box<dyn Payload>: Payload;
    Arc<dyn Payload>: Payload;
    Moved: !Payload;
    Bound: !Payload;
    Vec<Bound>: !Payload;
}

/// Holds on every machine with pointers of at most 64 bits.
#[test]
fn what_is_moved_often_is_small() {
    let pointer = size_of::<usize>();
    assert_eq!(size_of::<Delivery<[u64; 100]>>(), 2 * pointer);
    assert_eq!(size_of::<Option<Delivery<Message>>>(), 2 * pointer);
    assert!(size_of::<Source>() <= 2 * pointer);
    assert!(size_of::<Capability>() <= 2 * pointer);
    assert!(size_of::<Bus<Message>>() <= pointer);
    assert!(size_of::<Publisher<Message>>() <= 7 * pointer);
    assert!(size_of::<Receipt>() <= 32);
    assert_eq!(size_of::<Headers>(), pointer);
    assert!(size_of::<Envelope<()>>() <= 64 + pointer);
    assert!(size_of::<Result<Delivery<Message>, RecvError>>() <= 24);
}

#[test]
fn an_error_is_small_however_large_the_payload() {
    type Large = [u64; 1_000];
    assert!(size_of::<PublishError<Large>>() <= 40);
    assert!(size_of::<Result<Receipt, PublishError<Large>>>() <= 40);
    assert!(size_of::<SubscribeError>() <= 24); // names the group's term
    assert!(size_of::<TryRecvError>() <= 16);
    assert!(size_of::<RecvTimeoutError>() <= 16);
    assert!(size_of::<PatternError>() <= 16);
}

/// A payload behind `dyn` keeps its subject.
#[test]
fn a_bus_carries_payloads_of_many_types_behind_one_trait() {
    let bus = Bus::<Box<dyn Payload>>::new();
    let pings = bus
        .subscribe_with(SubscribeOptions::new().pattern("command.ping"))
        .unwrap();
    let publish = |message: Box<dyn Payload>| {
        bus.publish(Envelope::new("module", message))
            .unwrap_or_else(|error| panic!("{error}"))
    };
    publish(Box::new(Message::from(Command::Ping)));
    publish(Box::new(7_u64));
    assert_eq!(pings.len(), 1);
}
