//! Puts a client together: arguments are checked, the spool is opened, the device gets its id.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use iobeam_journal::{Disk, RealDisk, Recovery};
use iobeam_model::{Clock, ProjectId, SystemClock};

use crate::backend::{base_url, default_backend};
use crate::client::Client;
use crate::collected::Collected;
use crate::device_time::DeviceTime;
use crate::error::Error;
use crate::event::{Event, Level, Listener};
use crate::http::Http;
use crate::identity::{self, Register};
use crate::outbox::{Outbox, Parts};
use crate::report::{LogHook, Report};
use crate::row_log::RowLog;
use crate::sender::Sender;
use crate::settings::{AutoSend, Compression, ROW_LOG_BYTES, Settings, WhenFull};
use crate::spool::Spool;
use crate::token::Tokens;

/// Puts a client together.
///
/// ```no_run
/// # fn main() -> Result<(), iobeam::Error> {
/// use std::time::Duration;
///
/// let client = iobeam::Client::builder(1, "eyJ0eXAi...")
///     .backend("https://iot.example")
///     .save_to_disk(".")
///     .register_device()
///     .spool("/var/lib/thermometer")
///     .auto_send(Duration::from_secs(10))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    project: i64,
    token: Token,
    backend: Option<String>,
    device: Option<String>,
    register: Wanted,
    settings: Settings,
    clock: Option<Arc<dyn Clock>>,
    disk: Option<Arc<dyn Disk>>,
    listener: Option<Listener>,
    log: LogHook,
}

/// Keeps the token out of messages.
#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(not shown)")
    }
}

#[derive(Clone, Debug)]
enum Wanted {
    No,
    Any { name: Option<String> },
    Id { id: String, name: Option<String>, take_over: bool },
}

/// Random bytes from the system, once.
struct Chance {
    stream: [u8; 16],
    anchor: u64,
    jitter: u64,
    id: [u8; 24],
}

impl Client {
    /// Begins to put a client together, for a project and a token that may write to it.
    pub fn builder(project: i64, token: &str) -> Builder {
        Builder::new(project, token)
    }
}

impl Builder {
    fn new(project: i64, token: &str) -> Self {
        Self {
            project,
            token: Token(token.to_owned()),
            backend: None,
            device: None,
            register: Wanted::No,
            settings: Settings::default(),
            clock: None,
            disk: None,
            listener: None,
            log: LogHook::default(),
        }
    }

    /// Where the server is: `https://iot.example`, with or without `/v1/` at its end. Without this it is what
    /// [`default_backend`] says.
    pub fn backend(mut self, url: impl Into<String>) -> Self {
        self.backend = Some(url.into());
        self
    }

    /// Keeps the device's id in the file `iobeam_device_id` in that folder, and reads it from there next time.
    pub fn save_to_disk(mut self, dir: impl Into<PathBuf>) -> Self {
        self.settings.save_to = Some(dir.into());
        self
    }

    /// The device has this id, and was registered elsewhere.
    pub fn device_id(mut self, id: impl Into<String>) -> Self {
        self.device = Some(id.into());
        self
    }

    /// Registers the device unless it has an id already; the server makes the id.
    pub fn register_device(mut self) -> Self {
        self.register = Wanted::Any { name: None };
        self
    }

    /// Registers the device under this id, unless it has it already.
    pub fn register_device_with_id(mut self, id: impl Into<String>) -> Self {
        self.register = Wanted::Id { id: id.into(), name: None, take_over: false };
        self
    }

    /// Registers the device under this id; if it is registered already it is taken over.
    pub fn register_or_set_id(mut self, id: impl Into<String>) -> Self {
        self.register = Wanted::Id { id: id.into(), name: None, take_over: true };
        self
    }

    /// The name under which it is registered. To be called after one of the `register` methods.
    pub fn device_name(mut self, given: impl Into<String>) -> Self {
        match &mut self.register {
            Wanted::No => {}
            Wanted::Any { name } | Wanted::Id { name, .. } => *name = Some(given.into()),
        }
        self
    }

