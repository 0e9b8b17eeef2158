//! One question at work: its own task, its time, its rows.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::Settings;
use crate::answer::{Answer, Rows, Shape};
use crate::error::{QueryError, ROWS_SETTING, TIMEOUT_SETTING};

/// The threads that queries run on.
pub(super) struct Workers(Option<Runtime>);

/// What a plan gives once it runs.
pub(super) struct Found {
    pub(super) shape: Shape,
    pub(super) schema: SchemaRef,
    pub(super) rows: Rows,
}

/// What the task tells the answer. A task that breaks down tells nothing more, which is an error.
enum Told {
    Columns(Shape, SchemaRef),
    Rows(RecordBatch),
    Failed(QueryError),
    End,
}

/// Batches that may wait for the answer's reader.
const AHEAD: usize = 2;
/// Reads of files that may wait for the disk at once.
const READERS: usize = 32;
/// Planning goes as deep as the query text is nested.
const STACK: usize = 16 << 20;

impl Workers {
    pub(super) fn start(settings: &Settings) -> Result<Self, QueryError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK)
            .max_blocking_threads(READERS)
            .enable_time()
            .build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(QueryError::internal)
    }

    /// Runs the question and waits until its first rows are there.
    pub(super) async fn run(
        &self,
        settings: &Settings,
        find: impl Future<Output = Result<Found, QueryError>> + Send + 'static,
    ) -> Result<Answer, QueryError> {
        let Some(runtime) = &self.0 else { return Err(ended()) };
        let (tell, mut told) = mpsc::channel(AHEAD);
        let watch =
            Watch { limit: settings.timeout, left: settings.timeout, rows: settings.max_rows };
        let task = Task(runtime.spawn(work(find, watch, tell)).abort_handle());
        let (shape, schema) = match told.recv().await {
            Some(Told::Columns(shape, schema)) => (shape, schema),
            Some(Told::Failed(error)) => return Err(error),
            _ => return Err(ended()),
        };
        let first = match told.recv().await {
            Some(Told::Rows(batch)) => Some(batch),
            Some(Told::End) => return Ok(Answer { shape, schema, rows: stream::empty().boxed() }),
            Some(Told::Failed(error)) => return Err(error),
            _ => return Err(ended()),
        };
        let rest = stream::try_unfold(Some((told, task)), |state| async move {
            let Some((mut told, task)) = state else { return Ok(None) };
            match told.recv().await {
                Some(Told::Rows(batch)) => Ok(Some((batch, Some((told, task))))),
                Some(Told::End) => Ok(None),
                Some(Told::Failed(error)) => Err(error),
                _ => Err(ended()),
            }
        });
        Ok(Answer { shape, schema, rows: stream::iter(first.map(Ok)).chain(rest).boxed() })
    }
}

impl Workers {
    /// Runs what gives its whole answer at once.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        settings: &Settings,
        work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let Some(runtime) = &self.0 else { return Err(ended()) };
        let (tell, told) = oneshot::channel();
        let limit = settings.timeout;
        let _task = Task(
            runtime
                .spawn(async move {
                    let done = timeout(limit, work).await;
                    let late = |_| QueryError::Timeout { limit, setting: TIMEOUT_SETTING };
                    // Nobody listens any more: then nobody wants to know.
                    let _ = tell.send(done.map_err(late).flatten());
                })
                .abort_handle(),
        );
        told.await.map_err(|_| ended())?
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // The last handle may go on a thread of the server's, where nobody may wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn ended() -> QueryError {
    QueryError::internal("the query's task ended before its answer did")
}

/// Ends the task when the answer is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a query has left.
struct Watch {
    limit: Duration,
    left: Duration,
    rows: Option<u64>,
}

impl Watch {
    /// Waits for the engine, and for nobody else.
    async fn run<T>(&mut self, it: impl Future<Output = T>) -> Result<T, QueryError> {
        let began = Instant::now();
        let done = timeout(self.left, it).await;
        self.left = self.left.saturating_sub(began.elapsed());
        done.map_err(|_| QueryError::Timeout { limit: self.limit, setting: TIMEOUT_SETTING })
    }
}

async fn work(
    find: impl Future<Output = Result<Found, QueryError>>,
    watch: Watch,
    tell: mpsc::Sender<Told>,
) {
    let last = match draw(find, watch, &tell).await {
        Ok(()) => Told::End,
        Err(error) => Told::Failed(error),
    };
    // Nobody listens any more: then nobody wants to know.
    let _ = tell.send(last).await;
}

async fn draw(
    find: impl Future<Output = Result<Found, QueryError>>,
    mut watch: Watch,
    tell: &mpsc::Sender<Told>,
) -> Result<(), QueryError> {
    let Found { shape, schema, mut rows } = watch.run(find).await??;
    if tell.send(Told::Columns(shape, schema)).await.is_err() {
        return Ok(());
    }
    let mut seen = 0_u64;
    while let Some(batch) = watch.run(rows.next()).await? {
        let batch = batch?;
        seen += batch.num_rows() as u64;
        if let Some(limit) = watch.rows
            && seen > limit
        {
            return Err(QueryError::TooManyRows { limit, setting: ROWS_SETTING });
        }
        if batch.num_rows() > 0 && tell.send(Told::Rows(batch)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
