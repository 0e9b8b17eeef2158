//! How a client behaves: plain data, filled in by the builder.

use std::path::PathBuf;
use std::time::Duration;

pub use iobeam_wire::batch::Compression;

/// What happens to new readings when as many wait as may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// `add` says so, and nothing is lost that was taken.
    #[default]
    Refuse,
    /// The oldest rows make room. How many were lost is counted.
    DropOldest,
    /// The newest rows are dropped. How many were lost is counted.
    DropNewest,
}

/// When the client sends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSend {
    /// So often.
    Every(Duration),
    /// As soon as so many rows wait, and at least once a minute.
    Rows(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Ends with `/v1/`.
    pub(crate) backend: String,
    /// Where `iobeam_device_id` is kept.
    pub(crate) save_to: Option<PathBuf>,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) spool_bytes: u64,
    pub(crate) when_full: WhenFull,
    /// Each row is written down as it is added.
    pub(crate) each_row: bool,
    /// So many rows become a batch without being told.
    pub(crate) batch_rows: usize,
    pub(crate) auto_send: Option<AutoSend>,
    pub(crate) compression: Compression,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    /// How long `send` tries.
    pub(crate) send_deadline: Duration,
    /// How long dropping the client may take.
    pub(crate) close_deadline: Duration,
    /// The longest wait after the first failure, and after any.
    pub(crate) backoff: (Duration, Duration),
    pub(crate) tls_ca: Option<PathBuf>,
    /// Mark which rows were corrected.
    pub(crate) clock_from_server: bool,
    pub(crate) mark_clock: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            backend: String::new(),
            save_to: None,
            spool: None,
            spool_bytes: 64 << 20,
            when_full: WhenFull::default(),
            each_row: true,
            batch_rows: 10_000,
            auto_send: None,
            compression: Compression::Zstd,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
            send_deadline: Duration::from_mins(1),
            close_deadline: Duration::from_secs(5),
            backoff: (Duration::from_millis(500), Duration::from_mins(1)),
            tls_ca: None,
            clock_from_server: false,
            mark_clock: false,
        }
    }
}

/// The largest body that is put together from several records.
pub(crate) const MAX_BODY: usize = 1 << 20;
/// Room for rows on their way into a batch, in each of two files.
pub(crate) const ROW_LOG_BYTES: u64 = 1 << 20;
