//! How a connection ends: with a refusal that is not lost, or without a word.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::core::api_error::ApiError;
use crate::endpoints::http::error_response::status;
use crate::endpoints::listener::Stream;

/// How many bytes of a refused client are read and passed over.
const MAX_LINGER_BYTES: usize = 64 << 20;

/// Sends a refusal, and closes.
pub(super) async fn refuse(mut stream: Stream, problem: &ApiError, linger: Duration) {
    let body = problem.body();
    let status = status(problem);
    let retry = problem.retry_after.map(|after| format!("retry-after: {after}\r\n"));
    let mut reply = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
        retry.unwrap_or_default(),
    )
    .into_bytes();
    reply.extend_from_slice(&body);
    let sent = tokio::time::timeout(linger, stream.write_all(&reply)).await;
    if matches!(sent, Ok(Ok(()))) {
        close(stream, linger).await;
    }
}

/// Says goodbye, and hears the client out: closing on bytes unread would take the reply back on its way.
pub(super) async fn close(mut stream: Stream, linger: Duration) {
    let farewell = async {
        stream.flush().await?;
        stream.shutdown().await?;
        let mut heard = 0;
        let mut ignored = [0; 4096];
        while heard < MAX_LINGER_BYTES {
            match stream.read(&mut ignored).await? {
                0 => break,
                count => heard += count,
            }
        }
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::time::timeout(linger, farewell).await;
}
