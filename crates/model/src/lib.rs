#![doc = include_str!("../README.md")]

pub mod batch;

pub mod id;

pub mod name;

pub mod permissions;

pub mod value;

pub mod retention;

pub mod time;

mod iso;

pub mod remedy;

pub use batch::{Batch, BatchError, BatchId, Bitmap, Column, Texts, Values};
pub use id::{DeviceId, NamespaceId, ProjectId, TokenId, UserId};
pub use name::{FieldName, NameError, NamespaceName};
pub use permissions::Permissions;
pub use remedy::Remedy;
pub use retention::Retention;
pub use time::{Clock, SystemClock, TimeFormat, Timestamp};
pub use value::{FieldType, Value};
