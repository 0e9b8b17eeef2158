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
    let me = |auth| session.api.send(Call::get(&["users", "me"]).by(auth));
    let is_in = match session.user_auth() {
        Ok(auth) => is_allowed(me(auth))?,
        Err(_) => false,
    };
    if !is_in {
        log_in(session, kept, dir)?;
    }
    let project = project(session)?;
    let held = session.home.project_token(&session.name, project)?;
    let works = held.is_some_and(|token| token.read && token.write && token.admin)
        && is_allowed(devices(session, project))?;
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
    let auth = Auth::Token(kept.token.clone());
    let timestamp = Call::get(&["devices", "timestamp"]).by(auth);
    // Another one is made only when the server says that this one is no good: it never ends.
    if session::project_of(&kept.token) == Some(project) && is_allowed(session.api.send(timestamp))?
    {
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
    if !kept.email.is_empty() && is_allowed(user::log_in(session, &kept.email, &kept.password))? {
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

/// Whether the server lets that token or password do it. A failure of another kind does not tell, and is given back.
fn is_allowed<T>(sent: Result<T>) -> Result<bool> {
    match status(&sent) {
        Some(401 | 403) => Ok(false),
        _ => sent.map(|_| true),
    }
}

/// Whether somebody else has the name: the server's status for that.
fn is_taken<T>(sent: &Result<T>) -> bool {
    matches!(status(sent), Some(409 | 422))
}

/// The status of a refusal; 0 when the failure is not the server's word.
fn status<T>(sent: &Result<T>) -> Option<u16> {
    let failure = sent.as_ref().err().and_then(|error| error.downcast_ref::<Failure>());
    failure.map(|failure| failure.http)
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
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;
    use crate::output::Output;
    use crate::session::GlobalFlags;
    use crate::state::Home;

    #[test]
    fn only_a_refusal_makes_a_token_bad() {
        let refused = |http| -> Result<()> { Err(Failure::refused(http, 0, "No", "").into()) };
        for http in [401, 403] {
            assert!(!is_allowed(refused(http)).expect("an answer"), "{http}");
        }
        assert!(is_allowed(Ok(())).expect("an answer"));
        for http in [429, 500, 503] {
            is_allowed(refused(http)).expect_err("the server said nothing of the token");
        }
        is_allowed::<()>(Err(Failure::new("cannot reach it").into())).expect_err("no answer");
        is_allowed::<()>(Err(anyhow::anyhow!("no file"))).expect_err("no answer");
    }

    #[test]
    fn a_server_that_is_away_leaves_the_demo_its_account_and_its_token() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let flags =
            GlobalFlags { server: Some(format!("http://{address}")), ..GlobalFlags::default() };
        let home = Home::at(folder.path());
        let mut session = Session::open_at(&flags, Output::new(false), home).expect("opened");
        let token = format!("x.{}.x", BASE64_URL_SAFE_NO_PAD.encode(r#"{"pid":7}"#));
        let mut kept = Kept {
            email: "demo@example.com".to_owned(),
            password: "kept".to_owned(),
            token: token.clone(),
            ..Kept::default()
        };
        log_in(&mut session, &mut kept, folder.path()).expect_err("nothing listens there");
        let told = sending_token(&session, 7, &mut kept, folder.path());
        let told = told.expect_err("nothing listens there").to_string();
        assert!(told.starts_with("cannot reach"), "{told}");
        assert_eq!(
            (&*kept.email, &*kept.password, kept.token),
            ("demo@example.com", "kept", token)
        );
    }

    #[test]
    fn two_passwords_differ() {
        let (one, other) = (random_word(24).expect("drawn"), random_word(24).expect("drawn"));
        assert_eq!(one.len(), 24);
        assert_ne!(one, other);
    }
}
