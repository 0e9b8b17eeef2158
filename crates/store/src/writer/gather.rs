//! What waits in the inbox becomes one group: one sync for all of it.

use crossbeam_channel::Receiver;

use crate::intake::{Answer, Prepared};

use super::{Lookup, Message};

/// Lookups that are answered behind one group. More of them end it: what is asked must not keep what is written waiting.
const MAX_LOOKUPS: usize = 64;

/// What is done together.
pub(super) struct Gathered {
    /// Writes for one sync.
    pub(super) group: Vec<(Prepared, Answer)>,
    /// What was asked meanwhile: it is answered once the group is stored.
    pub(super) lookups: Vec<Lookup>,
    /// What ended the group, and comes behind it.
    pub(super) next: Option<Message>,
}

/// Takes what else waits, up to a size, until something comes that is neither a write nor a lookup.
pub(super) fn gather(
    bytes: usize,
    first: (Prepared, Answer),
    inbox: &Receiver<Message>,
) -> Gathered {
    let mut weight = first.0.weight;
    let mut gathered = Gathered { group: vec![first], lookups: Vec::new(), next: None };
    while weight < bytes && gathered.lookups.len() < MAX_LOOKUPS {
        match inbox.try_recv() {
            Ok(Message::Write(write, answer)) => {
                weight += write.weight;
                gathered.group.push((write, answer));
            }
            Ok(Message::LookUp(lookup)) => gathered.lookups.push(lookup),
            Ok(other) => {
                gathered.next = Some(other);
                break;
            }
            Err(_) => break,
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;
    use iobeam_model::{NamespaceName, ProjectId};
    use tokio::sync::oneshot;

    use super::*;

    fn project() -> ProjectId {
        ProjectId::new(1).expect("positive")
    }

    fn write() -> (Prepared, Answer) {
        let nothing =
            Prepared { project: project(), body: None, parts: Vec::new(), rows: 0, weight: 10 };
        (nothing, oneshot::channel().0)
    }

    fn lookup() -> Message {
        let (answer, key) = (oneshot::channel().0, (project(), NamespaceName::input()));
        Message::LookUp(Lookup { key, stream: [7; 16], answer })
    }

    fn written() -> Message {
        let (write, answer) = write();
        Message::Write(write, answer)
    }

    #[test]
    fn lookups_do_not_end_a_group_unless_there_are_very_many() {
        let (sender, inbox) = unbounded();
        for _ in 0..5 {
            sender.send(lookup()).expect("taken");
            sender.send(written()).expect("taken");
        }
        sender.send(Message::Close(None)).expect("taken");
        let Gathered { group, lookups, next } = gather(1000, write(), &inbox);
        assert_eq!((group.len(), lookups.len()), (6, 5));
        assert!(matches!(next, Some(Message::Close(None))));
        for _ in 0..2 * MAX_LOOKUPS {
            sender.send(lookup()).expect("taken");
        }
        sender.send(written()).expect("taken");
        let Gathered { group, lookups, next } = gather(1000, write(), &inbox);
        assert_eq!((group.len(), lookups.len(), next.is_none()), (1, MAX_LOOKUPS, true));
        assert_eq!(gather(20, write(), &inbox).lookups.len(), MAX_LOOKUPS);
        assert_eq!(gather(20, write(), &inbox).group.len(), 2);
    }
}
