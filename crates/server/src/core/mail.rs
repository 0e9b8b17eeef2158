//! Letters to users: the keys that verify an address or reset a password.
//!
//! ```text
//!          ┌─ smtp-url set ─▶ mail server ─ refused ─┐
//! Letter ──┤                                         ▼
//!          └─ not set ─────────────────────▶ outbox/20260101T120000-1-reset.eml (0600)
//! ```
//!
//! - A letter is never lost: what the mail server does not take is put into the outbox, and the log says so.
//! - The log names the file, never the key in it.
//! - The outbox keeps the newest [`outbox::KEPT`] letters.

mod outbox;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use iobeam_model::Clock;
use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use self::outbox::Outbox;

/// How long the mail server may take.
const UNREAD_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Letters to users. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Mail(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    from: Mailbox,
    /// How users reach the platform, for the text of letters.
    public_url: Option<String>,
    server: Option<AsyncSmtpTransport<Tokio1Executor>>,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
}

/// Why no letters can be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// The setting `mail-from` is no address.
    #[error("mail-from '{address}' is no mail address: {reason}")]
    From {
        /// The setting.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The setting `smtp-url` names no usable mail server. The URL may hold a password and is not shown.
    #[error("smtp-url: {0}")]
    Server(String),
}

/// What a letter is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EmailKind {
    /// To show that the address is the user's.
    Verify,
    /// To confirm another address, which is the account's then.
    Confirm,
    /// To take back a change of the address; goes to the old one.
    Revert {
        /// Whether the change waits to be confirmed.
        waits: bool,
    },
    /// To say that the password was changed. Has no key.
    PasswordChanged,
    /// To say that the account was deleted. Has no key.
    AccountDeleted,
    /// To choose a new password.
    Reset,
    /// To become a member of a project.
    Invite {
        /// What the project is called.
        project: String,
    },
}

/// A letter with a key in it.
#[derive(Clone)]
pub(crate) struct Email {
    /// The address.
    pub(crate) to: String,
    /// What it is for.
    pub(crate) purpose: EmailKind,
    /// The key.
    pub(crate) key: String,
}

impl Mail {
    /// Sends through that mail server, or into that folder when there is none.
    pub(crate) fn open(
        server: Option<&url::Url>,
        from: &str,
        public_url: Option<String>,
        outbox: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, MailError> {
        let from = from.parse().map_err(|error: lettre::address::AddressError| {
            MailError::From { address: from.to_owned(), reason: error.to_string() }
        })?;
        let server = server.map(connect).transpose()?;
        let outbox = Outbox::open(outbox);
        Ok(Self(Arc::new(Parts { from, public_url, server, outbox, clock })))
    }

    /// Sends the letter while the caller goes on: how long it takes tells nobody whether there is such a user.
    pub(crate) fn post(&self, letter: Email) {
        let mail = self.clone();
        tokio::spawn(async move { mail.send(letter).await });
    }

    /// Sends the letter, or puts it into the outbox. Failures are the operator's, and go to the log.
    pub(crate) async fn send(&self, letter: Email) {
        let message = match self.write(&letter) {
            Ok(message) => message,
            Err(reason) => {
                tracing::warn!(%reason, "a letter cannot be written: its address is no mail address");
                return;
            }
        };
        if let Some(server) = &self.0.server {
            match tokio::time::timeout(UNREAD_BODY_TIMEOUT, server.send(message.clone())).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => tracing::error!(%error, "the mail server did not take a letter"),
                Err(_) => tracing::error!("the mail server did not answer in time"),
            }
        }
        self.keep(&message, letter.purpose.name()).await;
    }

    async fn keep(&self, message: &Message, purpose: &'static str) {
        let (parts, bytes) = (Arc::clone(&self.0), message.formatted());
        let keep = move || parts.outbox.keep(parts.clock.now(), purpose, &bytes);
        match tokio::task::spawn_blocking(keep).await {
            Ok(Ok(file)) => {
                tracing::info!(file = %file.display(), "a letter was put into the outbox");
            }
            Ok(Err(error)) => tracing::error!(%error, "a letter could not be put into the outbox"),
            Err(error) => tracing::error!(%error, "a letter could not be put into the outbox"),
        }
    }

    fn write(&self, letter: &Email) -> Result<Message, String> {
        let to: Mailbox = letter.to.parse().map_err(|error| format!("{error}"))?;
        let micros = u64::try_from(self.0.clock.now().micros()).unwrap_or(0);
        Message::builder()
            .from(self.0.from.clone())
            .to(to)
            .date(UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(None)
            .subject(letter.purpose.subject())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text(self.0.public_url.as_deref()))
            .map_err(|error| error.to_string())
    }
}

