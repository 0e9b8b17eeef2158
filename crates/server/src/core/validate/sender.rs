//! Whose an upload is that was refused: as far as it says so.

use bytes::Bytes;
use iobeam_model::FieldName;
use iobeam_wire::batch::{Limits, decode};
use iobeam_wire::import::without_byte_order_mark;
use serde::Deserialize;

use super::{BodyFormat, MAX_ROWS, texts};

/// A body that is larger is not looked through for this.
const MOST: usize = 1 << 20;

/// What of a JSON body says whose it is.
#[derive(Deserialize)]
struct Named {
    device_id: Option<String>,
}

/// The device that a body names, or the first of them.
pub(crate) fn sender(form: BodyFormat, body: &Bytes) -> Option<String> {
    if body.len() > MOST {
        return None;
    }
    match form {
        BodyFormat::Series | BodyFormat::Table => {
            serde_json::from_slice::<Named>(without_byte_order_mark(body)).ok()?.device_id
        }
        BodyFormat::Batches => {
            let limits = Limits { max_rows: MAX_ROWS, max_columns: u32::MAX, max_bytes: MOST };
            let first = decode(body, &limits).ok()?.batch;
            let devices = texts(first.column(FieldName::device_id().as_str())?);
            devices.first().map(|device| (*device).to_owned())
        }
    }
}
