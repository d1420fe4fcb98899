//! Filters in words: reads a subscription's filter back from the words in which the log tells it.

use std::str::FromStr;

use oxide_bus::{Pattern, Subject};

/// A subscription's filter, as far as the log tells it.
#[derive(Debug, Clone)]
pub(super) struct FilterWords {
    /// The words for the subjects; `None` for all.
    subjects: Option<NameList<Pattern>>,
    /// The words for sources and predicates; `None` if there are none.
    rest: Option<NameList<String>>,
    is_recorded: bool,
}

/// Words of a log, read once: a filter is asked for each envelope.
#[derive(Debug, Clone)]
struct NameList<T> {
    words: String,
    /// The names in the words. `None` if they are anything else, or may have been changed for the log.
    names: Option<Vec<T>>,
}

/// Whether an envelope passes a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passes {
    Yes,
    No,
    /// The log does not hold what decides: the subject, or a predicate.
    NotRecorded,
}

impl FilterWords {
    pub(super) const fn not_recorded() -> Self {
        FilterWords {
            subjects: None,
            rest: None,
            is_recorded: false,
        }
    }

    /// Reads the `why` of a subscription.
    pub(super) fn read(words: Option<&str>) -> Self {
        let words = words.unwrap_or_default();
        let (subjects, rest) = match words.split_once("; ") {
            _ if !words.starts_with("subjects ") => ("", words),
            Some((subjects, rest)) => (subjects, rest),
            None => (words, ""),
        };
        FilterWords {
            subjects: NameList::read(subjects, "subjects "),
            rest: NameList::read(rest, "sources "),
            is_recorded: true,
        }
    }

    /// Returns the same filter with other subjects: the `why` of a subscription that was set to other patterns.
    pub(super) fn with_subjects(&self, words: Option<&str>) -> Self {
        FilterWords {
            subjects: words.and_then(|words| NameList::read(words, "subjects ")),
            ..self.clone()
        }
    }

    /// Returns whether it passes an envelope of this source, and with this subject if the log tells it.
    pub(super) fn passes(&self, source: &str, subject: Option<&Subject<'_>>) -> Passes {
        if !self.is_recorded {
            return Passes::NotRecorded;
        }
        let by_subject = match &self.subjects {
            None => Passes::Yes,
            Some(list) => subject.zip(list.names.as_ref()).map_or(
                Passes::NotRecorded,
                |(subject, patterns)| {
                    passes_if(patterns.iter().any(|pattern| pattern.matches(subject)))
                },
            ),
        };
        let by_source = match &self.rest {
            None => Passes::Yes,
            Some(list) => list.names.as_ref().map_or(Passes::NotRecorded, |sources| {
                passes_if(sources.iter().any(|listed| listed == source))
            }),
        };
        match (by_subject, by_source) {
            (Passes::No, _) | (_, Passes::No) => Passes::No,
            (Passes::Yes, Passes::Yes) => Passes::Yes,
            _ => Passes::NotRecorded,
        }
    }
}

fn passes_if(passes: bool) -> Passes {
    if passes { Passes::Yes } else { Passes::No }
}

impl<T: FromStr> NameList<T> {
    /// `None` if there are no words.
    fn read(words: &str, before: &str) -> Option<Self> {
        (!words.is_empty()).then(|| NameList {
            words: words.to_owned(),
            names: listed(words, before),
        })
    }
}

/// Reads a list of names, each between backticks.
fn listed<T: FromStr>(words: &str, before: &str) -> Option<Vec<T>> {
    let list = words.strip_prefix(before)?;
    let list = list.strip_prefix('`')?.strip_suffix('`')?;
    (list.split("`, `"))
        .map(|name| {
            let is_exact = !name.contains('`') && !name.contains("\\u{");
            name.parse().ok().filter(|_| is_exact)
        })
        .collect()
}

impl std::fmt::Display for FilterWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subjects = self.subjects.as_ref().map(|it| &*it.words);
        let rest = self.rest.as_ref().map(|it| &*it.words);
        match (self.is_recorded, subjects, rest) {
            (false, None, _) => f.write_str("not recorded"),
            (false, Some(subjects), _) => write!(f, "{subjects}; the rest is not recorded"),
            (true, None, None) => f.write_str("everything"),
            (true, Some(words), None) | (true, None, Some(words)) => f.write_str(words),
            (true, Some(subjects), Some(rest)) => write!(f, "{subjects}; {rest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_only_where_they_are_all_that_decides() {
        let subject = Subject::new(["event", "started", "web"]);
        let passes =
            |words: Option<&str>| FilterWords::read(words).passes("kernel", Some(&subject));
        assert_eq!(passes(None), Passes::Yes);
        assert_eq!(
            passes(Some("subjects `command.>`, `event.*.web`")),
            Passes::Yes
        );
        assert_eq!(
            passes(Some("subjects `command.>`; a predicate")),
            Passes::No
        );
        assert_eq!(
            passes(Some("subjects `event.>`; a predicate")),
            Passes::NotRecorded
        );
        assert_eq!(passes(Some("sources `kernel`")), Passes::Yes);
        assert_eq!(passes(Some("sources `web`")), Passes::No);
        assert_eq!(
            passes(Some("sources `kernel`; 2 predicates")),
            Passes::NotRecorded
        );
        assert_eq!(
            passes(Some("subjects `event.>`; sources `kernel`")),
            Passes::Yes
        );
        // Words that are cut, strange or escaped decide nothing.
        for words in [
            "subjects `a`, `event.…",
            "words",
            "subjects `x`y`",
            "sources `\\u{202e}`",
        ] {
            assert_eq!(passes(Some(words)), Passes::NotRecorded, "{words}");
        }
        let by_subject = FilterWords::read(Some("subjects `event.>`"));
        assert_eq!(by_subject.passes("kernel", None), Passes::NotRecorded);
        let set = FilterWords::read(Some("subjects `event.>`; sources `web`"));
        let set = set.with_subjects(Some("subjects `command.>`"));
        assert_eq!(set.to_string(), "subjects `command.>`; sources `web`");
        assert_eq!(
            FilterWords::not_recorded().passes("kernel", Some(&subject)),
            Passes::NotRecorded
        );
    }
}
