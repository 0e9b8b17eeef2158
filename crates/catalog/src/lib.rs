#![doc = include_str!("../README.md")]

pub mod users;

pub mod projects;

pub mod tokens;

pub mod devices;

pub mod namespaces;

pub mod deletions;

pub mod refusals;

pub mod shares;

pub mod dashboards;

mod audit_log;

pub mod database;

pub mod audit;

pub mod record;

mod password;

mod secret;

pub mod error;

pub use audit::{Actor, AuditAction, AuditEntry, AuditEvent};
pub use dashboards::{DashboardChanges, ListedDashboard, NewDashboard};
pub use database::{Catalog, Contents, Settings, inspect};
pub use devices::{
    DeviceChanges, DeviceOrder, DeviceSearch, DeviceState, FoundDevices, NewDevice, Page, Patience,
};
pub use error::CatalogError;
pub use namespaces::{NamespaceChanges, NewNamespace};
pub use projects::PermissionChange;
pub use record::{
    Changed, Dashboard, Deletion, Device, Invite, Namespace, Project, ProjectInvite, Refusal,
    Share, Token, User,
};
pub use tokens::NewToken;
pub use users::{NewProjectInvite, NewUser, SignUp, UserChanges};
