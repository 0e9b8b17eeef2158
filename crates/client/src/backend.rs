//! Where the server is when nobody says so: `IOBEAM_BACKEND`, else the command line's active profile, else this
//! machine.

use std::net::IpAddr;
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

/// Brings a base URL into the form with `/v1/` at its end. A host without a scheme is reached by http on this machine and
/// the local network, and by https elsewhere.
///
/// # Errors
/// When it is none.
pub fn base_url(url: &str) -> Result<String, Error> {
    let wrong = |reason: &str| Error::Invalid {
        what: "the backend",
        given: url.to_owned(),
        reason: reason.to_owned(),
    };
    let url = url.trim();
    let (scheme, host) = match url.split_once("://") {
        Some((scheme @ ("http" | "https"), host)) => (scheme, host),
        Some(_) => return Err(wrong("it must begin with http:// or https://, or with the host")),
        None => (scheme_of(url), url),
    };
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.starts_with(['/', ':']) || host.contains(char::is_whitespace) {
        return Err(wrong("there is no host in it"));
    }
    let host = host.strip_suffix("/v1").unwrap_or(host);
    Ok(format!("{scheme}://{host}/v1/"))
}

/// The scheme of a host that was given without one: a token goes over an open connection to this machine and to the
/// local network alone.
fn scheme_of(bare: &str) -> &'static str {
    let authority = bare.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let local = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => match host.rsplit_once('.') {
            None => true,
            Some((_, last)) => last == "local" || last == "localhost",
        },
    };
    if local { "http" } else { "https" }
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
        for url in ["ftp://iot.example", "http://", "http:///v1/", "http://a b", "", "/v1/", "a b"]
        {
            assert!(base_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_host_alone_is_reached_openly_on_the_local_network_and_by_tls_elsewhere() {
        for (given, wanted) in [
            ("localhost:8420", "http://localhost:8420/v1/"),
            ("127.0.0.1:8420/v1/", "http://127.0.0.1:8420/v1/"),
            ("192.168.1.5", "http://192.168.1.5/v1/"),
            ("[::1]:8420", "http://[::1]:8420/v1/"),
            ("hub.local", "http://hub.local/v1/"),
            ("iot.example", "https://iot.example/v1/"),
            ("api.iot.example:8443/v1", "https://api.iot.example:8443/v1/"),
            ("8.8.8.8:8420", "https://8.8.8.8:8420/v1/"),
        ] {
            assert_eq!(base_url(given).expect("sound"), wanted);
        }
    }
}
