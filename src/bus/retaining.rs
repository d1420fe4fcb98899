//! Retaining: keeping envelopes that later subscribers receive first.
//!
//! The engine keeps them; this module offers the rules on [`Bus`] and gives a new subscription its backlog.

use std::collections::VecDeque;

use crate::bus::error::RetainError;
use crate::bus::handle::Bus;
use crate::engine::activation_point::ActivationPoint;
use crate::engine::filter::Panicked;
use crate::engine::queue_kind::Queue;
use crate::engine::retained::{MAX_RETAINED, MAX_RETAINED_PATTERNS, Rule};
use crate::message::advisory::Eviction;
use crate::message::envelope::Envelope;
use crate::message::pattern::{Pattern, PatternError};
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;

/// # Retaining
impl<M: Payload> Bus<M> {
    /// Retains the last `count` envelopes that match the pattern, of those that are published from now on.
    ///
    /// A later subscriber that listens to them receives them first, in order, and then what is published, without a gap
    /// and without a duplicate. A subscriber that listens to none of them gets none. An envelope that matches several
    /// patterns comes once.
    ///
    /// Retained envelopes come beside the subscription's queue. They take none of its capacity and are not part of its
    /// accounts, but [`len`](crate::Subscription::len) counts them. A member of a
    /// [group](crate::SubscribeOptions::group) gets none, as the group may have had them. An [audit log](crate::audit)
    /// gets none either: it begins with what is published after it.
    ///
    /// Retaining for the same pattern again changes the count. A count of 0 frees what was retained and retains no
    /// more.
    ///
    /// A payload whose type gives no [`subject`](Payload::subject) is retained for no pattern.
    ///
    /// # Errors
    ///
    /// [`RetainError::Pattern`] if the text is not a pattern; [`RetainError::TooManyEnvelopes`] with a count above
    /// [`MAX_RETAINED`]; [`RetainError::TooManyPatterns`] with [`MAX_RETAINED_PATTERNS`] patterns already;
    /// [`RetainError::Closed`] if the bus has closed.
    ///
    /// # Cost
    ///
    /// When a segment is opened, each envelope of the segment before is asked for its subject, once. If some match a
    /// pattern, as many handles as are retained for that pattern are copied. A retained envelope keeps its segment, and
    /// so its neighbours; see [`Delivery`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Event;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// bus.retain("event.started.>", 10)?;
    /// bus.emit_event("kernel", Event::ModuleStarted { module_id: "echo".into() })?;
    ///
    /// let mut late = bus.subscribe();
    /// let started = late.try_recv()?;
    /// assert_eq!(started.message, Event::ModuleStarted { module_id: "echo".into() }.into());
    ///
    /// bus.retain("event.started.>", 0)?;
    /// assert!(bus.subscribe().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain<P>(&self, pattern: P, count: usize) -> Result<(), RetainError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let pattern = (pattern.try_into()).map_err(|error| RetainError::Pattern(error.into()))?;
        if count > MAX_RETAINED {
            return Err(RetainError::TooManyEnvelopes {
                limit: MAX_RETAINED,
            });
        }
        let rule = Rule {
            pattern,
            count,
            subject: |envelope: &Envelope<M>| envelope.message.subject(),
        };
        let mut outcome = Err(RetainError::Closed);
        self.core.change_rules(|rules| {
            let known = rules.iter().position(|it| it.pattern == rule.pattern);
            let mut rules = rules.to_vec();
            outcome = Ok(());
            match known {
                None if count == 0 => return None,
                None if rules.len() == MAX_RETAINED_PATTERNS => {
                    outcome = Err(RetainError::TooManyPatterns {
                        limit: MAX_RETAINED_PATTERNS,
                    });
                    return None;
                }
                None => rules.push(rule),
                Some(known) if count == 0 => drop(rules.remove(known)),
                Some(known) => rules[known].count = count,
            }
            Some(rules.into())
        });
        outcome
    }

    /// Returns what a new subscriber with this filter receives first. If one of its predicates panics, the subscription
    /// is evicted and the backlog ends there.
    pub(crate) fn backlog(
        &self,
        activation: &ActivationPoint,
        queue: &Queue<M>,
    ) -> VecDeque<Delivery<M>> {
        let mut retained = self.core.retained(activation);
        let Queue::Direct(queue, filter) = queue else {
            return retained.collect();
        };
        let mut backlog = VecDeque::new();
        let asked = retained.try_for_each(|delivery| {
            let addresses = filter.addresses(&delivery, &delivery.message.subject());
            if addresses && filter.judge(&delivery)? {
                backlog.push_back(delivery);
            }
            Ok::<_, Panicked>(())
        });
        if asked.is_err() {
            (self.core).failed([(&**queue, Eviction::PredicatePanicked)]);
        }
        backlog
    }
}
