//! What went wrong, as the exception that Python programs expect.

use iobeam::Error;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// The exception for an error of the client.
pub(crate) fn failure(py: Python<'_>, error: &Error) -> PyErr {
    let name = match error {
        Error::NoDevice => "NoDeviceError",
        Error::DuplicateId(_) => "DuplicateIdError",
        Error::Full { .. } => "SpoolFullError",
        Error::Spool(_) | Error::File { .. } => "SpoolError",
        Error::Unauthorized(_) | Error::Forbidden(_) => "UnauthorizedError",
        Error::Refused { .. } => "RefusedError",
        Error::Busy { .. } | Error::Unreachable { .. } | Error::Deadline { .. } => "NotSentError",
        Error::Forked => "ForkedError",
        Error::Closed => "ClosedError",
        Error::Random(_) | Error::NoSuchBatch(_) => "Error",
        _ => return PyValueError::new_err(error.to_string()),
    };
    let exception = raise(py, name, &error.to_string());
    if let Error::Refused { status, code, .. } = error {
        let value = exception.value(py);
        // An exception that cannot be given attributes still says it all in its text.
        let _ = value.setattr("status", *status);
        let _ = value.setattr("code", code.0);
    }
    exception
}

/// An exception of `iobeam.errors`.
pub(crate) fn raise(py: Python<'_>, name: &str, message: &str) -> PyErr {
    let class = py.import("iobeam.errors").and_then(|errors| errors.getattr(name));
    match class.and_then(|class| class.call1((message,))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(_) => PyRuntimeError::new_err(message.to_owned()),
    }
}
