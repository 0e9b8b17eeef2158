#![doc = include_str!("../README.md")]

pub mod users;

pub mod projects;

pub mod devices;

pub mod tokens;

pub mod namespaces;

pub mod orphans;

pub mod deletions;

pub mod refusals;

pub mod shares;

pub mod dashboards;

mod audit_log;

mod membership;

mod addresses;

pub mod database;

pub mod audit;

pub mod record;

mod password;

mod secret;

pub mod error;

pub use addresses::network;
pub use audit::{Actor, AuditAction, AuditEntry, AuditEvent, AuditFilter, AuditSeal};
pub use dashboards::{DashboardChanges, ListedDashboard, NewDashboard};
pub use database::{Catalog, Contents, Settings, inspect};
pub use devices::{
    DeviceChanges, DeviceOrder, DeviceSearch, DeviceState, FoundDevices, NewDevice, Page, Patience,
};
pub use error::CatalogError;
pub use namespaces::{FieldChange, NamespaceChanges, NewNamespace};
pub use projects::PermissionChange;
pub use record::{
    Changed, Dashboard, Deletion, Device, Invite, Namespace, Project, ProjectInvite, Refusal,
    Share, Token, TokenOwner, UnknownWord, User, UserState,
};
pub use tokens::{MemberTokens, NEVER_EXPIRES, NewToken};
pub use users::{AccountUpdate, EmailChange, NewProjectInvite, NewUser, SignUp, UserChanges};
