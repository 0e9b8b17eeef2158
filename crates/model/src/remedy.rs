//! Whose move it is when something failed: one word, shared by both ends of the wire.

/// What whoever hears of a failure should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same again, later: it may work then.
    Retry,
    /// Change the request: as it is, it will never work.
    FixRequest,
    /// Call whoever runs the platform: neither waiting nor changing helps.
    CallOperator,
}
