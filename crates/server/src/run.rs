//! Starting and stopping the platform.

use std::future::Future;

use crate::config::Config;
use crate::error::ServeError;

/// Serves until `shutdown` is ready.
///
/// # Errors
/// When the platform cannot start.
pub async fn serve(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    let _ = config;
    shutdown.await;
    Ok(())
}