impl EmailKind {
    fn name(&self) -> &'static str {
        match self {
            // The same page and the same command take both keys.
            Self::Verify | Self::Confirm => "verify",
            Self::Revert { .. } => "revert",
            Self::PasswordChanged => "password",
            Self::AccountDeleted => "deleted",
            Self::Reset => "reset",
            Self::Invite { .. } => "invite",
        }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Verify => "iobeam: your e-mail address",
            Self::Confirm => "iobeam: your new e-mail address",
            Self::Revert { .. } => "iobeam: your e-mail address is being changed",
            Self::PasswordChanged => "iobeam: your password was changed",
            Self::AccountDeleted => "iobeam: your account was deleted",
            Self::Reset => "iobeam: a new password",
            Self::Invite { .. } => "iobeam: an invitation",
        }
    }
}

impl Email {
    /// The text. Each line is short, so that no mail program breaks the key.
    fn text(&self, public_url: Option<&str>) -> String {
        let place = public_url.map(|url| format!(" at {url}")).unwrap_or_default();
        let key = &self.key;
        // Behind the '#' it stays in the browser: no server on the way writes it into a log.
        let link = public_url.map(|url| {
            format!("Open this page:\r\n\r\n    {url}/{}#{key}\r\n\r\n", self.purpose.name())
        });
        let link = link.filter(|_| !key.is_empty()).unwrap_or_default();
        match &self.purpose {
            EmailKind::Verify => format!(
                "An account was made with this address{place}.\r\n\r\n\
                 {link}The verification key is:\r\n\r\n    {key}\r\n\r\n\
                 Use it with the command:\r\n\r\n    iobeam user verify-email\r\n\r\n\
                 If you did not make an account, ignore this letter.\r\n"
            ),
            EmailKind::Confirm => format!(
                "This address was given as the new one of an account{place}.\r\n\r\n\
                 {link}The verification key is:\r\n\r\n    {key}\r\n\r\n\
                 Use it with the command:\r\n\r\n    iobeam user verify-email\r\n\r\n\
                 Until then nothing changes. If you have no account there, ignore this letter.\r\n"
            ),
            EmailKind::Revert { waits } => format!(
                "{}{place}.\r\n\r\n\
                 If that was you, there is nothing to do.\r\n\r\n\
                 If not, somebody knows your password. For seven days you can take it back:\r\n\
                 the account has this address again, everybody is signed out, and a key\r\n\
                 for a new password is sent here.\r\n\r\n\
                 {link}The key is:\r\n\r\n    {key}\r\n\r\n\
                 Use it with the command:\r\n\r\n    iobeam user revert-email\r\n",
                if *waits {
                    "Another e-mail address was asked for, for your account"
                } else {
                    "The e-mail address of your account was changed"
                }
            ),
            EmailKind::AccountDeleted => format!(
                "The account with this address{place} was deleted by someone who knew its password. Its names and\r\n\
                 address are erased.\r\n\r\n\
                 If that was not you, write to whoever runs the platform: the projects it was in\r\n\
                 may have other members who can let you in again.\r\n"
            ),
            EmailKind::PasswordChanged => format!(
                "The password of your account was changed{place}.\r\n\r\n\
                 If that was not you, reset it with the command:\r\n\r\n    iobeam user reset-pw\r\n"
            ),
            EmailKind::Reset => format!(
                "Someone asked for a new password for this address{place}.\r\n\r\n\
                 {link}The reset key is:\r\n\r\n    {key}\r\n\r\n\
                 Use it with the command:\r\n\r\n    iobeam user reset-pw\r\n\r\n\
                 If that was not you, ignore this letter: your password stays as it is.\r\n"
            ),
            EmailKind::Invite { project } => format!(
                "You are invited to the project '{project}'{place}.\r\n\r\n\
                 {link}The code is:\r\n\r\n    {key}\r\n\r\n\
                 Sign in, or sign up with this code, on the page /invite of the web app.\r\n\r\n\
                 It is good for seven days. If you do not know the project, ignore this letter.\r\n"
            ),
        }
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// A connection that is opened when the first letter is sent. Without TLS nothing is sent but to this machine.
fn connect(url: &url::Url) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let mut url = url.clone();
    // For this scheme the library leaves even addresses as names.
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if url.scheme() == "smtp" && !local && !url.query_pairs().any(|(name, _)| name == "tls") {
        url.query_pairs_mut().append_pair("tls", "required");
    }
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
        .map(|server| server.timeout(Some(UNREAD_BODY_TIMEOUT)).build())
        .map_err(|error| MailError::Server(error.to_string()))
}

#[cfg(test)]
mod tests;
