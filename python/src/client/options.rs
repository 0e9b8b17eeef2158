//! The options of a client, as the Rust client's builder.

use std::path::PathBuf;
use std::time::Duration;

use iobeam::WhenFull;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::listen;

fn seconds(options: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<Duration>> {
    let Some(given) = option::<f64>(options, name)? else { return Ok(None) };
    Duration::try_from_secs_f64(given).map(Some).map_err(|_| {
        PyValueError::new_err(format!("{name} must be a number of seconds, not {given}"))
    })
}

/// An option, if it is given.
pub(super) fn option<'py, T: for<'a> FromPyObject<'a, 'py>>(
    options: &Bound<'py, PyDict>,
    name: &str,
) -> PyResult<Option<T>> {
    let given = options.get_item(name)?.filter(|given| !given.is_none());
    given
        .map(|given| {
            given
                .extract::<T>()
                .map_err(|_| PyValueError::new_err(format!("{name} cannot be {given}")))
        })
        .transpose()
}

/// What the options say, as the Rust client's builder.
pub(super) fn builder(project: i64, token: &str, options: &Bound<'_, PyDict>) -> PyResult<iobeam::Builder> {
    let mut builder = iobeam::Client::builder(project, token);
    if let Some(url) = option::<String>(options, "backend")? {
        builder = builder.backend(url);
    }
    if let Some(dir) = option::<PathBuf>(options, "save_to")? {
        builder = builder.save_to_disk(dir);
    }
    if let Some(id) = option::<String>(options, "device_id")? {
        builder = builder.device_id(id);
    }
    if let Some((id, name, take_over)) =
        option::<(Option<String>, Option<String>, bool)>(options, "register")?
    {
        builder = match id {
            None => builder.register_device(),
            Some(id) if take_over => builder.register_or_set_id(id),
            Some(id) => builder.register_device_with_id(id),
        };
        if let Some(name) = name {
            builder = builder.device_name(name);
        }
    }
    builder = spooling(builder, options)?;
    if let Some(file) = option::<PathBuf>(options, "tls_ca")? {
        builder = builder.tls_ca(file);
    }
    if let Some(request) = seconds(options, "timeout")? {
        builder = builder.timeouts(request.min(Duration::from_secs(10)), request);
    }
    if let Some(deadline) = seconds(options, "send_timeout")? {
        builder = builder.send_deadline(deadline);
    }
    if let Some(deadline) = seconds(options, "close_timeout")? {
        builder = builder.close_deadline(deadline);
    }
    if option::<bool>(options, "clock_from_server")?.unwrap_or(false) {
        builder = builder.clock_from_server();
    }
    if option::<bool>(options, "mark_clock")?.unwrap_or(false) {
        builder = builder.mark_clock();
    }
    if let Some(listener) = option::<Py<PyAny>>(options, "on_event")? {
        builder = builder.on_event(move |event| listen::tell(&listener, event));
    }
    if let Some(log) = option::<Py<PyAny>>(options, "log")? {
        builder = builder.on_log(move |level, line| listen::write(&log, level, line));
    }
    Ok(builder)
}

fn spooling(
    mut builder: iobeam::Builder,
    options: &Bound<'_, PyDict>,
) -> PyResult<iobeam::Builder> {
    if let Some(dir) = option::<PathBuf>(options, "spool")? {
        builder = builder.spool(dir);
    }
    if let Some(bytes) = option::<u64>(options, "spool_limit")? {
        builder = builder.spool_limit(bytes);
    }
    if let Some(policy) = option::<String>(options, "when_full")? {
        builder = builder.when_full(match policy.as_str() {
            "refuse" => WhenFull::Refuse,
            "drop_oldest" => WhenFull::DropOldest,
            "drop_newest" => WhenFull::DropNewest,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "when_full cannot be {policy:?}; choose \"refuse\", \"drop_oldest\" or \"drop_newest\""
                )));
            }
        });
    }
    if let Some(every) = seconds(options, "auto_send")? {
        builder = builder.auto_send(every);
    }
    if let Some(rows) = option::<usize>(options, "auto_send_rows")? {
        builder = builder.auto_send_rows(rows);
    }
    Ok(builder)
}
