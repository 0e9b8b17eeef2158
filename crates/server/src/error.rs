//! Why the platform could not start, or had to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use iobeam_model::Remedy;

/// Why the platform could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder of the data directory cannot be used.
    #[error("{path}: {doing}: {source}", path = path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// A part of the platform did not start.
    #[error("{part}: {reason}")]
    Part {
        /// Which part.
        part: &'static str,
        /// What it said.
        reason: String,
    },
}

impl ServeError {
    /// Whose move it is: always the operator's, who is the one reading this.
    pub fn remedy(&self) -> Remedy {
        Remedy::CallOperator
    }
}
