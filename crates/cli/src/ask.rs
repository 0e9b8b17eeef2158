//! Questions to the person at the keyboard, and the answers a script gives in their place.
//!
//! ```text
//! password:  --password-stdin ─▶ IOBEAM_PASSWORD ─▶ asked without echo on a terminal ─▶ next line of stdin
//! line:      asked on a terminal ─▶ next line of stdin
//! sure:      --yes ─▶ asked on a terminal
//! typed:     --yes ─▶ the name of what goes, asked for on a terminal
//! ```
//!
//! Questions go to stderr, so that stdout holds nothing but the answer of the command.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result};

use crate::failure::Failure;

/// Where passwords come from.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct PasswordSource {
    /// Read the password from the first line of standard input instead of asking for it; IOBEAM_PASSWORD works too
    #[arg(long)]
    password_stdin: bool,
    /// Whether IOBEAM_PASSWORD means another password than this one.
    #[arg(skip)]
    ignore_environment: bool,
}

impl PasswordSource {
    /// The person, and nobody else: for the second password of a command.
    pub(crate) fn asked() -> Self {
        Self { password_stdin: false, ignore_environment: true }
    }

    /// A password that exists already.
    pub(crate) fn password(self, question: &str) -> Result<String> {
        if self.password_stdin {
            return next_line(question);
        }
        if let Some(password) = self.of_environment() {
            return Ok(password);
        }
        if io::stdin().is_terminal() {
            return rpassword::prompt_password(format!("{question}: "))
                .context("cannot ask for the password");
        }
        next_line(question)
    }

    /// A password that is about to be set: a person types it twice.
    pub(crate) fn new_password(self) -> Result<String> {
        let typed = !self.password_stdin && self.of_environment().is_none();
        let password = self.password("New password")?;
        if typed && io::stdin().is_terminal() && self.password("The same again")? != password {
            return Err(Failure::new("the two passwords differ").into());
        }
        if password.is_empty() {
            return Err(Failure::usage("the password is empty").into());
        }
        Ok(password)
    }

    fn of_environment(self) -> Option<String> {
        let set = std::env::var("IOBEAM_PASSWORD").ok();
        set.filter(|password| !self.ignore_environment && !password.is_empty())
    }
}

/// An answer that may be seen.
pub(crate) fn line(question: &str) -> Result<String> {
    if io::stdin().is_terminal() {
        let mut err = io::stderr().lock();
        write!(err, "{question}: ")?;
        err.flush()?;
    }
    Ok(next_line(question)?.trim().to_owned())
}

/// An answer given by a flag, or asked for.
pub(crate) fn line_unless(given: Option<String>, question: &str) -> Result<String> {
    given.map_or_else(|| line(question), Ok)
}

/// Whether the person means it. A script says so by `--yes`.
pub(crate) fn sure(question: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        let message = format!("{question}? There is nobody to ask");
        return Err(Failure::usage(message).remedy("say so with --yes").into());
    }
    let answer = line(&format!("{question}? [y/N]"))?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Whether the person types the name of what is about to go for good. A script says so by `--yes`.
pub(crate) fn typed(question: &str, name: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        let message = format!("{question} There is nobody to ask");
        return Err(Failure::usage(message).remedy("say so with --yes").into());
    }
    if line(&format!("{question} Type its name to go on"))? == name {
        return Ok(());
    }
    Err(Failure::new(format!("that is not '{name}': nothing was deleted")).into())
}

fn next_line(question: &str) -> Result<String> {
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        let message = format!("no answer to the question '{question}'");
        return Err(Failure::usage(message).remedy("give it by its flag; see --help").into());
    }
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}
