//! Planning comes by the query's context too: between each two of the engine's rules stands one that does nothing but
//! ask whether the query may go on. A query of many columns is planned for longer than it may run.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use crate::context::QueryContext;

/// The session with a checkpoint before each rule.
pub(super) fn between_rules(state: SessionState) -> SessionState {
    let logical = state.optimizers().iter().flat_map(|rule| {
        let check: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(Checkpoint);
        [check, Arc::clone(rule)]
    });
    let physical = state.physical_optimizers().iter().flat_map(|rule| {
        let check: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(Checkpoint);
        [check, Arc::clone(rule)]
    });
    let (logical, physical) = (logical.collect(), physical.collect());
    SessionStateBuilder::new_from_existing(state)
        .with_optimizer_rules(logical)
        .with_physical_optimizer_rules(physical)
        .build()
}

/// A rule that changes nothing.
#[derive(Debug)]
struct Checkpoint;

const NAME: &str = "checkpoint";

fn check(options: &ConfigOptions) -> Result<()> {
    QueryContext::of(options).map_or(Ok(()), |context| context.check_engine())
}

impl OptimizerRule for Checkpoint {
    fn name(&self) -> &'static str {
        NAME
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        check(&config.options())?;
        Ok(Transformed::no(plan))
    }
}

impl PhysicalOptimizerRule for Checkpoint {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        check(options)?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn schema_check(&self) -> bool {
        true
    }
}
