//! What each part's errors are to a client: the one place where they become a category and a code.

use iobeam_catalog::CatalogError;
use iobeam_model::Remedy;
use iobeam_query::QueryError;
use iobeam_store::{FileError, StoreError};
use iobeam_wire::{CodecError, ImportError};

use super::{ApiError, Category, Code};

/// What to do about it.
const MORE_THAN_HELD: &str = "A token grants at most what its user holds in the project, and an administrator alone makes a token \
                              that the project owns; ask for less";

/// When a client may come back if the part does not say.
const SOON: u32 = 5;

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        let text = error.to_string();
        let unprocessable = Category::Unprocessable;
        match &error {
            CatalogError::NotFound { .. } => Self::not_found(
                capital(&text),
                "Check the name or id; what one may not see is not told apart from what is not there",
            ),
            CatalogError::AlreadyExists { .. } => {
                Self::already_exists(capital(&text), "Names are unique; choose another one")
            }
            CatalogError::DeviceIdTaken { .. } => {
                Self::new(unprocessable, "Device ID already in use", text)
                    .with_code(Code::DEVICE_ID_TAKEN)
            }
            CatalogError::DeviceNameTaken { .. } => {
                Self::new(unprocessable, "Device name already in use", text)
                    .with_code(Code::DEVICE_NAME_TAKEN)
            }
            CatalogError::WrongPassword => Self::unauthorized(
                "Wrong user name or password",
                "Check both; a forgotten password can be reset",
            ),
            CatalogError::PasswordNeeded => Self::unauthorized(
                "The password is needed",
                "Send the account's password as 'old_password' in the body; a token alone changes neither address nor password",
            ),
            CatalogError::AccountDisabled => Self::forbidden("The account is disabled", text),
            CatalogError::MoreThanHeld => Self::forbidden(capital(&text), MORE_THAN_HELD),
            CatalogError::NotRefreshable => Self::forbidden(
                "The token cannot be refreshed",
                format!("{text}; ask for a new one"),
            ),
            CatalogError::OnlyAdmin { .. } => {
                Self::new(Category::Conflict, "A project would have no administrator", text)
            }
            CatalogError::NotInvited | CatalogError::SignUpClosed => {
                Self::forbidden("Signing up is not possible", text)
            }
            CatalogError::Orphaned { .. } => {
                Self::new(Category::Conflict, "The name belongs to other rows", capital(&text))
            }
            CatalogError::LastAdmin { .. } => {
                Self::new(Category::Conflict, "The last admin stays", text)
            }
            CatalogError::ChangedMeanwhile { .. } => {
                Self::new(Category::Conflict, "Somebody else changed it", text)
            }
            CatalogError::FieldTypeConflict { .. } => {
                Self::bad_request("A field has another type", text).with_code(Code::TYPE_CONFLICT)
            }
            CatalogError::TooMany { what: "fields in a namespace", limit } => {
                Self::bad_request("The namespace has too many fields", too_many_fields(*limit))
            }
            CatalogError::DiskFull => disk_full(text),
            CatalogError::Busy | CatalogError::BeingDeleted { .. } => busy(text, SOON),
            other => match other.remedy() {
                Remedy::FixRequest => Self::bad_request("The request breaks a rule", text),
                Remedy::Retry => busy(text, SOON),
                Remedy::CallOperator => Self::internal(with_causes(&error)),
            },
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        let after = error.retry_after().map_or(SOON, |wait| {
            u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
        });
        match &error {
            StoreError::DiskFull { .. } | StoreError::LogFull { .. } => {
                disk_full(text).with_retry_after(after)
            }
            StoreError::Unavailable { .. } => out_of_service(&text),
            StoreError::File(file) => unreadable(file),
            StoreError::BeingCorrected { .. } => {
                Self::new(Category::Conflict, "The namespace is being corrected", text)
            }
            StoreError::NoCorrection { .. } => Self::not_found("There is no such correction", text),
            other => match other.remedy() {
                Remedy::Retry => busy(text, after),
                Remedy::FixRequest => Self::bad_request("The readings cannot be stored", text),
                Remedy::CallOperator => Self::internal(with_causes(&error)),
            },
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let text = error.to_string();
        match &error {
            QueryError::NoSuchField { .. } => {
                Self::not_found("There is no such field", format!("{text}; check its spelling"))
            }
            QueryError::Parameter { parameter, .. } => {
                Self::bad_request(format!("The parameter '{parameter}' is wrong"), text)
            }
            QueryError::UnknownParameter { parameter, .. } => {
                Self::bad_request(format!("The parameter '{parameter}' is not known"), text)
            }
            QueryError::Timeout { .. }
            | QueryError::ValueTooLarge { .. }
            | QueryError::TooComplex { .. }
            | QueryError::TooManyRows { .. }
            | QueryError::TooManyPoints { .. } => {
                Self::bad_request("The query reached a limit", text).with_code(Code::QUERY_LIMIT)
            }
            QueryError::File(file) => unreadable(file),
            QueryError::Unavailable { .. } => out_of_service(&text),
            QueryError::Memory { .. } | QueryError::Busy { .. } => {
                Self::new(Category::Unavailable, "The query reached a limit", text)
                    .with_code(Code::QUERY_LIMIT)
                    .with_retry_after(SOON)
            }
            other => match other.remedy() {
                Remedy::Retry => busy(text, SOON),
                Remedy::FixRequest => Self::bad_request("The query cannot be answered", text),
                Remedy::CallOperator => Self::internal(with_causes(&error)),
            },
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        if let ImportError::TooMany { place, what: "fields", limit } = &error {
            return Self::bad_request("The request has too many fields", too_wide(place, *limit));
        }
        Self::bad_request("The readings cannot be imported", error.to_string())
    }
}

impl From<CodecError> for ApiError {
    fn from(error: CodecError) -> Self {
        let text = error.to_string();
        match error {
            CodecError::TooLarge { what: "columns", limit, .. } => Self::bad_request(
                "The request has too many fields",
                too_wide("batch", usize::try_from(limit).unwrap_or(usize::MAX)),
            ),
            CodecError::TooLarge { .. } => {
                Self::new(Category::TooLarge, "The batch is too large", text)
            }
            _ => Self::bad_request("The body is not a batch", text),
        }
    }
}

/// What helps when a namespace is full.
fn too_many_fields(limit: usize) -> String {
    format!(
        "a namespace has at most {limit} fields (setting max-fields-per-namespace), and these would be more; send the \
         new fields to another namespace, or let the administrator raise the setting"
    )
}

/// What helps when a table or batch has too many fields.
fn too_wide(place: &str, limit: usize) -> String {
    format!(
        "{place}: there are more than {limit} fields (setting max-fields-per-request); send the fields in several \
         requests, or let the administrator raise the setting"
    )
}

/// 500, and unlike others with its cause: it names a file of the sender's own table, and what to do about it.
fn unreadable(file: &FileError) -> ApiError {
    tracing::error!(error = %file, "stored rows cannot be read");
    let category = Category::Internal;
    ApiError::new(category, "Stored rows cannot be read", capital(&file.to_string()))
}

/// 503: the same request works once the operator has repaired the table; until then senders keep what they have.
fn out_of_service(text: &str) -> ApiError {
    let category = Category::Unavailable;
    ApiError::new(category, "The table is out of service", capital(text)).with_retry_after(60)
}

/// 507.
fn disk_full(details: String) -> ApiError {
    ApiError::new(Category::DiskFull, "The server's disk is full", details).with_retry_after(SOON)
}

/// 503.
fn busy(details: String, after: u32) -> ApiError {
    ApiError::new(Category::Unavailable, "The server is busy", details).with_retry_after(after)
}

/// An error and what lies behind it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A sentence begins with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
