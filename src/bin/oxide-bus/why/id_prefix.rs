//! An id as a user gives it: whole, or enough of its beginning.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// How many hexadecimal digits an id has.
const DIGITS: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct IdPrefix {
    /// The digits in lower case, without hyphens.
    digits: String,
}

impl IdPrefix {
    pub(super) fn is_of(&self, id: Uuid) -> bool {
        let mut buffer = Uuid::encode_buffer();
        id.simple()
            .encode_lower(&mut buffer)
            .starts_with(&self.digits)
    }
}

impl FromStr for IdPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits: String = (text.chars().filter(|c| *c != '-'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        if is_hex && (1..=DIGITS).contains(&digits.len()) {
            Ok(IdPrefix { digits })
        } else {
            Err("it must be an id, or its first hexadecimal digits".to_owned())
        }
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}
