//! The engine: takes a question and a scope, gives an answer whose rows come as they are found.
//!
//! ```text
//! caller ── question ──▶ a task on threads of its own ── rows, two batches ahead ──▶ Answer
//!              │           plan, run, watch time and rows            dropped: the task ends
//!              └ one QueryContext: time, cancelling and memory of all that works for it
//! ```
//!
//! - Each query runs on threads of its own, so that a hard one delays neither an import nor another query.
//! - An answer or an error leaves when the time is over, whatever the query does then.
//! - All queries share one pool of memory, and that with imports and merges; what spills goes to the directory of the
//!   settings.
//! - An answer is handed out once its first rows are there: what fails before that is an error, not a broken stream.

mod work;

mod watch;

mod threads;

mod pool;

mod checkpoints;

mod settings;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use iobeam_model::{ProjectId, Timestamp};
use iobeam_store::Budget;

use crate::answer::{Answer, Shape};
use crate::context::{QueryContext, QueryLimits};
use crate::direct::Direct;
use crate::engine::pool::SharedPool;
use crate::engine::work::{Found, Workers};
use crate::error::{QueryError, ROWS_SETTING};
use crate::functions;
use crate::latest::{self, Latest};
use crate::plan::{self, Session};
use crate::reader::VerifiedReaders;
use crate::request::{DataRequest, ExportRequest, SeriesRequest};
use crate::runs::Runs;
use crate::scope::{Scope, Table};
use crate::series::{self, Limits, SeriesAnswer};
use crate::spelling;
use crate::sql::{self, Param};
use crate::table::{OrderByArrival, ReadLastRows};

pub use settings::Settings;
pub use threads::Reader;

/// Answers questions. Cheap to clone; its threads end with the last clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>, Reader);

struct Inner {
    settings: Settings,
    workers: Workers,
    state: SessionState,
    reader: Arc<dyn ParquetFileReaderFactory>,
    runs: Arc<Runs>,
}

/// The functions that queries may use, in alphabetical order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Functions {
    /// Those of one row.
    pub scalars: Vec<String>,
    /// Those of the rows of a group.
    pub aggregates: Vec<String>,
    /// Those of a row among others.
    pub windows: Vec<String>,
    /// Those that are tables.
    pub tables: Vec<String>,
}

