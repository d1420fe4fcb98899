//! The sizes of all payload types of this crate: their implementations of [`Measure`].

use std::sync::Arc;

use serde_json::Value;

use super::{LimitExceeded, Measure, Meter};
use crate::message::advisory::Advisory;
use crate::message::kernel::{Command, Event, Message};

macro_rules! of_their_own_size {
    ($($payload:ty),* $(,)?) => { $(impl Measure for $payload {})* };
}

of_their_own_size!(
    (),
    bool,
    char,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    f32,
    f64,
    Advisory,
);

macro_rules! texts {
    ($($text:ty),* $(,)?) => { $(impl Measure for $text {
        fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
            meter.bytes(self.len())
        }
    })* };
}

texts!(str, String, &'static str);

impl Measure for Value {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        match self {
            Value::Null | Value::Bool(_) => meter.bytes(1),
            Value::Number(_) => meter.bytes(8),
            Value::String(text) => text.measure(meter),
            Value::Array(values) => meter.nested(|meter| {
                meter.bytes(1)?;
                values.iter().try_for_each(|value| value.measure(meter))
            }),
            Value::Object(values) => meter.nested(|meter| {
                meter.bytes(1)?;
                values.iter().try_for_each(|(key, value)| {
                    key.measure(meter)?;
                    value.measure(meter)
                })
            }),
        }
    }
}

impl<M: Measure> Measure for [M] {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        meter.nested(|meter| self.iter().try_for_each(|element| element.measure(meter)))
    }
}

impl<M: Measure> Measure for Vec<M> {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        self.as_slice().measure(meter)
    }
}

impl<M: Measure, const N: usize> Measure for [M; N] {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        self.as_slice().measure(meter)
    }
}

impl<M: Measure, N: Measure> Measure for (M, N) {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        self.0.measure(meter)?;
        self.1.measure(meter)
    }
}

impl<M: Measure + ?Sized> Measure for Box<M> {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        (**self).measure(meter)
    }
}

impl<M: Measure + ?Sized> Measure for Arc<M> {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        (**self).measure(meter)
    }
}

impl<M: Measure> Measure for Option<M> {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        self.as_ref()
            .map_or(Ok(()), |payload| payload.measure(meter))
    }
}

impl Measure for Message {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        let (names, payload) = match self {
            Message::Command(command) => match command {
                Command::Start { module_id } | Command::Stop { module_id } => {
                    ([module_id.as_str(), ""], None)
                }
                Command::Invoke {
                    module_id,
                    method,
                    payload,
                } => ([module_id.as_str(), method], Some(payload)),
                Command::Ping => ([""; 2], None),
            },
            Message::Event(event) => match event {
                Event::ModuleStarted { module_id: name }
                | Event::ModuleStopped { module_id: name }
                | Event::Pong { from: name } => ([name.as_str(), ""], None),
                Event::Custom {
                    module_id,
                    kind,
                    payload,
                } => ([module_id.as_str(), kind], Some(payload)),
            },
        };
        names.iter().try_for_each(|name| meter.bytes(name.len()))?;
        payload.map_or(Ok(()), |payload| payload.measure(meter))
    }
}
