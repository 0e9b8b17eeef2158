//! Guards around every operator of every plan: time, cancelling and the size of batches, whatever the operator is.
//!
//! ```text
//! operator ◀─ guard ◀─ operator ◀─ guard ◀─ scan
//!               │ may the query go on?
//!               │ is the batch more than the operator above takes in 50 ms, or makes 8 MiB of? then a slice of it
//! ```
//!
//! - An operator works on what it is given until it asks for more. A guard measures how long that takes and gives it
//!   less, down to one row, so that a join of each row with each comes by a guard many times a second.
//! - What the expressions of the operator above make of a row is estimated first ([`Rule`]): texts, literals and
//!   parameters become columns there.
//! - What an operator gathers without telling the pool of memory is told by the guard below it.

mod scan;

mod rule;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::{
    Array, ArrayRef, AsArray, ByteView, RecordBatch, RecordBatchOptions, UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    RecordBatchStream, ReplaceChildrenOptions, SendableRecordBatchStream,
};
use futures::{Stream, StreamExt};
use tokio::time::Instant;

use crate::context::{PIECE_TIME, QueryContext, Reservation, engine_error};
use crate::over::over_one;
use rule::{Rule, gathered_bytes};

pub(crate) use scan::plain;

/// How plans name a guard; whoever shows a plan leaves it out.
pub(crate) const NAME: &str = "GuardExec";

/// The plan with a guard around each of its operators.
pub(crate) fn guarded(
    plan: Arc<dyn ExecutionPlan>,
    context: &QueryContext,
) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = with_guards(plan, context)?;
    Ok(Arc::new(Guard { input: plan, rule: Arc::new(Rule::of_answer()), context: context.clone() }))
}

fn with_guards(
    plan: Arc<dyn ExecutionPlan>,
    context: &QueryContext,
) -> Result<Arc<dyn ExecutionPlan>> {
    let children: Vec<_> = plan.children().into_iter().cloned().collect();
    if children.is_empty() {
        return Ok(plan);
    }
    let guard = |(at, child): (usize, Arc<dyn ExecutionPlan>)| {
        let rule = Arc::new(Rule::of(plan.as_ref(), at));
        let input = with_guards(child, context)?;
        let guard = Guard { input, rule, context: context.clone() };
        Ok(Arc::new(guard) as Arc<dyn ExecutionPlan>)
    };
    let children = children.into_iter().enumerate().map(guard).collect::<Result<Vec<_>>>()?;
    let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    plan.replace_children(children, keep)
}

/// See the module.
#[derive(Debug)]
struct Guard {
    input: Arc<dyn ExecutionPlan>,
    rule: Arc<Rule>,
    context: QueryContext,
}

impl Guard {
    fn over(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let (rule, context) = (Arc::clone(&self.rule), self.context.clone());
        Arc::new(Self { input, rule, context })
    }
}

impl DisplayAs for Guard {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

impl ExecutionPlan for Guard {
    fn name(&self) -> &'static str {
        NAME
    }

