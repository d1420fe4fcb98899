//! Text that a person can trust to be what it looks like.
//!
//! Control characters move a terminal's cursor, bidirectional ones change the order of what stands around them, and
//! those without a width are not seen at all. So where text from outside is shown they are escaped. (What the library
//! quotes with the standard `escape_debug` has all of them escaped already.)

/// Whether a character acts on the text around it, or has no look of its own.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' // a hyphen that shows only where a line breaks
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' // bidirectional
            | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{feff}' // without a width
            | '\u{2028}' | '\u{2029}' // ends of lines and paragraphs
            | '\u{2060}'..='\u{206f}' // of all these kinds
            | '\u{fff9}'..='\u{fffb}' // annotations
            | '\u{e0000}'..='\u{e007f}') // tags
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
            '\u{feff}'..='\u{feff}',
        ] {
            assert!(range.clone().all(is_hidden), "{range:?}");
        }
    }

    #[test]
    fn the_standard_escape_leaves_nothing_hidden() {
        for c in ('\0'..=char::MAX).filter(|c| is_hidden(*c)) {
            let text = format!("a{c}b");
            let shown = text.escape_debug().to_string();
            assert!(!shown.contains(c), "{shown:?}");
        }
    }
}
