//! How much an operator may be given at once: by what its expressions make of a row.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;

use crate::context::PIECE_BYTES;
use crate::error::{QueryError, VALUE_SETTING};
use crate::functions::{Growth, fixed_width, growth, measure_array};

/// What a value of a variable width is taken for where nothing is known of it.
const UNKNOWN_BYTES: usize = 64;
/// Bytes of an answer that are written at once, on the threads of the server.
const WRITTEN_BYTES: usize = 1 << 20;
/// Operators that hold each row of their second input against many of the first, the rows to begin with, and the fewest.
/// A cross join makes one batch for each row of the first input, as long as what it is given: of single rows it makes
/// single rows, 20 000 a second, and of 32 rows 32 copies of a value at most.
const PAIRING: [(&str, usize, usize); 6] = [
    ("NestedLoopJoinExec", 1, 1),
    ("CrossJoinExec", 32, 32),
    ("PiecewiseMergeJoinExec", 1, 1),
    ("SymmetricHashJoinExec", 512, 1),
    ("HashJoinExec", 512, 1),
    ("SortMergeJoinExec", 512, 1),
];
/// Operators that do about the same for each row are given no fewer than this.
const FEWEST_ROWS: usize = 256;
/// Operators that gather all rows and do not tell the pool of memory.
const GATHERING: [&str; 1] = ["WindowAggExec"];
/// Operators that make rows of lists.
const UNNESTING: &str = "UnnestExec";

/// What the operator above a guard makes of the rows that come by.
#[derive(Debug)]
pub(super) struct Rule {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    /// The columns themselves are written out: the operator above is the answer.
    written: bool,
    unnests: bool,
    /// Whether all rows are held by the operator above.
    pub(super) gathers: bool,
    /// Rows to begin with.
    pub(super) first_rows: usize,
    /// The fewest that are given at once, where there are as many.
    pub(super) fewest_rows: usize,
}

/// One row is more than may be made at once.
pub(super) struct RowTooLarge(usize);

impl RowTooLarge {
    pub(super) fn into_query_error(self, limit: usize) -> QueryError {
        let what = format!("the query makes {} bytes of one row", self.0);
        QueryError::ValueTooLarge { what, limit, setting: VALUE_SETTING }
    }
}

impl Rule {
    /// What follows is the answer's reader.
    pub(super) fn of_answer() -> Self {
        Self {
            exprs: Vec::new(),
            written: true,
            unnests: false,
            gathers: false,
            first_rows: usize::MAX,
            fewest_rows: usize::MAX,
        }
    }