/// How the engine begins the names of the folders in which it spills.
const SPILLED: &str = "datafusion-";

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the engine's threads, with memory of its own.
    ///
    /// # Errors
    /// When the threads cannot be started or the directory for what spills cannot be used.
    pub fn new(settings: Settings) -> Result<Self, QueryError> {
        let pool = Arc::new(FairSpillPool::new(settings.memory_bytes as usize));
        Self::with(settings, pool)
    }

    /// Starts the engine's threads, with memory that is drawn from a store's budget.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn sharing(settings: Settings, budget: &Arc<Budget>) -> Result<Self, QueryError> {
        let pool = SharedPool::new(settings.memory_bytes as usize, Arc::clone(budget));
        Self::with(settings, Arc::new(pool))
    }

    fn with(settings: Settings, pool: Arc<dyn MemoryPool>) -> Result<Self, QueryError> {
        let internal = |error: DataFusionError| QueryError::internal(error);
        let environment = environment(&settings, pool).map_err(internal)?;
        let cache = environment.cache_manager.get_file_metadata_cache();
        let runs = Arc::new(Runs::new(Arc::clone(&cache), settings.row_cache_bytes as usize));
        let reader: Arc<dyn ParquetFileReaderFactory> = Arc::new(VerifiedReaders::new(cache));
        let state = template(&settings, environment).map_err(internal)?;
        let workers = Workers::start(&settings)?;
        Ok(Self(Arc::new(Inner { settings, workers, state, reader, runs }), 0))
    }

    /// The engine for the questions of one reader, who gets at most half of the places for queries.
    #[must_use]
    pub fn of(&self, reader: Reader) -> Self {
        Self(Arc::clone(&self.0), reader)
    }

    /// The functions that queries may use, by their names and other names.
    pub fn functions(&self) -> Functions {
        let state = &self.0.state;
        let sorted = |names: &mut dyn Iterator<Item = &String>| {
            let mut names: Vec<String> = names.cloned().collect();
            names.sort_unstable();
            names
        };
        Functions {
            scalars: sorted(&mut state.scalar_functions().keys()),
            aggregates: sorted(&mut state.aggregate_functions().keys()),
            windows: sorted(&mut state.window_functions().keys()),
            tables: sorted(&mut state.table_functions().keys()),
        }
    }

    /// Answers `/v1/data`.
    ///
    /// # Errors
    /// When the request does not fit the table, or a limit is reached before the first rows.
    pub async fn data(&self, table: &Table, request: DataRequest) -> Result<Answer, QueryError> {
        table.check()?;
        let request = spelling::data(table, request);
        let shape = Shape::Table(Some(table.name.clone()));
        let direct = plan::direct(table, &request).filter(|_| self.0.settings.looks_up);
        if let Some(direct) = &direct
            && let Some(answer) = self.at_once(direct, table, &shape)?
        {
            return Ok(answer);
        }
        let (session, table) = (self.session(), table.clone());
        self.run(session.context.clone(), async move {
            let (schema, rows) = plan::data(&session, &table, &request, direct.as_ref()).await?;
            Ok(Found { shape, schema, rows })
        })
        .await
    }

    /// Answers `/v1/exports`.
    ///
    /// # Errors
    /// As [`Engine::data`].
    pub async fn exports(
        &self,
        project: ProjectId,
        table: &Table,
        request: ExportRequest,
    ) -> Result<Answer, QueryError> {
        table.check()?;
        let request = spelling::exports(table, request);
        let (session, table) = (self.session(), table.clone());
        self.run(session.context.clone(), async move {
            let (schema, rows) = plan::exports(&session, &table, &request)?;
            Ok(Found { shape: Shape::Series(project), schema, rows })
        })
        .await
    }

    /// Answers one query in SQL over the scope's namespaces. `now` is what `now()` says in it.
    ///
    /// # Errors
    /// When the text is no query, names what is not in the scope, or a limit is reached before the first rows.
    pub async fn sql(
        &self,
        scope: Scope,
        query: &str,
        params: Vec<Param>,
        now: Timestamp,
    ) -> Result<Answer, QueryError> {
        let query = sql::Query::new(query, params, &scope, self.0.settings.plan)?;
        let query = if self.0.settings.looks_up { query } else { query.planned() };
        let shape = Shape::Table(None);
        if let Some((direct, table)) = query.direct(&scope)
            && let Some(answer) = self.at_once(direct, table, &shape)?
        {
            return Ok(answer);
        }
        let session = self.session();
        self.run(session.context.clone(), async move {
            let (schema, rows) = sql::run(session, scope, query, now).await?;
            Ok(Found { shape, schema, rows })
        })
        .await
    }

    /// Answers `/v1/query`.
    ///
    /// # Errors
    /// When the request does not fit the table, or a limit is reached.
    pub async fn series(
        &self,
        table: &Table,
        request: SeriesRequest,
    ) -> Result<SeriesAnswer, QueryError> {
        table.check()?;
        let request = spelling::series(table, request);
        let (session, table, limits) = (self.session(), table.clone(), self.limits());
        let context = session.context.clone();
        request.within(limits.series)?;
        let work = async move { series::series(&session, &table, &request, limits).await };
        self.0.workers.compute(self.1, context, work).await
    }

    /// The latest value of each field of one device, in a table that is partitioned by device.
    ///
    /// # Errors
    /// When a limit is reached, or stored rows cannot be read.
    pub async fn latest(&self, table: &Table, device: &str) -> Result<Vec<Latest>, QueryError> {
        table.check()?;
        let (session, table, device) = (self.session(), table.clone(), device.to_owned());
        let (limits, context) = (self.limits(), session.context.clone());
        let work = async move { latest::latest(&session, &table, &device, limits).await };
        self.0.workers.compute(self.1, context, work).await
    }

    /// Answers what needs neither a plan nor a file, without a thread of the engine's.
    fn at_once(
        &self,
        direct: &Direct,
        table: &Table,
        shape: &Shape,
    ) -> Result<Option<Answer>, QueryError> {
        let Inner { settings, runs, .. } = &*self.0;
        if !direct.is_at_hand(table, runs) {
            return Ok(None);
        }
        let context = self.context();
        let Some(rows) = direct.answer(table, runs, &context)? else { return Ok(None) };
        let is_too_many = |limit: &u64| rows.num_rows() as u64 > *limit;
        if let Some(limit) = settings.max_rows.filter(is_too_many) {
            return Err(QueryError::TooManyRows { limit, setting: ROWS_SETTING });
        }
        let (schema, rows) = (rows.schema(), plan::rows_at_hand(&rows, &context)?);
        Ok(Some(Answer { shape: shape.clone(), schema, rows, context }))
    }

    fn limits(&self) -> Limits {
        let settings = &self.0.settings;
        Limits { points: settings.max_points, series: settings.max_series }
    }

    fn context(&self) -> QueryContext {
        let settings = &self.0.settings;
        let limits = QueryLimits {
            time: settings.timeout,
            memory_bytes: settings.memory_bytes,
            value_bytes: settings.value_bytes,
            looks_up: settings.looks_up,
        };
        QueryContext::new(limits, Arc::clone(&self.0.state.runtime_env().memory_pool))
    }

    fn session(&self) -> Session {
        let context = self.context();
        let mut state = self.0.state.clone();
        context.put_into(state.config_mut().options_mut());
        let options = Arc::clone(state.config().options());
        state.execution_props_mut().config_options = Some(options);
        Session {
            state,
            reader: Arc::clone(&self.0.reader),
            runs: Arc::clone(&self.0.runs),
            context,
            plan: self.0.settings.plan,
        }
    }

    /// Not `async`: who waits for the answer need not carry the question, which moves to threads of its own.
    fn run(
        &self,
        context: QueryContext,
        find: impl Future<Output = Result<Found, QueryError>> + Send + 'static,
    ) -> impl Future<Output = Result<Answer, QueryError>> {
        self.0.workers.run((self.1, self.0.settings.max_rows), context, Box::pin(find))
    }
}

