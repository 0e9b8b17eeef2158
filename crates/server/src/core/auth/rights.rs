//! What callers may do, and what a call wants of them.

/// What a project token must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Nothing but being good.
    Any,
    /// The right to read.
    Read,
    /// The right to write.
    Write,
    /// The right to administer.
    Admin,
}

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, without a token; one that is sent is not looked at.
    Anyone,
    /// Whoever knows a name and its password.
    LogIn,
    /// A user, with a user token.
    User,
    /// The user who operates this server, with a user token.
    Operator,
    /// The bearer of a project token that holds this right.
    Project(Permission),
    /// Whoever has the key of a shared dashboard.
    Share,
}

impl Access {
    /// As the API's description spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::LogIn => "log-in",
            Self::User => "user",
            Self::Operator => "operator",
            Self::Share => "share",
            Self::Project(Permission::Any) => "project",
            Self::Project(Permission::Read) => "project:read",
            Self::Project(Permission::Write) => "project:write",
            Self::Project(Permission::Admin) => "project:admin",
        }
    }
}
