//! One run of a command: which profile, which server, which token, and where the answer goes.
//!
//! ```text
//! server:   profile.config < IOBEAM_BACKEND < --server
//! user:     token.json ────────────────────────────▶ Auth::Token
//! project:  proj_<id>.json ─ended?─▶ refresh ─kept─▶ Auth::Token      (IOBEAM_TOKEN stands in its place)
//! ```
//!
//! The tokens of a profile are only ever sent to the server of that profile.

use std::sync::Arc;

use anyhow::Result;
use base64::Engine;
use iobeam_model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::api::{Api, Auth, Call, Reply, same_server};
use crate::failure::Failure;
use crate::output::Output;
use crate::state::{DEFAULT_PROFILE, Home, Profile, Token, parse_date};

/// Flags that each verb takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct GlobalFlags {
    /// The server's address, instead of the profile's [env: IOBEAM_BACKEND]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "IOBEAM_BACKEND",
        hide_env = true,
        help_heading = "Global flags"
    )]
    pub(crate) server: Option<String>,
    /// Work with this profile, instead of the active one [env: IOBEAM_PROFILE]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "IOBEAM_PROFILE",
        hide_env = true,
        help_heading = "Global flags"
    )]
    pub(crate) profile: Option<String>,
    /// Trust the certificates in this PEM file instead of the public ones [env: IOBEAM_CA]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "IOBEAM_CA",
        hide_env = true,
        help_heading = "Global flags"
    )]
    pub(crate) ca: Option<String>,
    /// Answer in JSON; errors too
    #[arg(long, global = true, help_heading = "Global flags")]
    pub(crate) json: bool,
    /// Show requests on stderr, without secrets
    #[arg(long, alias = "dumpRequest", global = true, hide = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", default_value = "false", value_parser = crate::args::truth, action = clap::ArgAction::Set)]
    pub(crate) dump_request: bool,
    /// Show replies on stderr, without tokens
    #[arg(long, alias = "dumpResponse", global = true, hide = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", default_value = "false", value_parser = crate::args::truth, action = clap::ArgAction::Set)]
    pub(crate) dump_response: bool,
}

impl GlobalFlags {
    /// The same flags; a variable of the environment that is set to nothing is not set.
    #[must_use]
    pub(crate) fn without_blanks(mut self) -> Self {
        for flag in [&mut self.server, &mut self.profile, &mut self.ca] {
            flag.take_if(|text| text.trim().is_empty());
        }
        self
    }
}

/// The flag that names a project.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct ProjectFlag {
    /// The project; the active one when left out
    #[arg(long, alias = "projectId", value_name = "ID")]
    pub(crate) project_id: Option<u32>,
}

/// All that a verb works with.
pub(crate) struct Session {
    /// The server.
    pub(crate) api: Api,
    /// Where profiles are kept.
    pub(crate) home: Home,
    /// The profile's name.
    pub(crate) name: String,
    /// The profile, as it was read.
    pub(crate) profile: Profile,
    /// Where answers go.
    pub(crate) out: Output,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// A project token given by the environment.
    token: Option<String>,
}

impl Session {
    /// Reads the profile. The network is not touched.
    pub(crate) fn open(flags: &GlobalFlags, out: Output) -> Result<Self> {
        Self::open_at(flags, out, Home::locate()?)
    }

    /// Reads a profile of that home.
    pub(crate) fn open_at(flags: &GlobalFlags, out: Output, home: Home) -> Result<Self> {
        let name = match &flags.profile {
            Some(name) => name.clone(),
            None => home.active()?.unwrap_or_else(|| DEFAULT_PROFILE.into()),
        };
        let profile = home.load(&name)?.unwrap_or_default();
        let server = flags.server.as_ref().unwrap_or(&profile.server);
        let mut api = Api::new(server, flags.ca.as_deref())?;
        api.dump_requests = flags.dump_request;
        api.dump_replies = flags.dump_response;
        let token = std::env::var("IOBEAM_TOKEN").ok().filter(|token| !token.is_empty());
        let clock = Arc::new(SystemClock::new());
        Ok(Self { api, home, name, profile, out, clock, token })
    }

    /// Sends a request as the user who is logged in.
    pub(crate) fn as_user(&self, call: Call) -> Result<Reply> {
        let sent = self.api.send(call.by(self.user_auth()?));
        with_remedy(sent, 401, "log in again: `iobeam user login`")
    }

    /// Sends a request with the token of a project.
    pub(crate) fn as_project(&self, project: u32, call: Call) -> Result<Reply> {
        let sent = self.api.send(call.by(self.project_auth(project)?));
        self.explain(project, sent)
    }