/// Memory, disk and caches that all queries share.
fn environment(
    settings: &Settings,
    pool: Arc<dyn MemoryPool>,
) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    std::fs::create_dir_all(&settings.temp_dir)?;
    sweep(&settings.temp_dir)?;
    RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_temp_file_path(&settings.temp_dir)
        .with_max_temp_directory_size(settings.temp_bytes)
        .with_metadata_cache_limit(settings.metadata_bytes as usize)
        .build_arc()
}

/// Removes what queries of a process that was killed have left.
fn sweep(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SPILLED) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The session that each question gets a copy of.
fn template(
    settings: &Settings,
    environment: Arc<RuntimeEnv>,
) -> Result<SessionState, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(settings.threads.max(1))
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.execution.parquet.schema_force_view_types = true;
    options.execution.parquet.bloom_filter_on_read = false;
    options.execution.collect_statistics = true;
    // What a sort sets aside for its merge must fit however little there is.
    let aside = (settings.memory_bytes / 16).min(10 << 20);
    options.execution.sort_spill_reservation_bytes = aside as usize;
    let known = functions::Known::default();
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_expr_planners(functions::planners(&known))
        .with_runtime_env(environment)
        .with_default_features()
        .with_type_planner(Arc::new(sql::Types))
        .with_analyzer_rules(functions::rules())
        .with_optimizer_rule(Arc::new(OrderByArrival))
        .with_optimizer_rule(Arc::new(ReadLastRows))
        .build();
    let mut state = checkpoints::between_rules(state);
    functions::register(&mut state, &known, settings.value_bytes)?;
    Ok(state)
}
