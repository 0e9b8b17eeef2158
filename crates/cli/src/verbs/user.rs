//! `iobeam user` and `iobeam whoami`: accounts.
//!
//! ```text
//! create ─▶ log in ─▶ token.json, profile.config           login ─▶ the same, and forgets project tokens
//! ```

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::api::{Auth, Call};
use crate::ask::{self, PasswordSource};
use crate::failure::Failure;
use crate::output::{Grid, date, text};
use crate::session::{Session, token_of, until, with_remedy};
use crate::state::Token;

/// The verbs of accounts.
#[derive(clap::Subcommand)]
pub(crate) enum User {
    /// Make an account and log in
    Create(Create),
    /// Log in
    Login(Login),
    /// Show an account; your own when none is named
    Get(Get),
    /// Change your account
    Update(Update),
    /// Confirm your e-mail address with the key from the letter
    VerifyEmail(VerifyEmail),
    /// Take back a change of your e-mail address with the key from the letter to the old one
    RevertEmail(RevertEmail),
    /// Set a new password when the old one is lost
    ResetPw(ResetPassword),
    /// List all accounts; for the operator of the server
    #[command(visible_alias = "ls")]
    List,
    /// Disable an account: its sessions and tokens end at once; for the operator of the server
    Disable(Account),
    /// Enable a disabled account; for the operator of the server
    Enable(Account),
    /// Delete an account for good: your own, or, for the operator of the server, any other
    Delete(Delete),
}

/// What an account says about a person.
#[derive(clap::Args)]
pub(crate) struct About {
    /// A name to log in by, beside the e-mail address
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// First name
    #[arg(long, alias = "firstname", value_name = "NAME")]
    first_name: Option<String>,
    /// Last name
    #[arg(long, alias = "lastname", value_name = "NAME")]
    last_name: Option<String>,
    /// Company
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// Web address
    #[arg(long)]
    url: Option<String>,
}

