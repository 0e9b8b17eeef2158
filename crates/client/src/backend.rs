//! Where the server is when nobody says so: `IOBEAM_BACKEND`, else the command line's active profile, else this
//! machine.

use std::path::PathBuf;

use crate::error::Error;

const DEFAULT: &str = "http://127.0.0.1:8420/v1/";

/// The base URL to use when none is given. It ends with `/v1/`.
pub fn default_backend() -> String {
    let named = std::env::var("IOBEAM_BACKEND").ok().filter(|url| !url.trim().is_empty());
    named
        .or_else(from_profile)
        .and_then(|url| base_url(&url).ok())
        .unwrap_or_else(|| DEFAULT.to_owned())
}

/// Brings a base URL into the form with `/v1/` at its end.
pub(crate) fn base_url(url: &str) -> Result<String, Error> {
    let wrong = |reason: &str| Error::Invalid {
        what: "the backend",
        given: url.to_owned(),
        reason: reason.to_owned(),
    };
    let bare = url.trim().trim_end_matches('/');
    let host = bare.strip_prefix("http://").or_else(|| bare.strip_prefix("https://"));
    let host = host.ok_or_else(|| wrong("it must begin with http:// or https://"))?;
    if host.is_empty() || host.starts_with('/') || host.contains(char::is_whitespace) {
        return Err(wrong("there is no host in it"));
    }
    if bare.ends_with("/v1") { Ok(format!("{bare}/")) } else { Ok(format!("{bare}/v1/")) }
}

fn from_profile() -> Option<String> {
    let home = std::env::var_os("IOBEAM_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(home).join(".iobeam"))
    })?;
    let member = |path: PathBuf, name: &str| {
        let text = std::fs::read(path).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(json.get(name)?.as_str()?.to_owned())
    };
    let profile = member(home.join("profile"), "profile")?;
    member(home.join(profile).join("profile.config"), "server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_ends_with_v1_and_a_slash() {
        for url in [
            "https://iot.example",
            "https://iot.example/",
            "https://iot.example/v1",
            "https://iot.example/v1/",
        ] {
            assert_eq!(base_url(url).expect("sound"), "https://iot.example/v1/");
        }
        for url in ["iot.example", "ftp://iot.example", "http://", "http:///v1/", "http://a b"] {
            assert!(base_url(url).is_err(), "{url}");
        }
    }
}
