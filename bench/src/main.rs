//! Measures the real program, alone and beside its peers: `make bench`. README.md says what each figure means.
//!
//! ```text
//! iobeam-bench [WORK...] [--flags]     the works, or all of the default run
//!
//! figures   what we cost and how soon we answer         growth    the same with 10 and 100 times as much
//! recovery  start after a kill; a large set             sustained 10 minutes of import as fast as it goes
//! queries   questions on the sensor set                 soak      an hour of import at a pace
//! fleet     questions on trucks                         render    RESULTS.md and plots anew from results.json
//! devices   what the clients cost, beside the original  readme    the table in the project's README
//! import    the same rows to us and to each peer
//! ```
//!
//! All figures of a work come from one run on one machine; what an acknowledgement means stands beside each.

mod report;

mod plots;

mod goals;

mod tables;

mod works;

mod results;

mod options;

mod peers;

mod fleet_questions;

mod questions;

mod answer;

mod sensors;

mod process;

mod http;

mod machine;

mod clock;

use std::process::ExitCode;

use anyhow::{Result, bail};

use clock::Deadline;
use machine::Stolen;
use options::Options;
use results::{Results, Work};
use works::Plan;

/// The default run, with the share of the time after which the next work begins.
const DEFAULT: [(&str, f64); 6] = [
    ("figures", 0.03),
    ("recovery", 0.12),
    ("queries", 0.56),
    ("fleet", 0.72),
    ("import", 0.98),
    // Builds are as slow as they are: what this takes comes on top.
    ("devices", 1.0),
];

/// One kind of work.
type Run = fn(Plan) -> Result<Work>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let (options, names) = Options::read(std::env::args().skip(1))?;
    let whole = Deadline::after(options.budget);
    let mut results = Results::load(&options.out)?;
    let mut failed = Vec::new();
    for (name, share) in plan(names) {
        match name.as_str() {
            "render" => report::write(&results, &options.out)?,
            "readme" => {
                let readme = iobeam_promises::project_root().join("README.md");
                report::write_readme(&results, &readme)?;
            }
            name => {
                let deadline = whole.sooner_by(options.budget.mul_f64(1.0 - share));
                eprintln!("{name}, {:.0} s", deadline.left().as_secs_f64());
                let before = Stolen::so_far();
                match work(name)?(Plan { options: &options, deadline }) {
                    Ok(mut work) => {
                        if let Some(percent) = before.percent_since() {
                            work.note(format!(
                                "The host gave {percent} % of this machine's processor time to others meanwhile."
                            ));
                        }
                        results.works.insert(name.to_owned(), work);
                        results.save(&options.out)?;
                    }
                    Err(error) => failed.push(format!("{name}: {error:#}")),
                }
                report::write(&results, &options.out)?;
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n")) }
}

/// What was asked for, each with the whole time; or the default run.
fn plan(names: Vec<String>) -> Vec<(String, f64)> {
    if names.is_empty() {
        return DEFAULT.map(|(name, share)| (name.to_owned(), share)).to_vec();
    }
    names.into_iter().map(|name| (name, 1.0)).collect()
}

fn work(name: &str) -> Result<Run> {
    Ok(match name {
        "figures" => works::figures::run,
        "devices" => works::devices::run,
        "recovery" => works::recovery::run,
        "queries" => works::queries::run,
        "fleet" => works::fleet::run,
        "import" => works::import::run,
        "growth" => works::growth::run,
        "sustained" => works::soak::sustained,
        "soak" => works::soak::paced,
        other => bail!("there is no work '{other}': see the head of bench/src/main.rs"),
    })
}
