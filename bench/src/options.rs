//! What was asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The flags; each has the form `--name=value`, or `--name` alone.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Tiny sizes, to see whether all works.
    pub(crate) quick: bool,
    /// Only systems whose name holds this.
    pub(crate) only: String,
    /// The whole run ends within that.
    pub(crate) budget: Duration,
    /// How long a soak goes on, if not as long as goes without saying.
    pub(crate) soak: Option<Duration>,
    /// Rows a second of a paced soak.
    pub(crate) rate: u32,
    /// Devices of the query set, and its hours, and the seconds between two rows of a device.
    pub(crate) devices: u32,
    pub(crate) hours: u32,
    pub(crate) step: u32,
    /// Rows of the large set.
    pub(crate) rows: u64,
    /// Trucks of the fleet.
    pub(crate) trucks: u32,
    /// Bytes of log after which a kill is survived.
    pub(crate) log: u64,
    /// Where servers keep their data while they are measured.
    pub(crate) folder: Option<PathBuf>,
    /// Where results are kept.
    pub(crate) out: PathBuf,
}

impl Options {
    /// Reads the flags; what is no flag is the works' names.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<(Self, Vec<String>)> {
        let mut options = Self::default();
        let mut works = Vec::new();
        let arguments: Vec<_> = arguments.collect();
        if arguments.iter().any(|argument| argument == "--quick") {
            options.make_tiny();
        }
        for argument in arguments {
            match argument.strip_prefix("--") {
                Some(flag) => options.set(flag)?,
                None => works.push(argument),
            }
        }
        Ok((options, works))
    }

    fn make_tiny(&mut self) {
        self.quick = true;
        (self.devices, self.hours, self.step) = (80, 24, 120);
        (self.rows, self.trucks, self.log) = (100_000, 4, 8 << 20);
        self.budget = Duration::from_mins(5);
    }

    fn set(&mut self, flag: &str) -> Result<()> {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        let number = || value.parse::<u64>().with_context(|| format!("--{name} is a number"));
        let small = || value.parse::<u32>().with_context(|| format!("--{name} is a number"));
        let minutes = || value.parse::<f64>().with_context(|| format!("--{name} is in minutes"));
        match name {
            "quick" => {}
            "only" => value.clone_into(&mut self.only),
            "budget" => self.budget = Duration::from_secs_f64(minutes()? * 60.0),
            "minutes" => self.soak = Some(Duration::from_secs_f64(minutes()? * 60.0)),
            "rate" => self.rate = small()?,
            "devices" => self.devices = small()?,
            "hours" => self.hours = small()?,
            "step" => self.step = small()?,
            "rows" => self.rows = number()?,
            "trucks" => self.trucks = small()?,
            "log" => self.log = number()? << 20,
            "folder" => self.folder = Some(value.into()),
            "out" => self.out = value.into(),
            other => bail!("there is no flag --{other}"),
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick: false,
            only: String::new(),
            budget: Duration::from_mins(15),
            soak: None,
            rate: 200_000,
            devices: 4000,
            hours: 24,
            step: 180,
            rows: 20_000_000,
            trucks: 100,
            log: 1 << 30,
            folder: None,
            out: iobeam_promises::project_root().join("bench"),
        }
    }
}
