//! A serializer that writes nothing and finds the first float that is not finite.
//!
//! `serde_json` silently writes NaN and the infinities as `null`. So the codec walks a message once more if its JSON
//! contains a `null`. A message without a `null` is not walked, and the place is put together only if there is a float
//! to report.
//!
//! The tests are in `tests/library/codec/floats.rs`.

use std::fmt;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Value;

use super::error::quoted;
use crate::message::excerpt;

/// Returns the place of the first float in a message that is not finite, such as `message.samples[3].celsius`.
pub(super) fn not_finite(message: &impl Serialize) -> Option<String> {
    let Err(Halt::NotFinite { steps, .. }) = message.serialize(Walk) else {
        return None;
    };
    let place: String = ["message"]
        .into_iter()
        .chain(steps.iter().rev().map(String::as_str))
        .collect();
    Some(excerpt::name(&place).into_owned())
}

/// The reason why a walk stops.
#[derive(Debug)]
enum Halt {
    NotFinite {
        float: f64,
        /// The path to the float, the last step first.
        steps: Vec<String>,
    },
    /// The message's own implementation failed.
    Other,
}

impl Halt {
    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        if let Halt::NotFinite { steps, .. } = &mut self {
            steps.push(step());
        }
        self
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Halt::NotFinite { .. } => "a float that is not finite",
            Halt::Other => "the message's own error",
        })
    }
}

impl std::error::Error for Halt {}

impl Error for Halt {
    fn custom<T: fmt::Display>(_text: T) -> Self {
        Halt::Other
    }
}

fn member(name: &str) -> String {
    format!(".{name}")
}

/// Returns the step to the value of a key, with the key as JSON writes it.
fn key_step<K: Serialize + ?Sized>(key: &K) -> String {
    match serde_json::to_value(key) {
        Ok(Value::String(text)) => member(&quoted(&text)),
        Ok(other) => member(&other.to_string()),
        Err(_) => "[?]".to_owned(),
    }
}

/// The serializer: visits every value, and writes nothing.
struct Walk;

/// The walk over the parts of a value.
#[derive(Default)]
struct Branch {
    variant: Option<&'static str>,
    /// The index of the next part, in sequences and tuples.
    next: usize,
    /// The step to the next part, in maps whose keys and values come apart.
    key: String,
}

impl Branch {
    fn of(variant: &'static str) -> Self {
        Branch {
            variant: Some(variant),
            ..Branch::default()
        }
    }

    fn part<T: Serialize + ?Sized>(
        &self,
        part: &T,
        step: impl FnOnce() -> String,
    ) -> Result<(), Halt> {
        part.serialize(Walk).map_err(|halt| {
            let halt = halt.within(step);
            match self.variant {
                Some(variant) => halt.within(|| member(variant)),
                None => halt,
            }
        })
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Halt> {
        let index = self.next;
        self.next += 1;
        self.part(item, || format!("[{index}]"))
    }
}

/// Methods for values that contain no float.
macro_rules! nothing_to_find {
    ($($method:ident($($type:ty),*))*) => { $(
        fn $method(self, $(_: $type),*) -> Result<(), Halt> {
            Ok(())
        }
    )* };
}

impl Serializer for Walk {
    type Ok = ();
    type Error = Halt;
    type SerializeSeq = Branch;
    type SerializeTuple = Branch;
    type SerializeTupleStruct = Branch;
    type SerializeTupleVariant = Branch;
    type SerializeMap = Branch;
    type SerializeStruct = Branch;
    type SerializeStructVariant = Branch;

    nothing_to_find! {
        serialize_bool(bool)
        serialize_i8(i8)
        serialize_i16(i16)
        serialize_i32(i32)
        serialize_i64(i64)
        serialize_i128(i128)
        serialize_u8(u8)
        serialize_u16(u16)
        serialize_u32(u32)
        serialize_u64(u64)
        serialize_u128(u128)
        serialize_char(char)
        serialize_str(&str)
        serialize_bytes(&[u8])
        serialize_none()
        serialize_unit()
        serialize_unit_struct(&'static str)
        serialize_unit_variant(&'static str, u32, &'static str)
    }

    fn serialize_f32(self, float: f32) -> Result<(), Halt> {
        self.serialize_f64(float.into())
    }

    fn serialize_f64(self, float: f64) -> Result<(), Halt> {
        if float.is_finite() {
            return Ok(());
        }
        let steps = Vec::new();
        Err(Halt::NotFinite { float, steps })
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Halt> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Halt> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Halt> {
        value
            .serialize(self)
            .map_err(|halt| halt.within(|| member(variant)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Branch, Halt> {
        Ok(Branch::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Branch, Halt> {
        Ok(Branch::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Branch, Halt> {
        Ok(Branch::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Branch, Halt> {
        Ok(Branch::of(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Branch, Halt> {
        Ok(Branch::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Branch, Halt> {
        Ok(Branch::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Branch, Halt> {
        Ok(Branch::of(variant))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Halt> {
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident)*) => { $(
        impl $trait for Branch {
            type Ok = ();
            type Error = Halt;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Halt> {
                self.item(item)
            }

            fn end(self) -> Result<(), Halt> {
                Ok(())
            }
        }
    )* };
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => { $(
        impl $trait for Branch {
            type Ok = ();
            type Error = Halt;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Halt> {
                self.part(value, || member(name))
            }

            fn end(self) -> Result<(), Halt> {
                Ok(())
            }
        }
    )* };
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Branch {
    type Ok = ();
    type Error = Halt;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Halt> {
        check_key(key)?;
        self.key = key_step(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Halt> {
        self.part(value, || self.key.clone())
    }

    /// Makes the key's text only if the value contains the float.
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Halt> {
        check_key(key)?;
        self.part(value, || key_step(key))
    }

    fn end(self) -> Result<(), Halt> {
        Ok(())
    }
}

/// Checks a key. `serde_json` refuses a float that is not finite there, but does not name the place.
fn check_key<K: Serialize + ?Sized>(key: &K) -> Result<(), Halt> {
    key.serialize(Walk).map_err(|halt| match halt {
        Halt::NotFinite { float, .. } => halt.within(|| format!("[{float}]")),
        Halt::Other => halt,
    })
}
