//! Who asks, and what may they do.
//!
//! ```text
//! Credentials ─▶ signed here? ─▶ still counts? ─▶ listed, alike, not revoked? ─▶ Caller
//!                   jwt             clock            catalog                       │
//! what the call wants ───────────────────────────────────────▶ may they? ◀─────────┘
//! ```
//!
//! A browser brings the cookie of a session instead: see [`session`].
//!
//! - A signature alone opens nothing: each use looks the token up in the list of issued ones.
//! - A token never grants more than its issuer asked for; unless it is the project's, it never grants more than its
//!   creator holds at this moment. A request that goes on when its caller's rights end, ends too: see [`standing`].
//! - Which call takes which caller ([`rights`]) is said by each endpoint in one table, and only there.
//! - Neither tokens nor passwords are ever written to the log.

pub(crate) mod first;

pub(crate) mod session;

pub(crate) mod share;

pub(crate) mod rate_limit;

pub(crate) mod jwt;

pub(crate) mod key;

pub(crate) mod standing;

pub(crate) mod refusal;

pub(crate) mod rights;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use iobeam_catalog::{Catalog, Token, TokenOwner};
use iobeam_model::{Clock, DeviceId, Permissions, ProjectId, TokenId, UserId};
use iobeam_wire::token::Claims;

pub(crate) use key::KeyError;
pub(crate) use rate_limit::RateLimit;
pub(crate) use standing::Standing;

use jwt::Signer;
use rate_limit::{Account, Attempt, Client, LoginLimiter};
use refusal::Refusal;
use rights::{Access, Permission};
use share::ShareCaller;

/// How long a refresh is given after the old token ended.
pub(crate) const REFRESH_GRACE: Duration = Duration::from_hours(30 * 24);

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Wrong passwords for one account.
    pub(crate) per_account: RateLimit,
    /// Wrong passwords from one address.
    pub(crate) per_address: RateLimit,
    /// New accounts from one address.
    pub(crate) sign_ups: RateLimit,
}

impl Settings {
    /// That many wrong passwords for one account within a quarter of an hour. From one address there may be
    /// five times as many: a whole office may share it.
    pub(crate) fn allowing(attempts: u32, sign_ups: u32) -> Self {
        let window = Duration::from_mins(15);
        Self {
            per_account: RateLimit { attempts, window },
            per_address: RateLimit { attempts: attempts.saturating_mul(5), window },
            sign_ups: RateLimit { attempts: sign_ups, window: Duration::from_hours(1) },
        }
    }
}

/// Who may do what. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Auth(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    signer: Signer,
    limiter: LoginLimiter,
    sign_ups: LoginLimiter,
    catalog: Catalog,
    clock: Arc<dyn Clock>,
}

/// What a request brings to say who asks, whichever way its protocol carries it.
#[derive(Clone, Copy)]
pub(crate) enum Credentials<'a> {
    /// The text of a token.
    Token(&'a str),
    /// The key of a shared dashboard.
    Share(&'a str),
    /// Nothing, or nothing that is understood.
    None,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// A user, to manage.
    User(UserCaller),
    /// The bearer of a project token, to read and write.
    Project(ProjectCaller),
    /// Somebody with the key of a shared dashboard, to look at that.
    Share(ShareCaller),
}

/// A user, known by a user token.
#[derive(Clone, Debug)]
pub(crate) struct UserCaller {
    /// Who it is.
    pub(crate) user: UserId,
    /// The token they are known by.
    pub(crate) token: TokenId,
}

/// Whose secret somebody shows, and what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The account.
    pub(crate) account: Account,
    /// Who tries.
    pub(crate) client: Client,
}

impl Subject {
    /// A user who is known by a token, which may be stolen: all who have it share the account's attempts.
    pub(crate) fn user(user: UserId) -> Self {
        Self { account: Account::User(user), client: Client::Unknown }
    }

    /// Whatever that name stands for.
    pub(crate) fn of(
        name: &str,
        found: Option<(UserId, bool)>,
        browser: Option<(UserId, &str)>,
    ) -> Self {
        let Some((user, knows_address)) = found else {
            let account = Account::Unknown(name.trim().to_lowercase());
            return Self { account, client: Client::Unknown };
        };
        let client = match browser {
            Some((known, random)) if known == user => Client::Browser(random.to_owned()),
            _ if knows_address => Client::Address,
            _ => Client::Unknown,
        };
        Self { account: Account::User(user), client }
    }
}

