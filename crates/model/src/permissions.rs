//! What a user or a token may do in a project.

/// A set of rights on one project.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Permissions {
    /// See devices and query readings.
    pub read: bool,
    /// Register devices and send readings.
    pub write: bool,
    /// Change the project itself: namespaces, members, tokens.
    pub admin: bool,
}

impl Permissions {
    /// Every right.
    pub const ALL: Self = Self { read: true, write: true, admin: true };
    /// No right at all.
    pub const NONE: Self = Self { read: false, write: false, admin: false };

    /// The bit set a token carries: read 1, write 2, admin 4.
    pub const fn bits(self) -> u8 {
        self.read as u8 | (self.write as u8) << 1 | (self.admin as u8) << 2
    }

    /// The set behind the bits; `None` when an unknown bit is set.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits > 7 {
            return None;
        }
        Some(Self { read: bits & 1 != 0, write: bits & 2 != 0, admin: bits & 4 != 0 })
    }

    /// Whether each right of `other` is in this set.
    pub const fn covers(self, other: Self) -> bool {
        self.bits() & other.bits() == other.bits()
    }

    /// Whether there is no right in it.
    pub const fn is_empty(self) -> bool {
        self.bits() == 0
    }
}
