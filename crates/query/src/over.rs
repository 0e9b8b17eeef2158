//! What operators over one input have alike, that have no expressions of their own.

/// The methods of an `ExecutionPlan` that are the same for all of them: its input, which is in the field of that name, may
/// change, and be read in more parts. The method `over` makes the same operator over another one.
macro_rules! over_one {
    ($input:ident) => {
        fn apply_expressions(
            &self,
            _: &mut dyn FnMut(
                &std::sync::Arc<dyn datafusion::physical_expr::PhysicalExpr>,
            ) -> datafusion::common::Result<
                datafusion::common::tree_node::TreeNodeRecursion,
            >,
        ) -> datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion> {
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        }

        fn replace_children(
            self: std::sync::Arc<Self>,
            mut children: Vec<std::sync::Arc<dyn datafusion::physical_plan::ExecutionPlan>>,
            _: datafusion::physical_plan::ReplaceChildrenOptions,
        ) -> datafusion::common::Result<
            std::sync::Arc<dyn datafusion::physical_plan::ExecutionPlan>,
        > {
            let input = children.pop().unwrap_or_else(|| std::sync::Arc::clone(&self.$input));
            Ok(self.over(input))
        }

        fn with_new_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn datafusion::physical_plan::ExecutionPlan>>,
        ) -> datafusion::common::Result<
            std::sync::Arc<dyn datafusion::physical_plan::ExecutionPlan>,
        > {
            use datafusion::physical_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
            let anew = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            self.replace_children(children, anew)
        }

        fn benefits_from_input_partitioning(&self) -> Vec<bool> {
            vec![false]
        }

        fn repartitioned(
            &self,
            parts: usize,
            options: &datafusion::common::config::ConfigOptions,
        ) -> datafusion::common::Result<
            Option<std::sync::Arc<dyn datafusion::physical_plan::ExecutionPlan>>,
        > {
            Ok(self.$input.repartitioned(parts, options)?.map(|input| self.over(input)))
        }

        fn child_stats_requests(
            &self,
            part: Option<usize>,
        ) -> Vec<datafusion::physical_plan::statistics::ChildStats> {
            vec![datafusion::physical_plan::statistics::ChildStats::At(part)]
        }
    };
}

pub(crate) use over_one;
