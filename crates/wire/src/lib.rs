#![doc = include_str!("../README.md")]

pub mod import;

pub mod v1;

pub mod token;

pub mod batch;

pub mod problem;

pub mod error;

pub use error::{CodecError, ImportError};
