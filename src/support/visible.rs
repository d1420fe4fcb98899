//! The characters that are escaped where text from outside is shown to a person.
//!
//! Control characters move a terminal's cursor, bidirectional ones change the order of what stands around them, and
//! those without a width are not seen at all. (The standard
//! `char::escape_debug` escapes all of them; `str::escape_debug` leaves some inside a text.)

/// Whether a character acts on the text around it, or has no look of its own.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' // a hyphen that shows only where a line breaks
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' // bidirectional
            | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{feff}' // without a width
            | '\u{fe00}'..='\u{fe0f}' // variation selectors
            | '\u{2028}' | '\u{2029}' // ends of lines and paragraphs
            | '\u{2060}'..='\u{206f}' // of all these kinds
            | '\u{fff9}'..='\u{fffb}' // annotations
            | '\u{1d173}'..='\u{1d17a}' // controls of musical notation
            | '\u{e0000}'..='\u{e0fff}') // tags, and more variation selectors
}

/// The text with its hidden characters as `\n` or `\u{202e}`, in one line.
pub(crate) fn escaped(chars: impl IntoIterator<Item = char>) -> String {
    let mut text = String::new();
    for c in chars {
        if is_hidden(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_escaped_and_all_else_is_as_it_was() {
        let plain = "a\\n é e\u{301} 日本 हि ไทย 😀 `'\"";
        assert_eq!(escaped(plain.chars()), plain);
        assert_eq!(
            escaped("a\u{202e}b\u{200b}\n\u{7f}\u{9b}\u{2028}\u{feff}".chars()),
            r"a\u{202e}b\u{200b}\n\u{7f}\u{9b}\u{2028}\u{feff}"
        );
        for range in [
            '\0'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{61c}'..='\u{61c}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{2064}',
            '\u{2066}'..='\u{206f}',
            '\u{34f}'..='\u{34f}',
            '\u{180b}'..='\u{180f}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{feff}'..='\u{feff}',
            '\u{e0100}'..='\u{e01ef}',
        ] {
            assert!(range.clone().all(is_hidden), "{range:?}");
        }
    }

    #[test]
    fn the_standard_escape_of_a_character_leaves_nothing_hidden() {
        for c in ('\0'..=char::MAX).filter(|c| is_hidden(*c)) {
            assert!(!c.escape_debug().any(is_hidden), "{c:?}");
        }
    }
}
