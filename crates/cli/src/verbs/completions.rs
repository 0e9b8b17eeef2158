//! `iobeam completions`: a script for a shell.

use anyhow::Result;
use clap::Command;
use clap_complete::{Shell, generate};

use crate::output::Output;

/// For bash: iobeam completions bash > ~/.local/share/bash-completion/completions/iobeam
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(&self, mut tree: Command) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut tree, "iobeam", &mut script);
        Output::new(false).bytes(&script)
    }
}
