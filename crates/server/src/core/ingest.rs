//! How readings come in: this file, read from top to bottom, is what happens to an upload.
//!
//! ```text
//! Upload ─▶ checked (whole or not at all) ─▶ new fields known to the catalog ─▶ stored ─▶ Receipt
//!              └────────────── refused? noted, for whoever misses the readings ──┘
//! ```
//!
//! Invariants: nothing is stored of an upload in which anything is wrong; fields come into being only after everything
//! else was found right; when [`ingest`] returns, the readings survive a power cut and the next query sees them.

use bytes::Bytes;
use iobeam_catalog::CatalogError;
use iobeam_model::DeviceId;
use iobeam_store::{Receipt, Write};
use twox_hash::xxhash3_128::Hasher;

use crate::core::api_error::ApiError;
use crate::core::app::App;
use crate::core::auth::{ProjectCaller, Standing};
use crate::core::validate::sender::sender;
use crate::core::validate::{self, BodyFormat, Limits, NewFields, ValidatedImport};

/// Uploads up to this size are checked at once, larger ones on a thread that may take its time.
const INLINE_MAX_BYTES: usize = 128 << 10;

/// Readings as they came in, whichever endpoint they came to.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// How the body is to be read.
    pub(crate) form: BodyFormat,
    /// The body, unpacked.
    pub(crate) body: Bytes,
}

/// Takes an upload in: when this returns, it is on disk, and the next query sees it; or it was refused, which is noted.
pub(crate) async fn ingest(
    app: &App,
    (caller, standing): (&ProjectCaller, &Standing),
    upload: Upload,
) -> Result<Receipt, ApiError> {
    let outcome = store(app, (caller, standing), &upload).await;
    if let Err(refused) = &outcome {
        let device = caller.device.as_ref().map(ToString::to_string);
        let device = device.or_else(|| sender(upload.form, &upload.body));
        app.refusals.note(caller.project, device, refused);
    }
    outcome
}

async fn store(
    app: &App,
    (caller, standing): (&ProjectCaller, &Standing),
    upload: &Upload,
) -> Result<Receipt, ApiError> {
    app.auth.still(standing)?;
    let size = upload.body.len();
    // Until it is stored: what is deleted meanwhile waits for that.
    let _inside = app.importing.read().await;
    let mut checked = check(app, caller, upload.clone()).await?;
    if checked.registers {
        register(app, caller, checked.devices.clone()).await?;
    }
    while let Err(error) = add_fields(app, caller, std::mem::take(&mut checked.new_fields)).await {
        // Another upload made the field meanwhile, and spelled it otherwise: now it is known under that spelling.
        match error {
            CatalogError::FieldCase { .. } => checked = check(app, caller, upload.clone()).await?,
            other => return Err(other.into()),
        }
    }
    // The body may have taken long: what its sender may no longer do is not done.
    app.auth.still(standing)?;
    let outcome = app.store.write(checked.write).await;
    app.readiness.note(&outcome);
    let receipt = outcome?;
    app.catalog.all_seen(caller.project, &checked.devices, app.clock.now());
    app.metrics.imported(receipt.rows, size, receipt.repeat);
    Ok(receipt)
}

/// The sender's last chance to be wrong.
async fn check(
    app: &App,
    caller: &ProjectCaller,
    upload: Upload,
) -> Result<ValidatedImport, ApiError> {
    if upload.body.len() <= INLINE_MAX_BYTES {
        return check_now(app, caller, &upload);
    }
    let _room = app.check_permits.acquire().await.map_err(ApiError::internal)?;
    let (app, caller) = (app.clone(), caller.clone());
    tokio::task::spawn_blocking(move || check_now(&app, &caller, &upload))
        .await
        .map_err(ApiError::internal)?
}

fn check_now(
    app: &App,
    caller: &ProjectCaller,
    upload: &Upload,
) -> Result<ValidatedImport, ApiError> {
    let limits = Limits {
        bytes: app.config.http.max_request_size,
        fields: app.config.imports.max_fields_per_request,
    };
    let mut checked = validate::check(&app.catalog, caller, upload.form, &upload.body, limits)?;
    checked.write.body_hash = hash(upload, &checked.write);
    Ok(checked)
}

/// What recognises a repeat of a body whose batches have no numbers.
fn hash(upload: &Upload, write: &Write) -> Option<u128> {
    if write.batches.iter().all(|batch| batch.id.is_some()) {
        return None;
    }
    let mut hasher = Hasher::new();
    hasher.write(&[upload.form as u8]);
    hasher.write(&upload.body);
    Some(hasher.finish_128())
}

/// Registers the devices that are not yet, where the project wants that.
async fn register(
    app: &App,
    caller: &ProjectCaller,
    devices: Vec<DeviceId>,
) -> Result<(), ApiError> {
    let project = caller.project;
    app.catalog(move |catalog| {
        devices.iter().try_for_each(|device| validate::register(catalog, project, device))
    })
    .await
}

/// Makes the fields that were seen for the first time.
async fn add_fields(
    app: &App,
    caller: &ProjectCaller,
    new_fields: NewFields,
) -> Result<(), CatalogError> {
    let project = caller.project;
    for (namespace, fields) in new_fields {
        let fields: Vec<_> = fields.into_iter().collect();
        app.ask(move |catalog| catalog.add_fields(project, &namespace, &fields)).await?;
    }
    Ok(())
}