    /// Adds to a refusal what could be done about the project's token.
    pub(crate) fn explain<T>(&self, project: u32, sent: Result<T>) -> Result<T> {
        let fetch = format!(
            "fetch another token: `iobeam project token --id {project} --read --write --admin`"
        );
        let held = self.home.project_token(&self.name, project).ok().flatten();
        let rights = held.map(|token| format!("yours allows: {}; ", token.rights()));
        let sent = with_remedy(sent, 401, &fetch);
        with_remedy(sent, 403, &format!("{}{fetch}", rights.unwrap_or_default()))
    }

    /// The token of the user who is logged in.
    pub(crate) fn user_auth(&self) -> Result<Auth> {
        self.check_server()?;
        let Some(token) = self.home.user_token(&self.name)? else {
            return Err(Failure::new("nobody is logged in")
                .remedy("`iobeam user login`, or `iobeam user create` for a new account")
                .into());
        };
        if token.has_expired(self.clock.now()) {
            return Err(Failure::new(format!("your log-in ended at {}", token.expires))
                .remedy("`iobeam user login`")
                .into());
        }
        Ok(Auth::Token(token.token))
    }

    /// The project that a command means.
    pub(crate) fn project(&self, flag: ProjectFlag) -> Result<u32> {
        if let Some(project) = flag.project_id {
            return Ok(project);
        }
        if let Some(project) = self.token.as_deref().and_then(project_of) {
            return Ok(project);
        }
        if self.profile.active_project == 0 {
            return Err(Failure::usage("no project is active")
                .remedy("name one with --project-id, or `iobeam project switch --id ID`")
                .into());
        }
        Ok(self.profile.active_project)
    }

    /// The token of a project; a new one when it has ended.
    pub(crate) fn project_auth(&self, project: u32) -> Result<Auth> {
        if let Some(token) = &self.token {
            return Ok(Auth::Token(token.clone()));
        }
        Ok(Auth::Token(self.kept_token(project)?.token))
    }

    /// The token of a project that is kept here; a new one when it has ended.
    pub(crate) fn kept_token(&self, project: u32) -> Result<Token> {
        self.check_server()?;
        let Some(token) = self.home.project_token(&self.name, project)? else {
            return Err(Failure::new(format!("there is no token for project {project} here"))
                .remedy(format!("`iobeam project token --id {project} --read --write`"))
                .into());
        };
        if !token.has_expired(self.clock.now()) {
            return Ok(token);
        }
        let call =
            Call::post(&["tokens", "project"]).json(&json!({"refresh_token": token.token}))?;
        let remedy = format!("fetch another: `iobeam project token --id {project} --read --write`");
        let reply = self.api.send(call).map_err(|error| advised(error, None, &remedy))?;
        let fresh = token_of(&reply.json()?)?;
        self.home.save_project_token(&self.name, &fresh)?;
        Ok(fresh)
    }

    /// Fetches a token for a project as the user who is logged in.
    pub(crate) fn fetch_token(
        &self,
        project: u32,
        read: bool,
        write: bool,
        admin: bool,
    ) -> Result<Token> {
        let call = Call::get(&["tokens", "project"])
            .with("project_id", project)
            .with("read", read)
            .with("write", write)
            .with("admin", admin)
            .with("include_user", false);
        token_of(&self.as_user(call)?.json()?)
    }

    /// Keeps a project's token and makes the project active.
    pub(crate) fn adopt(&mut self, token: &Token) -> Result<()> {
        self.profile.active_project = token.project_id;
        self.home.save(&self.name, &self.profile)?;
        self.home.save_project_token(&self.name, token)
    }

    /// Keeps a user's token; the profile belongs to this user and this server from now on.
    pub(crate) fn adopt_user(&mut self, token: &Token, email: &str) -> Result<()> {
        for project in self.home.projects_with_tokens(&self.name)? {
            self.home.forget_project_token(&self.name, project)?;
        }
        let same_user = self.profile.active_user == token.user_id
            && same_server(&self.profile.server, self.api.address());
        if !same_user {
            self.profile.active_project = 0;
        }
        self.profile.server = self.api.address().to_owned();
        self.profile.active_user = token.user_id;
        email.clone_into(&mut self.profile.activer_user_email);
        self.home.save(&self.name, &self.profile)?;
        self.home.save_user_token(&self.name, token)
    }

    /// Forgets the user, whose account is gone, and all their tokens.
    pub(crate) fn forget_user(&mut self) -> Result<()> {
        for project in self.home.projects_with_tokens(&self.name)? {
            self.home.forget_project_token(&self.name, project)?;
        }
        self.home.forget_user_token(&self.name)?;
        self.profile.active_project = 0;
        self.profile.active_user = 0;
        self.profile.activer_user_email.clear();
        self.home.save(&self.name, &self.profile)
    }

    fn check_server(&self) -> Result<()> {
        if self.profile.active_user == 0 || same_server(&self.profile.server, self.api.address()) {
            return Ok(());
        }
        let message = format!(
            "profile '{}' is logged in at {}, not at {}",
            self.name,
            self.profile.server,
            self.api.address()
        );
        Err(Failure::new(message)
            .remedy(
                "make a profile for this server: `iobeam profile create --name NAME --server URL`",
            )
            .into())
    }
}

