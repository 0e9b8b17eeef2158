//! The demo's account, project, token and devices: made at the first run, found again at the next.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::kept::Kept;
use super::sensors::Sensors;
use crate::api::{Auth, Call};
use crate::failure::Failure;
use crate::output::text;
use crate::session::{self, Session};
use crate::verbs::user;

/// The name of the account and the project, unless somebody else has them.
const NAME: &str = "demo";

/// Makes sure that everything is there, and gives the project.
pub(super) fn prepare(
    session: &mut Session,
    kept: &mut Kept,
    dir: &Path,
    sensors: &Sensors,
) -> Result<u32> {
    if session.as_user(Call::get(&["users", "me"])).is_err() {
        log_in(session, kept, dir)?;
    }
    let project = project(session)?;
    let held = session.home.project_token(&session.name, project)?;
    let works = held.is_some_and(|token| token.read && token.write && token.admin)
        && devices(session, project).is_ok();
    if !works {
        let token = session.fetch_token(project, true, true, true)?;
        session.adopt(&token)?;
    } else if session.profile.active_project != project {
        session.profile.active_project = project;
        session.home.save(&session.name, &session.profile)?;
    }
    let known = devices(session, project)?;
    for device in sensors.groups() {
        if !known.contains(&device) {
            let kind = device.rsplit_once('-').map_or("", |(_, kind)| kind);
            let request = json!({"project_id": project, "device_id": device, "device_name": device, "device_type": kind});
            session.as_project(project, Call::post(&["devices"]).json(&request)?)?;
        }
    }
    Ok(project)
}

/// The token that readings are sent with. It is the project's and writes only: what runs on and on has no more in its hands, and
/// does not end with whoever made it.
pub(super) fn sending_token(
    session: &Session,
    project: u32,
    kept: &mut Kept,
    dir: &Path,
) -> Result<()> {
    let timestamp = || Call::get(&["devices", "timestamp"]);
    let is_good = |text: &str| {
        session::project_of(text) == Some(project)
            && session.api.send(timestamp().by(Auth::Token(text.to_owned()))).is_ok()
    };
    if is_good(&kept.token) {
        return Ok(());
    }
    let call = Call::get(&["tokens", "project"])
        .with("project_id", project)
        .with("write", true)
        .with("owner", "project")
        .with("duration", "never")
        .with("name", "demo");
    kept.token = text(&session.as_user(call)?.json()?, "token");
    kept.save(dir)
}

fn log_in(session: &mut Session, kept: &mut Kept, dir: &Path) -> Result<()> {
    if !kept.email.is_empty() && user::log_in(session, &kept.email, &kept.password).is_ok() {
        return Ok(());
    }
    kept.email = format!("{NAME}@example.com");
    kept.password = random_word(24)?;
    let request =
        |kept: &Kept| json!({"email": kept.email, "password": kept.password, "first_name": "Demo"});
    let made = session.api.send(Call::post(&["users"]).json(&request(kept))?);
    if made.is_err() && is_taken(&made) {
        kept.email = format!("{NAME}-{}@example.com", random_word(6)?);
        session.api.send(Call::post(&["users"]).json(&request(kept))?)?;
    } else {
        made?;
    }
    kept.save(dir)?;
    user::log_in(session, &kept.email, &kept.password)?;
    Ok(())
}

fn project(session: &Session) -> Result<u32> {
    let list = session.as_user(Call::get(&["projects"]))?.json()?;
    let ours = list["projects"].as_array().into_iter().flatten().find(|project| {
        let name = text(project, "project_name");
        name == NAME || name.starts_with(&format!("{NAME}-"))
    });
    if let Some(project) = ours {
        return number(project);
    }
    let named = |name: &str| Call::post(&["projects"]).json(&json!({"project_name": name}));
    let made = session.as_user(named(NAME)?);
    let made = if is_taken(&made) {
        session.as_user(named(&format!("{NAME}-{}", random_word(6)?))?)?
    } else {
        made?
    };
    number(&made.json()?)
}

fn number(project: &Value) -> Result<u32> {
    let id = project["project_id"].as_u64().and_then(|id| id.try_into().ok());
    id.ok_or_else(|| Failure::new("the server's reply names no project").into())
}

fn devices(session: &Session, project: u32) -> Result<Vec<String>> {
    let call = Call::get(&["devices"]).with("project_id", project);
    let reply = session.as_project(project, call)?.json()?;
    let devices = reply["devices"].as_array().into_iter().flatten();
    Ok(devices.map(|device| text(device, "device_id")).collect())
}

/// Whether somebody else has the name: the server's status for that.
fn is_taken<T>(sent: &Result<T>) -> bool {
    let failure = sent.as_ref().err().and_then(|error| error.downcast_ref::<Failure>());
    failure.is_some_and(|failure| matches!(failure.http, 409 | 422))
}

/// Random letters and digits: each has five random bits.
fn random_word(length: usize) -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_passwords_differ() {
        let (one, other) = (random_word(24).expect("drawn"), random_word(24).expect("drawn"));
        assert_eq!(one.len(), 24);
        assert_ne!(one, other);
    }
}
