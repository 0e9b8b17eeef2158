//! The tree of verbs, and which file does what.
//!
//! ```text
//! iobeam ┬ serve · demo
//!        ├ user · whoami · project · device · namespace · token · invite · audit · profile
//!        ├ import · query · sql
//!        ├ spool · doctor
//!        └ completions · version
//! ```

use std::ffi::OsString;

use anyhow::Result;
use clap::{Args, Command, FromArgMatches, Parser, Subcommand};

use crate::output::Output;
use crate::session::{GlobalFlags, Session};
#[cfg(feature = "server")]
use crate::verbs::doctor;
use crate::verbs::{
    audit, completions, demo, device, import, invite, namespace, profile, project, query, spool,
    sql, token, user, version,
};

/// iobeam: a data platform for connected devices.
///
/// `iobeam serve` runs the platform; every other verb talks to one over HTTP.
#[derive(Parser)]
#[command(
    name = "iobeam",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "First steps:\n  iobeam demo                                  a server, a project and live readings in one go\n  iobeam user create --email you@example.com   an account of your own"
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    flags: GlobalFlags,
}

#[derive(Subcommand)]
enum Verb {
    /// Start a server, send this machine's own readings, and show them
    Demo(demo::Demo),
    /// Accounts: create, log in, look up, change
    #[command(subcommand)]
    User(user::User),
    /// Show who is logged in, and where
    Whoami,
    /// Projects: create, switch, tokens, members
    #[command(subcommand)]
    Project(project::Project),
    /// Devices of a project: register, list, change
    #[command(subcommand)]
    Device(device::Device),
    /// Send readings: from the command line, a CSV file or standard input
    Import(Box<import::Import>),
    /// Query readings
    Query(query::Query),
    /// Run a SQL query; the project's namespaces are the tables
    Sql(sql::Sql),
    /// Look at the data directory of a server that is stopped: is all of it sound?
    #[cfg(feature = "server")]
    Doctor(doctor::Doctor),
    /// A device's spool: what waits, what the server refused, and what to do about it
    #[command(subcommand)]
    Spool(spool::Spool),
    /// Namespaces of a project: tables of typed fields
    #[command(subcommand)]
    Namespace(namespace::Namespace),
    /// Tokens: issue for a device, list, revoke
    #[command(subcommand)]
    Token(token::Token),
    /// Codes that let people sign up: create, list, revoke
    #[command(subcommand)]
    Invite(invite::Invite),
    /// The audit log of the server: who changed what, and whether it is sound
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Profiles: servers and accounts to switch between
    #[command(subcommand)]
    Profile(profile::Profile),
    /// Print a script that completes this command in a shell
    Completions(completions::Completions),
    /// Show the version
    Version,
}

/// The tree as clap wants it, with the server's settings as flags of `serve`.
pub(crate) fn tree() -> Command {
    let tree = Cli::augment_args(Command::new("iobeam"));
    #[cfg(feature = "server")]
    let tree = tree.subcommand(crate::verbs::serve::command());
    let mut tree = tree;
    tree.build();
    tree
}

/// Understands the words and does what they say.
pub(crate) fn run(mut tree: Command, words: Vec<OsString>) -> Result<()> {
    let matches = match tree.try_get_matches_from_mut(words) {
        Ok(matches) => matches,
        Err(error) => error.exit(),
    };
    #[cfg(feature = "server")]
    if let Some(("serve", flags)) = matches.subcommand() {
        return crate::verbs::serve::run(flags);
    }
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let flags = cli.flags.without_blanks();
    let out = Output::new(flags.json);
    match cli.verb {
        Verb::Version => version::run(out),
        Verb::Completions(shell) => shell.run(tree),
        Verb::Demo(demo) => demo.run(&flags, out),
        Verb::Spool(verb) => verb.run(out),
        #[cfg(feature = "server")]
        Verb::Doctor(doctor) => doctor.run(out),
        verb => with_session(verb, Session::open(&flags, out)?),
    }
}

fn with_session(verb: Verb, mut session: Session) -> Result<()> {
    match verb {
        Verb::User(verb) => verb.run(&mut session),
        Verb::Whoami => user::whoami(&session),
        Verb::Project(verb) => verb.run(&mut session),
        Verb::Device(verb) => verb.run(&session),
        Verb::Import(import) => import.run(&session),
        Verb::Query(query) => query.run(&session),
        Verb::Sql(sql) => sql.run(&session),
        Verb::Namespace(verb) => verb.run(&session),
        Verb::Token(verb) => verb.run(&session),
        Verb::Invite(verb) => verb.run(&session),
        Verb::Audit(verb) => verb.run(&session),
        Verb::Profile(verb) => verb.run(&session),
        #[cfg(feature = "server")]
        Verb::Doctor(_) => Ok(()),
        Verb::Version | Verb::Completions(_) | Verb::Demo(_) | Verb::Spool(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