    fn downcast_delegate(&self) -> Option<&dyn ExecutionPlan> {
        Some(self.input.as_ref())
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    over_one!(input);

    fn execute(&self, part: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.context.check_engine()?;
        let input = self.input.execute(part, task)?;
        let held = self.rule.gathers.then(|| self.context.reservation("rows of an operator"));
        Ok(Box::pin(Guarded {
            schema: input.schema(),
            input,
            most_rows: self.rule.first_rows,
            rule: Arc::clone(&self.rule),
            context: self.context.clone(),
            waiting: None,
            handed: None,
            held,
        }))
    }
}

/// The rows of an operator on their way to the one above it.
struct Guarded {
    schema: SchemaRef,
    input: SendableRecordBatchStream,
    rule: Arc<Rule>,
    context: QueryContext,
    /// The rest of a batch.
    waiting: Option<Waiting>,
    /// Rows that the operator above takes in about 50 ms.
    most_rows: usize,
    /// What was given last: when, and how many rows.
    handed: Option<(Instant, usize)>,
    held: Option<Reservation>,
}

struct Waiting {
    batch: RecordBatch,
    next: usize,
    /// Rows that the operator above makes 8 MiB of.
    fitting: usize,
}

impl Guarded {
    /// Learns from how long the last rows took the operator above.
    fn learn(&mut self) {
        let Some((at, rows)) = self.handed.take() else { return };
        let took = at.elapsed();
        if took > PIECE_TIME {
            let share = PIECE_TIME.as_secs_f64() / took.as_secs_f64();
            let fewer = ((rows as f64 * share) as usize).min(rows / 2);
            self.most_rows = fewer.max(self.rule.fewest_rows).max(1);
        } else if took < PIECE_TIME / 4 && rows >= self.most_rows {
            self.most_rows = self.most_rows.saturating_mul(4);
        }
    }

    fn hand_out(&mut self) -> Result<Option<RecordBatch>> {
        let Some(waiting) = &mut self.waiting else { return Ok(None) };
        let left = waiting.batch.num_rows() - waiting.next;
        let rows = left.min(self.most_rows).min(waiting.fitting);
        let given = if rows == waiting.batch.num_rows() {
            waiting.batch.clone()
        } else {
            compact(&waiting.batch, waiting.next, rows)?
        };
        waiting.next += rows;
        if waiting.next >= waiting.batch.num_rows() {
            self.waiting = None;
        }
        if let Some(held) = &self.held {
            held.grow(gathered_bytes(&given)).map_err(engine_error)?;
        }
        self.handed = Some((Instant::now(), given.num_rows()));
        Ok(Some(given))
    }
}

impl Stream for Guarded {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.context.check_engine() {
            return Poll::Ready(Some(Err(error)));
        }
        self.learn();
        if let Some(given) = self.hand_out().transpose() {
            return Poll::Ready(Some(given));
        }
        let Some(batch) = ready!(self.input.poll_next_unpin(task)).transpose()? else {
            return Poll::Ready(None);
        };
        self.context.saw_rows_of(row_bytes(&batch));
        let limit = self.context.limits().value_bytes;
        let fitting = self.rule.fitting_rows(&batch, limit);
        let fitting = fitting.map_err(|error| engine_error(error.into_query_error(limit)))?;
        self.waiting = Some(Waiting { batch, next: 0, fitting });
        Poll::Ready(self.hand_out().transpose())
    }
}

impl RecordBatchStream for Guarded {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// The rows that a batch is measured by.
const SAMPLED_ROWS: usize = 16;

/// About the bytes of a row's texts, by a few rows of the batch. Rows that share a text have it once each.
fn row_bytes(batch: &RecordBatch) -> usize {
    let rows = batch.num_rows();
    let sampled = rows.min(SAMPLED_ROWS);
    let length = |column: &ArrayRef, row: usize| match column.data_type() {
        DataType::Utf8View => ByteView::from(column.as_string_view().views()[row]).length as usize,
        DataType::BinaryView => {
            ByteView::from(column.as_binary_view().views()[row]).length as usize
        }
        _ => 0,
    };
    let of_column = |column: &ArrayRef| -> usize {
        (0..sampled).map(|at| length(column, at * rows / sampled)).sum()
    };
    let all: usize = batch.columns().iter().map(of_column).sum();
    all / sampled.max(1)
}

/// Rows of a batch without the memory of the rows around them, so that they are not counted with each slice.
fn compact(batch: &RecordBatch, start: usize, rows: usize) -> Result<RecordBatch> {
    let slice = batch.slice(start, rows);
    let columns = slice.columns().iter().map(|column| -> Result<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => {
                let all: UInt32Array = (0..rows as u32).collect();
                take(column, &all, None)?
            }
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(slice.schema(), columns, &options)?)
}
