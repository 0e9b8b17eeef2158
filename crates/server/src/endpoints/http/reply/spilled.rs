//! A reply too large for memory: written to a file without a name, then sent from there.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use iobeam_store::StoreError;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt as _, AsyncWriteExt as _, ReadBuf};

use crate::core::api_error::{ApiError, Code};

/// How much is read at once.
const PIECE: usize = 64 << 10;

/// A reply being written to its file.
#[derive(Debug)]
pub(super) struct Spilled {
    file: File,
    length: u64,
    limit: usize,
}

impl Spilled {
    /// Makes the file.
    pub(super) fn begin(folder: &Path, limit: usize) -> Result<Self, ApiError> {
        let file = tempfile::tempfile_in(folder).map_err(|error| refused(&error))?;
        Ok(Self { file: File::from_std(file), length: 0, limit })
    }

    /// Writes a part.
    pub(super) async fn push(&mut self, piece: Bytes) -> Result<(), ApiError> {
        self.length += piece.len() as u64;
        if self.length > self.limit as u64 {
            return Err(ApiError::bad_request(
                "The reply is too large",
                format!(
                    "It has more than {} bytes (setting max-response-size); ask for less, or stream it with POST /v1/sql",
                    self.limit
                ),
            )
            .with_code(Code::QUERY_LIMIT));
        }
        self.file.write_all(&piece).await.map_err(|error| refused(&error))
    }

    /// Turns to sending.
    pub(super) async fn into_body(mut self) -> Result<SpilledBody, ApiError> {
        self.file.flush().await.map_err(|error| refused(&error))?;
        self.file.rewind().await.map_err(|error| refused(&error))?;
        Ok(SpilledBody { file: self.file, left: self.length, buffer: vec![0; PIECE] })
    }
}

/// The file could not be written.
fn refused(error: &io::Error) -> ApiError {
    if error.kind() == io::ErrorKind::StorageFull {
        return ApiError::from(StoreError::DiskFull { free: 0, reserve: 0 });
    }
    ApiError::internal(format!("a reply could not be put into a file: {error}"))
}

/// A reply being sent from its file.
#[derive(Debug)]
pub(super) struct SpilledBody {
    file: File,
    left: u64,
    buffer: Vec<u8>,
}

impl http_body::Body for SpilledBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let Self { file, left, buffer } = &mut *self;
        let mut target = ReadBuf::new(buffer);
        if let Err(error) = ready!(Pin::new(file).poll_read(context, &mut target)) {
            return Poll::Ready(Some(Err(error)));
        }
        let piece = target.filled();
        if piece.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        *left = left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
