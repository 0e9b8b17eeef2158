//! The protocols that the platform speaks. Each turns what comes in into calls of the core, and what the core answers into
//! what its protocol says.

pub(crate) mod http;

pub(crate) mod listener;

pub(crate) mod tls;