impl About {
    fn members(self) -> Map<String, Value> {
        [
            ("username", self.username),
            ("first_name", self.first_name),
            ("last_name", self.last_name),
            ("company_name", self.company),
            ("url", self.url),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect()
    }
}

/// A new account.
#[derive(clap::Args)]
pub(crate) struct Create {
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    #[command(flatten)]
    about: About,
    /// The invite code, where the server wants one
    #[arg(long, value_name = "CODE")]
    invite: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

/// Who logs in.
#[derive(clap::Args)]
pub(crate) struct Login {
    /// User name or e-mail address; asked for when left out
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Print the token
    #[arg(long)]
    show_token: bool,
}

/// Which account.
#[derive(clap::Args)]
pub(crate) struct Get {
    /// User name or e-mail address
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// What to change.
#[derive(clap::Args)]
pub(crate) struct Update {
    /// New e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    about: About,
    /// Set a new password; `-` asks for it, which keeps it out of the shell's history
    #[arg(long, value_name = "PASSWORD", allow_hyphen_values = true)]
    password: Option<String>,
    #[command(flatten)]
    old_password: PasswordSource,
}

/// The key from the letter.
#[derive(clap::Args)]
pub(crate) struct VerifyEmail {
    /// The key; asked for when left out
    #[arg(long)]
    key: Option<String>,
}

/// The key from the letter to the old address.
#[derive(clap::Args)]
pub(crate) struct RevertEmail {
    /// The key; asked for when left out
    #[arg(long)]
    key: Option<String>,
}

/// Which account.
#[derive(clap::Args)]
pub(crate) struct Account {
    /// The user's number; `iobeam user list` shows it
    #[arg(long)]
    id: u32,
}

/// Which account goes, and who administers what it alone did.
#[derive(clap::Args)]
pub(crate) struct Delete {
    /// The user's number; `iobeam user list` shows it
    #[arg(long, required_unless_present = "me", conflicts_with = "me")]
    id: Option<u32>,
    /// Your own account; the password is asked for
    #[arg(long)]
    me: bool,
    #[command(flatten)]
    password: PasswordSource,
    /// The user who becomes administrator of projects that would have none; when you delete your own account, a member of them
    #[arg(long, value_name = "ID")]
    heir: Option<u32>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Whose password, or the key from the letter.
#[derive(clap::Args)]
pub(crate) struct ResetPassword {
    /// Send a key to this e-mail address, then ask for it
    #[arg(long, value_name = "ADDRESS", conflicts_with = "key", required_unless_present = "key")]
    email: Option<String>,
    /// The key from the letter
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

impl User {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &mut Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::Login(login) => login.run(session),
            Self::Get(get) => get.run(session),
            Self::Update(update) => update.run(session),
            Self::VerifyEmail(verify) => verify.run(session),
            Self::RevertEmail(revert) => revert.run(session),
            Self::ResetPw(reset) => reset.run(session),
            Self::List => list(session),
            Self::Disable(account) => account.set_disabled(session, true),
            Self::Enable(account) => account.set_disabled(session, false),
            Self::Delete(delete) => delete.run(session),
        }
    }
}

/// A user's token, and the account it belongs to.
pub(crate) fn log_in(session: &mut Session, name: &str, password: &str) -> Result<(Token, Value)> {
    let auth = Auth::Password(name.to_owned(), password.to_owned());
    let sent = session.api.send(Call::get(&["tokens", "user"]).by(auth));
    let sent =
        with_remedy(sent, 401, "check name and password, or set a new one: `iobeam user reset-pw`");
    let token = token_of(&sent?.json()?)?;
    let me = Call::get(&["users", "me"]).by(Auth::Token(token.token.clone()));
    let user = session.api.send(me)?.json()?;
    session.adopt_user(&token, &text(&user, "email"))?;
    Ok((token, user))
}

impl Create {
    fn run(self, session: &mut Session) -> Result<()> {
        let password = self.password.new_password()?;
        let mut account = self.about.members();
        account.insert(String::from("email"), self.email.clone().into());
        account.insert(String::from("password"), password.clone().into());
        if let Some(code) = self.invite {
            account.insert(String::from("invite"), code.into());
        }
        session.api.send(Call::post(&["users"]).json(&account)?)?;
        let (_, user) = log_in(session, &self.email, &password)?;
        if session.out.wants_json() {
            return session.out.json(&user);
        }
        let (email, id) = (text(&user, "email"), text(&user, "user_id"));
        session.out.done(&format!("account {email} (user {id}) made; you are logged in"))?;
        session.out.hint("make a project: iobeam project create --name my-project");
        Ok(())
    }
}

impl Login {
    fn run(self, session: &mut Session) -> Result<()> {
        let name = ask::line_unless(self.username, "User name or e-mail")?;
        let password = self.password.password("Password")?;
        let (token, mut user) = log_in(session, &name, &password)?;
        if session.out.wants_json() {
            if self.show_token {
                user["token"] = token.token.into();
            }
            user["expires"] = token.expires.into();
            return session.out.json(&user);
        }
        if self.show_token {
            return session.out.line(&token.token);
        }
        let whom = text(&user, "email");
        session.out.done(&format!("logged in as {whom} until {}", until(&token)))?;
        match session.profile.active_project {
            0 => session.out.hint("see your projects: iobeam project list"),
            id => session.out.hint(&format!("fetch a token: iobeam project switch --id {id}")),
        }
        Ok(())
    }
}

impl Get {
    fn run(self, session: &Session) -> Result<()> {
        let call = match self.name {
            Some(name) => Call::get(&["users"]).with("name", name),
            None => Call::get(&["users", "me"]),
        };
        show(session, &session.as_user(call)?.json()?)
    }
}

/// Shows who is logged in.
pub(crate) fn whoami(session: &Session) -> Result<()> {
    let user = session.as_user(Call::get(&["users", "me"]))?.json()?;
    if session.out.wants_json() {
        return session.out.json(&user);
    }
    let (email, id) = (text(&user, "email"), text(&user, "user_id"));
    let (profile, server) = (&session.name, session.api.address());
    session.out.line(&format!("{email} (user {id}) at {server}, profile '{profile}'"))
}

impl Update {
    fn run(self, session: &mut Session) -> Result<()> {
        let mut changes = self.about.members();
        if let Some(email) = self.email {
            changes.insert(String::from("email"), email.into());
        }
        if changes.contains_key("email") || self.password.is_some() {
            let old = self.old_password.password("Current password")?;
            changes.insert(String::from("old_password"), old.into());
        }
        if let Some(password) = self.password {
            let new =
                if password == "-" { PasswordSource::asked().new_password()? } else { password };
            changes.insert(String::from("password"), new.into());
        }
        if changes.is_empty() {
            return Err(Failure::usage("nothing to change")
                .remedy("see --help for what can be")
                .into());
        }
        let wanted =
            changes.get("email").map(|email| email.as_str().unwrap_or_default().to_owned());
        let call = Call::patch(&["users", "me"]).json(&changes)?;
        let reply = session.as_user(call)?;
        let user = session.as_user(Call::get(&["users", "me"]))?.json()?;
        let email = text(&user, "email");
        let waits = wanted.filter(|wanted| !wanted.trim().eq_ignore_ascii_case(&email));
        if email != session.profile.activer_user_email {
            session.profile.activer_user_email.clone_from(&email);
            session.home.save(&session.name, &session.profile)?;
        }
        if session.out.wants_json() {
            return session.out.json(&user);
        }
        session.out.done(if reply.status == 204 {
            "nothing changed"
        } else {
            "account changed"
        })?;
        if let Some(wanted) = waits {
            session.out.hint(&format!(
                "the address is {email} until {wanted} is confirmed with the key sent there: iobeam user verify-email"
            ));
        }
        Ok(())
    }
}

impl VerifyEmail {
    fn run(self, session: &Session) -> Result<()> {
        let key = ask::line_unless(self.key, "Key from the letter")?;
        let call = Call::post(&["users", "email"]).json(&json!({"verification_key": key}))?;
        session.api.send(call)?;
        if session.out.wants_json() {
            return session.out.json(&json!({"verified": true}));
        }
        session.out.done("e-mail address confirmed")
    }
}

impl RevertEmail {
    fn run(self, session: &Session) -> Result<()> {
        let key = ask::line_unless(self.key, "Key from the letter")?;
        let call = Call::post(&["users", "email", "revert"]).json(&json!({"revert_key": key}))?;
        session.api.send(call)?;
        if session.out.wants_json() {
            return session.out.json(&json!({"reverted": true}));
        }
        session.out.done("the account has its old address again, and everybody is signed out")?;
        session.out.hint(
            "set a new password with the key that was sent there: iobeam user reset-pw --key KEY",
        );
        Ok(())
    }
}

fn list(session: &Session) -> Result<()> {
    let reply = session.as_user(Call::get(&["accounts"]))?.json()?;
    if session.out.wants_json() {
        return session.out.json(&reply);
    }
    let mut grid = Grid::new(["id", "e-mail", "user name", "state", "created"]).right([0]);
    for account in reply["accounts"].as_array().into_iter().flatten() {
        let operates = account["operator"].as_bool().unwrap_or(false);
        let state = text(account, "state");
        grid.row(vec![
            text(account, "user_id"),
            text(account, "email"),
            text(account, "username"),
            if operates { format!("{state}, operator") } else { state },
            date(&account["created"]),
        ]);
    }
    session.out.table(&grid, "no accounts")
}

impl Account {
    fn set_disabled(self, session: &Session, disabled: bool) -> Result<()> {
        let id = self.id;
        let call = Call::patch(&["accounts", &id.to_string()]);
        let reply = session.as_user(call.json(&json!({"disabled": disabled}))?)?;
        let changed = reply.status != 204;
        if session.out.wants_json() {
            let answer = json!({"user_id": id, "disabled": disabled, "changed": changed});
            return session.out.json(&answer);
        }
        session.out.done(&match (disabled, changed) {
            (true, true) => format!("user {id} is disabled; sessions and tokens ended"),
            (false, true) => format!("user {id} is enabled and can sign in"),
            (true, false) => format!("user {id} was disabled already"),
            (false, false) => format!("user {id} was enabled already"),
        })
    }
}

impl Delete {
    fn run(self, session: &mut Session) -> Result<()> {
        let Some(id) = self.id else { return self.leave(session) };
        let question =
            format!("User {id} goes for good: the account cannot be brought back. Delete it");
        if !self.yes && !ask::sure(&question)? {
            return Err(Failure::new("nothing was deleted").into());
        }
        let call = Call::delete(&["accounts", &id.to_string()]).with_some("heir", self.heir);
        let sent = session.as_user(call);
        with_remedy(sent, 409, "name one with --heir ID, such as yourself")?;
        if session.out.wants_json() {
            return session.out.json(&json!({"user_id": id, "deleted": true}));
        }
        session.out.done(&format!("user {id} is deleted"))
    }