/// The bearer of a project token: a device, a program, or a person at the command line.
#[derive(Clone, Debug)]
pub(crate) struct ProjectCaller {
    /// The token they are known by: a project token, or that of a session.
    pub(crate) token: TokenId,
    /// The user, if it is their session; the bearer of a project token may be anyone.
    pub(crate) user: Option<UserId>,
    /// The project the token opens.
    pub(crate) project: ProjectId,
    /// What it grants at this moment.
    pub(crate) permissions: Permissions,
    /// The only device it may write as, if it is bound to one.
    pub(crate) device: Option<DeviceId>,
}

impl Auth {
    /// Reads the signing key from the folder of keys, or makes it.
    pub(crate) fn open(
        keys: &Path,
        settings: Settings,
        catalog: Catalog,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyError> {
        let signer = Signer::new(&key::open(keys)?);
        key::keep_metrics_token(keys, &signer.metrics_token())?;
        Ok(Self(Arc::new(Parts {
            signer,
            limiter: LoginLimiter::new(settings.per_account, settings.per_address),
            sign_ups: LoginLimiter::new(settings.sign_ups, settings.sign_ups),
            catalog,
            clock,
        })))
    }

    /// Who brings these credentials.
    pub(crate) fn caller(&self, credentials: Credentials<'_>) -> Result<Caller, Refusal> {
        let text = match credentials {
            Credentials::Share(key) => return self.by_share(key).map(Caller::Share),
            Credentials::Token(text) => text,
            Credentials::None => return Err(Refusal::NoToken),
        };
        let token = self.good(text)?;
        self.0.catalog.touch_token(token.id);
        Ok(self.caller_of(&token))
    }

    /// The bearer of this token.
    fn caller_of(&self, token: &Token) -> Caller {
        let Some(project) = token.project else {
            return Caller::User(UserCaller { user: token.user, token: token.id });
        };
        Caller::Project(ProjectCaller {
            token: token.id,
            user: None,
            project,
            permissions: self.0.catalog.granted(token),
            device: token.device.clone(),
        })
    }

    /// Whether the bearer may see the metrics: with the token of `keys/metrics.token`, or as the operator.
    pub(crate) fn may_see_metrics(&self, credentials: Credentials<'_>) -> bool {
        let Credentials::Token(text) = credentials else { return false };
        if self.0.signer.is_metrics_token(text) {
            return true;
        }
        let user = self.good(text).ok().filter(|token| token.project.is_none());
        let user = user.and_then(|token| self.0.catalog.user(token.user).ok());
        user.is_some_and(|user| user.operator)
    }

    /// Signs what shows later that this browser signed in to that user's account.
    pub(crate) fn known_browser(&self, user: UserId) -> Result<String, KeyError> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(KeyError::Random)?;
        Ok(self.0.signer.known_browser(user, &URL_SAFE_NO_PAD.encode(random)))
    }

