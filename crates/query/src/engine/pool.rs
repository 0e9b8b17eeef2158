//! The memory of all queries: shared fairly among them, and drawn from the budget that imports and merges draw from too.
//!
//! ```text
//! operator ─ more? ─▶ its share of the queries' memory? ─▶ room in the budget? ─▶ yes
//!                        └─ no: spill, or end with an error ◀──────────┘ no
//! ```

use std::fmt;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use iobeam_store::Budget;
use iobeam_store::budget::Use;

/// See the module.
#[derive(Debug)]
pub(super) struct SharedPool {
    fair: FairSpillPool,
    budget: Arc<Budget>,
}

impl SharedPool {
    /// Of so many bytes at most, as far as the budget has them.
    pub(super) fn new(bytes: usize, budget: Arc<Budget>) -> Self {
        Self { fair: FairSpillPool::new(bytes), budget }
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared {}", self.fair)
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.fair.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.fair.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.fair.grow(reservation, additional);
        self.budget.force(Use::Queries, additional as u64);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.fair.shrink(reservation, shrink);
        self.budget.give(Use::Queries, shrink as u64);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.fair.try_grow(reservation, additional)?;
        if self.budget.take(Use::Queries, additional as u64) {
            return Ok(());
        }
        self.fair.shrink(reservation, additional);
        Err(DataFusionError::ResourcesExhausted(format!(
            "{} asks for {additional} bytes more, and imports and merges have taken them",
            reservation.consumer().name()
        )))
    }

    fn reserved(&self) -> usize {
        self.fair.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.fair.memory_limit()
    }
}