    fn leave(self, session: &mut Session) -> Result<()> {
        let user = session.as_user(Call::get(&["users", "me"]))?.json()?;
        let (email, id) = (text(&user, "email"), user["user_id"].clone());
        let question =
            format!("The account {email} goes for good and cannot be brought back. Delete it");
        if !self.yes && !ask::sure(&question)? {
            return Err(Failure::new("nothing was deleted").into());
        }
        let password = self.password.password("Password")?;
        let call = Call::post(&["users", "me", "deletion"]);
        let sent = session.as_user(call.json(&json!({"password": password, "heir": self.heir}))?);
        with_remedy(
            sent,
            409,
            "name a member with --heir ID, or delete the project: `iobeam project delete --id ID`",
        )?;
        session.forget_user()?;
        if session.out.wants_json() {
            return session.out.json(&json!({"user_id": id, "deleted": true}));
        }
        session.out.done(&format!("the account {email} is deleted"))
    }
}

impl ResetPassword {
    fn run(self, session: &Session) -> Result<()> {
        let key = match (self.key, self.email) {
            (None, Some(email)) => {
                session.api.send(Call::get(&["users", "password"]).with("reset", &email))?;
                session.out.note(&format!("A letter with a key is on its way to {email}."));
                ask::line("Key from the letter")?
            }
            (key, _) => key.unwrap_or_default(),
        };
        let password = self.password.new_password()?;
        let request = json!({"reset_key": key, "password": password});
        session.api.send(Call::post(&["users", "password"]).json(&request)?)?;
        if session.out.wants_json() {
            return session.out.json(&json!({"changed": true}));
        }
        session.out.done("password changed")?;
        session.out.hint("log in with it: iobeam user login");
        Ok(())
    }
}

fn show(session: &Session, user: &Value) -> Result<()> {
    if session.out.wants_json() {
        return session.out.json(user);
    }
    let name = format!("{} {}", text(user, "first_name"), text(user, "last_name"));
    session.out.record(&[
        ("user", text(user, "user_id")),
        ("e-mail", text(user, "email")),
        ("user name", text(user, "username")),
        ("name", name.trim().to_owned()),
        ("company", text(user, "company_name")),
        ("url", text(user, "url")),
        ("created", date(&user["created"])),
    ])
}
