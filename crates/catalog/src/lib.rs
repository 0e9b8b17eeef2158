#![doc = include_str!("../README.md")]

pub mod users;

pub mod projects;

pub mod tokens;

pub mod devices;

pub mod namespaces;

pub mod database;

pub mod record;

mod password;

mod secret;

pub mod error;

pub use database::{Catalog, Contents, Settings, inspect};
pub use devices::{DeviceChanges, NewDevice, Page};
pub use error::CatalogError;
pub use namespaces::{NamespaceChanges, NewNamespace};
pub use projects::PermissionChange;
pub use record::{Changed, Device, Invite, Namespace, Project, Token, User};
pub use tokens::NewToken;
pub use users::{NewUser, SignUp, UserChanges};
