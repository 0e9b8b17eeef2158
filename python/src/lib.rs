//! The native half of the Python package `iobeam`: what is hot (times, rows, frames) and what needs threads (the
//! client), over the public API of the Rust client.
//!
//! ```text
//! client ──▶ frame ──▶ data_store ──▶ rows ──▶ cell ──▶ timestamp ──▶ failure
//!    └ send, spool, status   └ add, rows, split
//! ```
//!
//! The interpreter is let go of (`detach`) while anything is encoded, sent, or waited for.

use pyo3::prelude::*;

mod client;

mod http;

mod patience;

mod frame;

mod data_store;

mod rows;

mod cell;

mod timestamp;

mod failure;

/// What `iobeam` imports from here.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<timestamp::Timestamp>()?;
    module.add_class::<data_store::DataStore>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<http::Http>()?;
    module.add_function(wrap_pyfunction!(client::base_url, module)?)?;
    module.add_function(wrap_pyfunction!(client::default_backend, module)?)?;
    module.add_function(wrap_pyfunction!(cell::parameter, module)?)?;
    module.add_function(wrap_pyfunction!(client::refuse_inside, module)?)?;
    module.add_function(wrap_pyfunction!(client::stop_listening, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
