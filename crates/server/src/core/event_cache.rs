//! Events that are the same for many: made once, one at a time, and shared.
//!
//! ```text
//! who watches what, from which point to which ─ made already? ─ yes ─▶ shared bytes
//!                                                └ no ─ one's turn ─▶ make it, keep it for the others
//! ```
//!
//! Invariant: all live connections together take one core at most, so that imports are acknowledged whoever watches.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use iobeam_store::Point;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

/// How many events are kept for others that want the same.
const MAX_EVENTS: usize = 64;
/// Bytes of all of them.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// What an event is made of: of whom and what, from one point to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventKey {
    /// Project, namespace and selection, written out.
    pub(crate) selection: Arc<str>,
    /// Rows after this point ...
    pub(crate) from: Point,
    /// ... up to this one.
    pub(crate) to: Point,
}

/// The events made last.
#[derive(Debug)]
pub(crate) struct EventCache {
    turn: Semaphore,
    /// The newest first; one without bytes has no row that was wanted.
    events: Mutex<VecDeque<(EventKey, Bytes)>>,
}

impl Default for EventCache {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), events: Mutex::default() }
    }
}

impl EventCache {
    /// The event of that key, which `make` makes if it is not there.
    pub(crate) async fn event<E>(
        &self,
        key: EventKey,
        make: impl FnOnce() -> Result<Option<Bytes>, E>,
    ) -> Result<Option<Bytes>, E> {
        if let Some(event) = self.find(&key) {
            return Ok(wanted(event));
        }
        // It is never closed; without a turn the event is made all the same.
        let _turn = self.turn.acquire().await;
        if let Some(event) = self.find(&key) {
            return Ok(wanted(event));
        }
        let event = make()?.unwrap_or_default();
        self.keep(key, event.clone());
        // Others have something to do as well.
        tokio::task::yield_now().await;
        Ok(wanted(event))
    }

    fn find(&self, key: &EventKey) -> Option<Bytes> {
        let events = self.events.lock();
        events.iter().find(|(known, _)| known == key).map(|(_, event)| event.clone())
    }

    fn keep(&self, key: EventKey, event: Bytes) {
        let mut events = self.events.lock();
        events.push_front((key, event));
        let mut bytes = 0;
        let fitting = events.iter().take(MAX_EVENTS).take_while(|(_, event)| {
            bytes += event.len();
            bytes <= MAX_EVENT_BYTES
        });
        let fitting = fitting.count();
        events.truncate(fitting);
    }
}

fn wanted(event: Bytes) -> Option<Bytes> {
    (!event.is_empty()).then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_event_is_made_once_for_all_who_want_the_same() {
        let cache = EventCache::default();
        let point: Point = "7-1".parse().expect("a point");
        let key = |name: &str| EventKey { selection: name.into(), from: point, to: point };
        let mut made = 0;
        for _ in 0..1000 {
            let event = cache.event(key("a"), || {
                made += 1;
                Ok::<_, ()>(Some(Bytes::from_static(b"event")))
            });
            assert_eq!(event.await, Ok(Some(Bytes::from_static(b"event"))));
        }
        assert_eq!(made, 1);
        for name in 0..200 {
            let big = Bytes::from(vec![0; 1 << 20]);
            let event = cache.event(key(&name.to_string()), || Ok::<_, ()>(Some(big)));
            event.await.expect("made");
        }
        assert!(cache.events.lock().len() <= 4, "what is kept is bounded by its bytes");
    }
}
