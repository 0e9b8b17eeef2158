//! `iobeam version`.

use anyhow::Result;
use serde_json::json;

use crate::output::Output;

/// Says which version this is, and for which machine it was built.
pub(crate) fn run(out: Output) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let machine = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    if out.wants_json() {
        let server = cfg!(feature = "server");
        return out.json(&json!({"version": version, "machine": machine, "server": server}));
    }
    out.line(&format!("iobeam {version} ({machine})"))
}
