//! One question at work: its own threads, its time, its rows.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::{self, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::Settings;
use super::threads::{Lease, Reader, Threads};
use super::watch::{self, Bell};
use crate::answer::{Answer, Rows, Shape};
use crate::context::{QueryContext, Stop};
use crate::error::{QueryError, ROWS_SETTING};

/// The threads that queries run on, and who looks after them.
pub(super) struct Workers {
    threads: Arc<Threads>,
    bell: Arc<Bell>,
}

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
/// A query says itself that its time is over; one that cannot is answered for, so much later.
const LATE: Duration = Duration::from_millis(250);

impl Workers {
    pub(super) fn start(settings: &Settings) -> Result<Self, QueryError> {
        let threads = Arc::new(Threads::new(settings));
        let bell = Arc::default();
        watch::start(&threads, &bell, settings.process_bytes).map_err(QueryError::internal)?;
        Ok(Self { threads, bell })
    }

    async fn lease(&self, reader: Reader, context: &QueryContext) -> Result<Lease, QueryError> {
        let lease = self.threads.lease(reader, context).await?;
        self.bell.ring();
        Ok(lease)
    }

    /// Runs the question and waits until its first rows are there.
    pub(super) async fn run(
        &self,
        (reader, max_rows): (Reader, Option<u64>),
        context: QueryContext,
        find: impl Future<Output = Result<Found, QueryError>> + Send + 'static,
    ) -> Result<Answer, QueryError> {
        let lease = self.lease(reader, &context).await?;
        let handle = lease.handle().ok_or_else(ended)?;
        let (tell, mut told) = mpsc::channel(AHEAD);
        let its = context.clone();
        let task = async move { work(find, &its, (lease, max_rows), tell).await };
        let task = Task { abort: handle.spawn(task).abort_handle(), context: context.clone() };
        let (shape, schema) = match task.next(&mut told).await? {
            Some(Told::Columns(shape, schema)) => (shape, schema),
            Some(Told::Failed(error)) => return Err(error),
            _ => return Err(ended()),
        };
        let first = match task.next(&mut told).await? {
            Some(Told::Rows(batch)) => Some(batch),
            Some(Told::End) => {
                return Ok(Answer { shape, schema, rows: stream::empty().boxed(), context });
            }
            Some(Told::Failed(error)) => return Err(error),
            _ => return Err(ended()),
        };
        let rest = stream::try_unfold(Some((told, task)), |state| async move {
            let Some((mut told, task)) = state else { return Ok(None) };
            match task.next(&mut told).await? {
                Some(Told::Rows(batch)) => Ok(Some((batch, Some((told, task))))),
                Some(Told::End) => Ok(None),
                Some(Told::Failed(error)) => Err(error),
                _ => Err(ended()),
            }
        });
        let rows = stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(Answer { shape, schema, rows, context })
    }

    /// Runs what gives its whole answer at once.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        reader: Reader,
        context: QueryContext,
        work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let lease = self.lease(reader, &context).await?;
        let handle = lease.handle().ok_or_else(ended)?;
        let (tell, mut told) = oneshot::channel();
        let its = context.clone();
        let task = async move {
            let _lease = lease;
            let done = timeout(its.left().unwrap_or_default(), work).await;
            // Nobody listens any more: then nobody wants to know.
            let _ = tell.send(done.map_err(|_| its.late()).flatten());
        };
        let task = Task { abort: handle.spawn(task).abort_handle(), context };
        let left = task.context.left().unwrap_or_default() + LATE;
        match timeout(left, &mut told).await {
            Ok(told) => told.map_err(|_| ended())?,
            Err(_) => Err(task.context.late()),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.bell.ring();
    }
}

/// The engine broke down over the query; its last words are in the log.
fn ended() -> QueryError {
    QueryError::Sql {
        reason: "the query could not be computed; write it in another way, and tell the operator, whose log says more".to_owned(),
    }
}

/// Ends the task when the answer is dropped.
struct Task {
    abort: AbortHandle,
    context: QueryContext,
}

impl Task {
    /// What the task tells next; an error when its time is over, whether it says so or not.
    async fn next(&self, told: &mut mpsc::Receiver<Told>) -> Result<Option<Told>, QueryError> {
        loop {
            let Some(left) = self.context.left() else {
                return match timeout(LATE, told.recv()).await {
                    Ok(told) => Ok(told),
                    Err(_) => Err(self.context.late()),
                };
            };
            if let Ok(told) = timeout(left.max(Duration::from_millis(1)), told.recv()).await {
                return Ok(told);
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.context.stop(Stop::Unwanted);
        self.abort.abort();
    }
}

/// Waits for the engine, and for nobody else.
async fn within<T>(context: &QueryContext, it: impl Future<Output = T>) -> Result<T, QueryError> {
    context.check()?;
    timeout(context.left().unwrap_or_default(), it).await.map_err(|_| context.late())
}

async fn work(
    find: impl Future<Output = Result<Found, QueryError>>,
    context: &QueryContext,
    (mut lease, max_rows): (Lease, Option<u64>),
    tell: mpsc::Sender<Told>,
) {
    let last = match draw(find, context, (&mut lease, max_rows), &tell).await {
        Ok(()) => Told::End,
        Err(error) => Told::Failed(error),
    };
    // Nobody listens any more: then nobody wants to know.
    let _ = hand_over(last, context, &mut lease, &tell).await;
}

async fn draw(
    find: impl Future<Output = Result<Found, QueryError>>,
    context: &QueryContext,
    (lease, max_rows): (&mut Lease, Option<u64>),
    tell: &mpsc::Sender<Told>,
) -> Result<(), QueryError> {
    let Found { shape, schema, mut rows } = within(context, find).await??;
    if !hand_over(Told::Columns(shape, schema), context, lease, tell).await {
        return Ok(());
    }
    let mut seen = 0_u64;
    while let Some(batch) = within(context, rows.next()).await? {
        let batch = batch?;
        seen += batch.num_rows() as u64;
        if let Some(limit) = max_rows
            && seen > limit
        {
            return Err(QueryError::TooManyRows { limit, setting: ROWS_SETTING });
        }
        if batch.num_rows() > 0 && !hand_over(Told::Rows(batch), context, lease, tell).await {
            return Ok(());
        }
    }
    Ok(())
}

/// Tells the answer something, and waits until there is room for it. Says whether anybody listens.
async fn hand_over(
    it: Told,
    context: &QueryContext,
    lease: &mut Lease,
    tell: &mpsc::Sender<Told>,
) -> bool {
    match tell.try_send(it) {
        Ok(()) => true,
        Err(mpsc::error::TrySendError::Closed(_)) => false,
        Err(mpsc::error::TrySendError::Full(it)) => {
            let _wait = context.wait_for_reader();
            lease.away(tell.send(it)).await.is_ok()
        }
    }
}
