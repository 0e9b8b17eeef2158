#![doc = include_str!("../README.md")]

mod builder;

mod client;

mod worker;

mod sender;

mod query;

mod store;

mod transfer;

mod outbox;

mod fate;

mod collected;

mod spool;

mod row_log;

mod rows;

mod slices;

mod content_id;

mod token;

mod http;

mod report;

mod event;

mod rejected;

mod identity;

mod backend;

mod backoff;

mod device_time;

mod signal;

mod status;

mod settings;

mod value;

mod error;

pub use backend::{base_url, default_backend};
pub use builder::Builder;
pub use client::Client;
pub use error::Error;
pub use event::{Event, Level};
pub use http::Reply;
pub use iobeam_model::{
    Batch, BatchId, Bitmap, Clock, Column, DeviceId, FieldName, FieldType, NameError,
    NamespaceName, Permissions, ProjectId, Remedy, SystemClock, Texts, Timestamp, Value, Values,
};
pub use query::{Query, TokenWish, ask_backend, fetch_project_token};
pub use rejected::{Rejected, RejectedFolder};
pub use settings::{AutoSend, Compression, WhenFull};
pub use status::{LastError, Status, Waiting};
pub use store::DataStore;
pub use transfer::{Outcome, Transfer};
pub use value::{Reading, TimeUnit};
