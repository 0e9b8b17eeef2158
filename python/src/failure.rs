//! What went wrong, as the exception that Python programs expect.

use iobeam::Error;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// The exception for a table that cannot be stored as it is.
pub(crate) fn column_error(message: &str) -> PyErr {
    PyValueError::new_err(message.to_owned())
}

/// The exception for a column whose type is none that can be stored.
pub(crate) fn column_type_error(message: &str) -> PyErr {
    Python::attach(|py| raise(py, "ColumnTypeError", message))
}

/// The exception for an error of the client.
pub(crate) fn failure(py: Python<'_>, error: &Error) -> PyErr {
    failure_with(py, error, "")
}

/// The same, with more to say.
pub(crate) fn failure_with(py: Python<'_>, error: &Error, more: &str) -> PyErr {
    let message = format!("{error}{more}");
    let name = match error {
        Error::NoDevice => "NoDeviceError",
        Error::DuplicateId(_) => "DuplicateIdError",
        Error::Full { .. } => "SpoolFullError",
        Error::Spool(_) | Error::File { .. } | Error::Identity { .. } => "SpoolError",
        Error::Unauthorized(_) | Error::Forbidden(_) => "UnauthorizedError",
        Error::Refused { .. } => "RefusedError",
        Error::Busy { .. } | Error::Unreachable { .. } | Error::Deadline { .. } => "NotSentError",
        Error::Forked => "ForkedError",
        Error::Closed => "ClosedError",
        Error::Random(_) | Error::NoSuchBatch(_) => "Error",
        _ => return PyValueError::new_err(message),
    };
    let exception = raise(py, name, &message);
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
