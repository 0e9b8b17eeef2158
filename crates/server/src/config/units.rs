//! Texts to values: sizes, durations, addresses.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use iobeam_model::Retention;

use super::{LogFormat, MetricsAccess, SecretUrl, SignUp};

/// `32MiB`, `32 M`, `1GiB`, or plain bytes; powers of 1024 throughout.
pub(super) fn bytes(text: &str, least: usize) -> Result<usize, String> {
    let (number, unit) = split(text);
    let factor: usize = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("use bytes, or a number with KiB, MiB or GiB, such as 32MiB".to_owned()),
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(factor));
    let bytes = bytes.ok_or("use bytes, or a number with KiB, MiB or GiB, such as 32MiB")?;
    if bytes < least {
        return Err(format!("at least {least} bytes are needed"));
    }
    Ok(bytes)
}

/// `30d`, `12h`, `5m`, `10s`, `500ms`; never zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const USAGE: &str = "use a number above zero with w, d, h, m, s or ms, such as 30s";
    let (number, unit) = split(text);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(USAGE.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| USAGE)?;
    match number.checked_mul(millis) {
        Some(total) if total > 0 && u32::try_from(number).is_ok() => {
            Ok(Duration::from_millis(total))
        }
        _ => Err(USAGE.to_owned()),
    }
}

/// `30d`, or `none` to keep for ever.
pub(super) fn retention(text: &str) -> Result<Retention, String> {
    match text.parse() {
        Ok(Retention::Default) => Err("use none, or a time such as 30d".to_owned()),
        Ok(retention) => Ok(retention),
        Err(error) => Err(format!("{error}")),
    }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// `127.0.0.1:8420`, `[::1]:8420`, `localhost:8420`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().or_else(|_| {
        text.to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
            .ok_or_else(|| "use an address and a port, such as 127.0.0.1:8420".to_owned())
    })
}

/// A path; `~` is not expanded here.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("a path is expected".to_owned()) } else { Ok(text.into()) }
}

/// Any text but none.
pub(super) fn text(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("a text is expected".to_owned()) } else { Ok(text.to_owned()) }
}

/// A number above zero.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse::<u32>() {
        Ok(number) if number > 0 => Ok(number as usize),
        _ => Err("use a whole number above zero".to_owned()),
    }
}

/// `true` or `false`.
pub(super) fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("use true or false".to_owned()),
    }
}

/// `open`, `invite`, `closed`, or `auto`: open where only this machine can reach it.
pub(super) fn signup(text: &str, listen: SocketAddr) -> Result<SignUp, String> {
    match text {
        "open" => Ok(SignUp::Open),
        "closed" => Ok(SignUp::Closed),
        "auto" if listen.ip().is_loopback() => Ok(SignUp::Open),
        "invite" | "auto" => Ok(SignUp::Invite),
        _ => Err("use open, invite, closed or auto".to_owned()),
    }
}

/// `loopback`, `token` or `open`.
pub(super) fn metrics_access(text: &str) -> Result<MetricsAccess, String> {
    match text {
        "loopback" => Ok(MetricsAccess::Loopback),
        "token" => Ok(MetricsAccess::Token),
        "open" => Ok(MetricsAccess::Open),
        _ => Err("use loopback, token or open".to_owned()),
    }
}

/// `text` or `json`.
pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("use text or json".to_owned()),
    }
}

/// `smtp://` or `smtps://`.
pub(super) fn smtp_url(text: &str) -> Result<SecretUrl, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "smtp" | "smtps") && url.has_host() => Ok(SecretUrl(url)),
        _ => Err("use smtp://host or smtps://user:password@host".to_owned()),
    }
}

/// `http://` or `https://`, without its last slash.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err("use http://host or https://host".to_owned()),
    }
}

/// The same text; of a URL, without its password. What cannot be read as a URL but has an `@` is hidden whole.
pub(super) fn without_password(text: &str) -> String {
    if !text.contains("://") {
        return text.to_owned();
    }
    match url::Url::parse(text) {
        Ok(mut url) if url.password().is_some() => {
            let hidden = url.set_password(Some("***")).is_ok();
            if hidden { url.into() } else { "***".to_owned() }
        }
        Err(_) if text.contains('@') => "***".to_owned(),
        _ => text.to_owned(),
    }
}