    /// Keeps readings in that folder until the server has them: they survive crash, reboot and a week offline.
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.settings.spool = Some(dir.into());
        self
    }

    /// How many bytes may wait to be sent; 64 MiB by default.
    pub fn spool_limit(mut self, bytes: u64) -> Self {
        self.settings.spool_bytes = bytes;
        self
    }

    /// What happens when as much waits as may; by default `add` refuses.
    pub fn when_full(mut self, policy: WhenFull) -> Self {
        self.settings.when_full = policy;
        self
    }

    /// Whether each row is written to the spool's folder as it is added, about a microsecond each, so that it
    /// survives the end of the process. On by default; off, rows survive from the next flush on.
    pub fn spool_each_row(mut self, on: bool) -> Self {
        self.settings.each_row = on;
        self
    }

    /// So many rows become a batch without waiting for a flush; 10 000 by default.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.settings.batch_rows = rows.max(1);
        self
    }

    /// Sends in the background, so often. The spool's disk has the rows at least as often.
    pub fn auto_send(mut self, every: Duration) -> Self {
        self.settings.auto_send = Some(AutoSend::Every(every));
        self
    }

    /// Sends in the background as soon as so many rows wait, and at least once a minute.
    pub fn auto_send_rows(mut self, rows: usize) -> Self {
        self.settings.auto_send = Some(AutoSend::Rows(rows.max(1)));
        self
    }

    /// How batches are compressed; zstd by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.compression = compression;
        self
    }

    /// How long a connection may take to come about (10 s by default), and a request as a whole (60 s).
    pub fn timeouts(mut self, connect: Duration, request: Duration) -> Self {
        (self.settings.connect_timeout, self.settings.timeout) = (connect, request);
        self
    }

    /// How long `send` tries; a minute by default.
    pub fn send_deadline(mut self, deadline: Duration) -> Self {
        self.settings.send_deadline = deadline;
        self
    }

    /// How long dropping the client may take; 5 s by default.
    pub fn close_deadline(mut self, deadline: Duration) -> Self {
        self.settings.close_deadline = deadline;
        self
    }

    /// After a failure the client waits a random time of at most `first` before it tries again; after each further
    /// one it may wait twice as long, but never longer than `most`. Half a second and a minute by default.
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.settings.backoff = (first, most);
        self
    }

    /// Trusts the certificates in this PEM file, and no others.
    pub fn tls_ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.tls_ca = Some(file.into());
        self
    }

    /// The device's clock is not to be trusted: rows of `add_now` get the server's time, also those that were added
    /// before it was known.
    pub fn clock_from_server(mut self) -> Self {
        self.settings.clock_from_server = true;
        self
    }

    /// With [`Builder::clock_from_server`]: rows whose time was not sure when they were added say so in the field
    /// `clock_source`: `corrected`, or `unset` if it could not be put right.
    pub fn mark_clock(mut self) -> Self {
        self.settings.mark_clock = true;
        self
    }

    /// Hears of what happens in the background. It is called from the sending thread and should return soon.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener(Arc::new(listener)));
        self
    }

    /// Where the lines of the log go: what was refused for good, failed in the background, was dropped or found
    /// damaged, at most one line of each kind a minute. Without this they go to the `log` crate, under the target
    /// `iobeam`. It is called from whichever thread it happens in and should return soon.
    pub fn on_log(mut self, hook: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        self.log = LogHook(Arc::new(hook));
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Another disk for the spool than the machine's.
    pub fn disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = Some(disk);
        self
    }

    /// Checks everything, opens the spool, registers the device if that was asked for. A token that ends within a
    /// day is refreshed.
    ///
    /// # Errors
    /// When an argument is wrong, another process uses the spool, or the device cannot be registered. With a spool
    /// a server that does not answer is no error: the device is registered once it does.
    pub fn build(mut self) -> Result<Client, Error> {
        let project = project(self.project)?;
        if self.token.0.trim().is_empty() {
            let (given, reason) = (String::new(), "it is empty".to_owned());
            return Err(Error::Invalid { what: "the project token", given, reason });
        }
        self.settings.backend = match &self.backend {
            Some(url) => base_url(url)?,
            None => default_backend(),
        };
        let tokens = Tokens::new(self.token.0.trim())?;
        let set = self.device.as_deref().map(identity::parse).transpose()?;
        let register = self.register.checked()?;
        let chance = Chance::draw()?;
        let http = Http::new(&self.settings)?;
        let outbox = Arc::new(self.outbox(&chance)?);
        let sender = Sender::new(outbox, http, tokens, project.get(), register, chance.jitter);
        let client = Client::new(Arc::new(sender));
        client.begin(set, chance.id)?;
        Ok(client)
    }

    fn outbox(self, chance: &Chance) -> Result<Outbox, Error> {
        let settings = self.settings;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let disk = self.disk.unwrap_or_else(|| Arc::new(RealDisk));
        let dir = settings.spool.as_deref();
        let (spool, recovery) = Spool::open(&settings, dir, Arc::clone(&disk), chance.stream)?;
        let mut damage = recovery.map(told).unwrap_or_default();
        let collected = match dir {
            None => Collected::default(),
            Some(dir) => {
                let (log, left) = RowLog::open(&*disk, dir, ROW_LOG_BYTES, spool.covered())?;
                damage.extend(left.damaged.iter().cloned());
                Collected::with_log(log, &left)
            }
        };
        let time = DeviceTime::start(&*clock, chance.anchor);
        let listener = self.listener;
        let report = Report::new(self.log);
        for line in &damage {
            report.damaged(line);
        }
        let parts = Parts { settings, clock, time, collected, spool, damage, listener, report };
        Ok(Outbox::new(parts))
    }
}

impl Wanted {
    fn checked(&self) -> Result<Register, Error> {
        Ok(match self {
            Self::No => Register::No,
            Self::Any { name } => Register::Generate { name: name.clone() },
            Self::Id { id, name, take_over } => {
                Register::Id { id: identity::parse(id)?, name: name.clone(), take_over: *take_over }
            }
        })
    }
}

impl Chance {
    fn draw() -> Result<Self, Error> {
        let mut all = [0; 56];
        getrandom::fill(&mut all).map_err(|error| Error::Random(error.to_string()))?;
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| all[at + byte]));
        Ok(Self {
            stream: std::array::from_fn(|byte| all[byte]),
            // 0 stands for "no anchor".
            anchor: number(16).max(1),
            jitter: number(24),
            id: std::array::from_fn(|byte| all[32 + byte]),
        })
    }
}

fn project(number: i64) -> Result<ProjectId, Error> {
    let id = u32::try_from(number).ok().and_then(ProjectId::new);
    id.ok_or_else(|| Error::Invalid {
        what: "the project id",
        given: number.to_string(),
        reason: "it must be a whole number from 1 to 4294967295".to_owned(),
    })
}

/// What was found amiss in the spool, for people.
fn told(recovery: Recovery) -> Vec<String> {
    let torn = recovery.torn.map(|torn| {
        let (path, bytes) = (torn.path.display(), torn.bytes);
        format!("{path}: the last write was cut short; {bytes} bytes of it were left out")
    });
    let damaged = recovery.damaged.into_iter().map(|damage| {
        let (path, offset) = (damage.path.display(), damage.offset);
        format!("{path}: {} bytes at {offset} are damaged and were set aside", damage.bytes)
    });
    torn.into_iter().chain(damaged).collect()
}