/// The token in the server's reply.
pub(crate) fn token_of(reply: &Value) -> Result<Token> {
    let number =
        |member: &str| reply[member].as_u64().and_then(|id| id.try_into().ok()).unwrap_or(0);
    let holds = |member: &str| reply[member].as_bool().unwrap_or(false);
    let text = |member: &str| reply[member].as_str().unwrap_or_default().to_owned();
    let project_id = number("project_id");
    let user_id = if project_id == 0 { number("user_id") } else { 0 };
    let token = text("token");
    if token.is_empty() || (project_id == 0 && user_id == 0) {
        return Err(Failure::new("the server's reply holds no token").into());
    }
    let expires = text("expires");
    let (read, write, admin) = (holds("read"), holds("write"), holds("admin"));
    Ok(Token { token, expires, user_id, project_id, read, write, admin })
}

/// The project a token is for, by its own word. The server checks it; here it only spares a flag.
pub(crate) fn project_of(token: &str) -> Option<u32> {
    let payload = token.split('.').nth(1)?;
    let json = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Value = serde_json::from_slice(&json).ok()?;
    claims["pid"].as_u64()?.try_into().ok()
}

/// Adds a remedy to a refusal of this status that has none yet.
pub(crate) fn with_remedy<T>(sent: Result<T>, http: u16, remedy: &str) -> Result<T> {
    sent.map_err(|error| advised(error, Some(http), remedy))
}

fn advised(error: anyhow::Error, http: Option<u16>, remedy: &str) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) if http.is_none_or(|http| http == failure.http) => {
            failure.or_remedy(remedy).into()
        }
        Ok(failure) => failure.into(),
        Err(other) => other,
    }
}

/// When a token ends, for people.
pub(crate) fn until(token: &Token) -> String {
    if token.expires.starts_with("9999-") {
        return String::from("it is revoked");
    }
    parse_date(&token.expires)
        .map_or_else(|| token.expires.clone(), |end| end.format("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(profile: &Profile, server: Option<&str>) -> (tempfile::TempDir, Session) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let home = Home::at(folder.path());
        home.save(DEFAULT_PROFILE, profile).expect("saved");
        let flags = GlobalFlags { server: server.map(str::to_owned), ..GlobalFlags::default() };
        let session = Session::open_at(&flags, Output::new(false), home).expect("opened");
        (folder, session)
    }

    #[test]
    fn a_token_is_not_sent_to_another_server_than_its_own() {
        let profile =
            Profile { server: "http://home:1".into(), active_user: 3, ..Profile::default() };
        let token = Token { token: "t".into(), user_id: 3, ..Token::default() };
        let (_folder, there) = session(&profile, None);
        there.home.save_user_token(DEFAULT_PROFILE, &token).expect("saved");
        assert!(there.user_auth().is_ok());
        let (_folder, elsewhere) = session(&profile, Some("http://elsewhere:1"));
        elsewhere.home.save_user_token(DEFAULT_PROFILE, &token).expect("saved");
        let refusal = elsewhere.user_auth().err().expect("refused");
        insta::assert_snapshot!(refusal, @"profile 'default' is logged in at http://home:1, not at http://elsewhere:1");
    }

    #[test]
    fn a_log_in_forgets_the_project_tokens_of_the_user_before() {
        let profile = Profile { active_user: 3, active_project: 9, ..Profile::default() };
        let (_folder, mut session) = session(&profile, None);
        let old = Token { token: "p".into(), project_id: 9, ..Token::default() };
        session.home.save_project_token(DEFAULT_PROFILE, &old).expect("saved");
        let token = Token { token: "t".into(), user_id: 4, ..Token::default() };
        session.adopt_user(&token, "new@example.com").expect("logged in");
        assert!(session.home.projects_with_tokens(DEFAULT_PROFILE).expect("listed").is_empty());
        let kept = session.home.load(DEFAULT_PROFILE).expect("readable").expect("there");
        assert_eq!((kept.active_user, kept.active_project), (4, 0));
    }

    #[test]
    fn a_tokens_project_is_read_from_the_token() {
        let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(r#"{"uid":0,"pid":77}"#);
        assert_eq!(project_of(&format!("h.{payload}.s")), Some(77));
        assert_eq!(project_of("no token"), None);
    }

    #[test]
    fn a_log_in_that_has_ended_is_not_sent() {
        let profile = Profile { active_user: 3, ..Profile::default() };
        let (_folder, session) = session(&profile, None);
        let expires = "2016-08-28 17:25:31 +0000".into();
        let token = Token { token: "t".into(), user_id: 3, expires, ..Token::default() };
        session.home.save_user_token(DEFAULT_PROFILE, &token).expect("saved");
        let refusal = session.user_auth().err().expect("refused");
        insta::assert_snapshot!(refusal, @"your log-in ended at 2016-08-28 17:25:31 +0000");
    }
}