    /// The user and the browser that such a text is about.
    pub(crate) fn read_known_browser<'t>(&self, text: &'t str) -> Option<(UserId, &'t str)> {
        self.0.signer.read_known_browser(text)
    }

    /// The project, and perhaps the device, that the token was issued for; it may have ended.
    pub(crate) fn issued_for(
        &self,
        credentials: Credentials<'_>,
    ) -> Option<(ProjectId, Option<DeviceId>)> {
        let Credentials::Token(text) = credentials else { return None };
        let (token, _) = self.listed(text).ok()?;
        Some((token.project?, token.device.clone()))
    }

    /// The text of an issued token.
    pub(crate) fn text_of(&self, token: &Token) -> String {
        self.0.signer.write(&claims_of(token))
    }

    /// The token behind the text of an old one that may be exchanged for a new one. It may have ended.
    pub(crate) fn refreshable(&self, text: &str) -> Result<Arc<Token>, Refusal> {
        let (token, _) = self.listed(text)?;
        let refused = |reason| Err(Refusal::NotRefreshable { reason });
        let Some(project) = token.project else {
            return refused("It is a user token; log in again with GET /v1/tokens/user");
        };
        if token.revoked.is_some() {
            return refused("It was revoked; ask an administrator of the project for a new one");
        }
        if !token.refreshable {
            return refused("It was issued as not refreshable; ask for a new one");
        }
        if self.0.clock.now() > token.expires.plus(REFRESH_GRACE) {
            return refused("It ended more than 30 days ago; ask for a new one");
        }
        if token.owner == TokenOwner::Creator
            && (!self.0.catalog.is_active(token.user)
                || !self.0.catalog.permissions(token.user, project).covers(token.permissions))
        {
            return refused("The user who issued it no longer holds its permissions");
        }
        Ok(token)
    }

    /// Takes an attempt at a secret of this account. [`Attempt::give_back`] it when it was right. What it is at is
    /// counted apart.
    pub(crate) fn attempt(
        &self,
        what: &str,
        subject: &Subject,
        from: IpAddr,
    ) -> Result<Attempt<'_>, Refusal> {
        self.0
            .limiter
            .attempt(what, (&subject.account, &subject.client), from, self.0.clock.monotonic())
            .map_err(|wait| Refusal::TooMany { wait })
    }

    /// Takes an attempt from this address at something that is of no account, such as a key or a code.
    pub(crate) fn attempt_from(&self, from: IpAddr) -> Result<Attempt<'_>, Refusal> {
        self.0
            .limiter
            .attempt_from(from, self.0.clock.monotonic())
            .map_err(|wait| Refusal::TooMany { wait })
    }

    /// Takes one of the accounts that may be made from this address. [`Attempt::give_back`] it when none was.
    pub(crate) fn sign_up_from(&self, from: IpAddr) -> Result<Attempt<'_>, Refusal> {
        self.0
            .sign_ups
            .attempt_from(from, self.0.clock.monotonic())
            .map_err(|wait| Refusal::TooMany { wait })
    }

    /// The listed token that this text stands for, if it still counts.
    fn good(&self, text: &str) -> Result<Arc<Token>, Refusal> {
        let (token, _) = self.listed(text)?;
        self.counts(&token)?;
        Ok(token)
    }

    /// Refuses a token that was revoked, has ended, or whose user's account ended.
    fn counts(&self, token: &Token) -> Result<(), Refusal> {
        if token.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        if self.0.clock.now().seconds() >= token.expires.seconds() {
            return Err(Refusal::Expired);
        }
        if !self.0.catalog.is_backed(token) {
            return Err(Refusal::AccountEnded);
        }
        Ok(())
    }

    /// The listed token that this text stands for, and what the text says.
    fn listed(&self, text: &str) -> Result<(Arc<Token>, Claims), Refusal> {
        let claims = self.0.signer.read(text).map_err(|_| Refusal::NotOurs)?;
        let token = TokenId::new(claims.id)
            .and_then(|id| self.0.catalog.token(id))
            .ok_or(Refusal::NotOurs)?;
        // A restored or exchanged catalog may list another token under this number.
        if claims != claims_of(&token) {
            return Err(Refusal::NotOurs);
        }
        Ok((token, claims))
    }
}

impl Caller {
    /// The caller, if the row lets them in.
    pub(crate) fn allowed(self, who: Access) -> Result<Self, Refusal> {
        match (&self, who) {
            (_, Access::Anyone | Access::LogIn)
            | (Self::User(_), Access::User | Access::Operator)
            | (Self::Share(_), Access::Share) => Ok(self),
            (Self::Project(caller), Access::Project(right)) => {
                caller.need(right)?;
                Ok(self)
            }
            _ => Err(Refusal::WrongKind { takes: who }),
        }
    }
}

impl ProjectCaller {
    /// Whose questions its questions count among: one token is one reader.
    pub(crate) fn reader(&self) -> u64 {
        u64::from(self.token.get())
    }

    /// Refuses a caller without that right.
    pub(crate) fn need(&self, right: Permission) -> Result<(), Refusal> {
        let (has, right) = match right {
            Permission::Any => return Ok(()),
            Permission::Read => (self.permissions.read, "read"),
            Permission::Write => (self.permissions.write, "write"),
            Permission::Admin => (self.permissions.admin, "administer"),
        };
        if has { Ok(()) } else { Err(Refusal::Lacks { right }) }
    }

    /// Refuses a caller whose token is bound to another device than this one.
    pub(crate) fn may_act_as(&self, device: &str) -> Result<(), Refusal> {
        match &self.device {
            Some(own) if own.as_str() != device => Err(Refusal::OtherDevice),
            _ => Ok(()),
        }
    }

    /// Refuses a request that names another project than the token's.
    pub(crate) fn is_of_project(&self, named: Option<u64>) -> Result<(), Refusal> {
        match named {
            Some(named) if named != u64::from(self.project.get()) => Err(Refusal::OtherProject),
            _ => Ok(()),
        }
    }
}

/// What the text of this token says.
fn claims_of(token: &Token) -> Claims {
    Claims {
        // Zero in a project token that is not tied to a user.
        uid: if token.tied || token.project.is_none() { token.user.get() } else { 0 },
        pid: token.project.map_or(0, ProjectId::get),
        exp: token.expires.seconds(),
        pms: token.permissions.bits(),
        id: token.id.get(),
    }
}