    /// What follows is this operator, whose input of that number it is.
    pub(super) fn of(plan: &dyn ExecutionPlan, input: usize) -> Self {
        let mut exprs = Vec::new();
        // Without its expressions an operator is guarded all the same: by its time and what it gives.
        let _ = plan.apply_expressions(&mut |expr| {
            if !expr.is::<Column>() {
                exprs.push(Arc::clone(expr));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        let pairs = PAIRING.iter().find(|(name, ..)| *name == plan.name() && input > 0);
        Self {
            exprs,
            written: false,
            unnests: plan.name() == UNNESTING,
            gathers: GATHERING.contains(&plan.name()),
            first_rows: pairs.map_or(usize::MAX, |(_, first, _)| *first),
            fewest_rows: pairs.map_or(FEWEST_ROWS, |(.., fewest)| *fewest),
        }
    }

    /// How many rows of the batch make 8 MiB, at least one.
    pub(super) fn fitting_rows(
        &self,
        batch: &RecordBatch,
        value_bytes: usize,
    ) -> Result<usize, RowTooLarge> {
        let rows = batch.num_rows();
        if rows == 0 || !(self.written || self.unnests || !self.exprs.is_empty()) {
            return Ok(usize::MAX);
        }
        let widths: Vec<usize> = batch
            .columns()
            .iter()
            .map(|column| measure_array(column).total.div_ceil(rows))
            .collect();
        let row: usize = widths.iter().fold(0, |sum, width| sum.saturating_add(*width));
        let schema = batch.schema();
        let mut made = if self.written { row } else { 0 };
        for expr in &self.exprs {
            made = made.saturating_add(cost(expr, &schema, &widths));
        }
        if self.unnests {
            // Lists fall into their elements; the other columns are there again for each of these.
            let lists = batch.columns().iter().zip(&widths);
            let lists = lists.filter(|(column, _)| column.data_type().is_list());
            let again = row.saturating_sub(lists.map(|(_, width)| *width).sum());
            let again = again.saturating_mul(elements(batch).div_ceil(rows));
            made = made.saturating_add(row).saturating_add(again);
        }
        // A row of an answer is written at once; what is made on the way goes at once as well.
        let most = if self.written { value_bytes } else { value_bytes.saturating_mul(8) };
        if made > most {
            return Err(RowTooLarge(made));
        }
        let most = if self.written { WRITTEN_BYTES } else { PIECE_BYTES };
        Ok((most / made.max(1)).max(1))
    }
}

/// What an operator holds of rows that it gathers; it puts them together once more in the end.
pub(super) fn gathered_bytes(batch: &RecordBatch) -> usize {
    batch.get_array_memory_size().saturating_mul(2)
}

/// The bytes that an expression and all within it make of a row, about.
fn cost(expr: &Arc<dyn PhysicalExpr>, schema: &SchemaRef, widths: &[usize]) -> usize {
    let mut all = 0_usize;
    // An expression that cannot be looked into is one of its own width.
    let _ = expr.apply(|part| {
        if !part.is::<Column>() {
            all = all.saturating_add(width(part, schema, widths, 0));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    all
}

/// The bytes of an expression's value, about.
fn width(
    expr: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
    widths: &[usize],
    depth: usize,
) -> usize {
    /// Deeper ones are taken for what their parts are.
    const DEEP: usize = 64;
    if let Some(column) = expr.downcast_ref::<Column>() {
        return widths.get(column.index()).copied().unwrap_or(UNKNOWN_BYTES);
    }
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        return literal.value().size();
    }
    let kind = expr.data_type(schema).ok();
    if let Some(width) = kind.as_ref().and_then(fixed_width) {
        return width;
    }
    if depth > DEEP {
        return UNKNOWN_BYTES;
    }
    let parts: Vec<usize> =
        expr.children().into_iter().map(|part| width(part, schema, widths, depth + 1)).collect();
    let sum = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(*part));
    let first = parts.first().copied().unwrap_or(0);
    let call = expr.downcast_ref::<ScalarFunctionExpr>();
    let growth = call.and_then(|call| growth(call.fun().name()));
    match growth {
        Some(Growth::Sum(times)) => sum.saturating_mul(times.min(4)),
        Some(Growth::Separated) => sum.saturating_add(first.saturating_mul(parts.len())),
        Some(Growth::Joined) => {
            let between = parts.get(1).copied().unwrap_or(0);
            first.saturating_add(first.saturating_mul(between) / 16)
        }
        Some(Growth::Replaced | Growth::RegexReplaced) => sum.saturating_mul(2),
        Some(Growth::Format) => parts.last().copied().unwrap_or(0).saturating_mul(4),
        Some(Growth::Elements) => first.saturating_mul(24),
        _ => sum.max(UNKNOWN_BYTES),
    }
}

/// The elements of all lists of a batch.
fn elements(batch: &RecordBatch) -> usize {
    let of = |column: &arrow::array::ArrayRef| match column.data_type() {
        DataType::List(_) => {
            let ends = column.as_list::<i32>().value_offsets();
            (ends[column.len()] - ends[0]).max(0) as usize
        }
        DataType::LargeList(_) => {
            let ends = column.as_list::<i64>().value_offsets();
            (ends[column.len()] - ends[0]).max(0) as usize
        }
        DataType::FixedSizeList(_, length) => column.len() * (*length).max(0) as usize,
        _ => 0,
    };
    batch.columns().iter().map(of).sum()
}
