//! Starting and stopping the platform.
//!
//! ```text
//! data directory ─▶ catalog, store, engine, auth, mail ─▶ App ─▶ Site ─▶ listening ─ signal ─▶ requests end ─▶ store closes
//! ```
//!
//! Invariants: nobody is let in before everything is open; after the signal no new request is begun, and those that
//! run have until `shutdown-timeout`; what is left of it goes into moving all rows into files; the store is closed last.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use iobeam_catalog::Catalog;
use iobeam_journal::disk::RealDisk;
use iobeam_model::{Clock, SystemClock};
use iobeam_query::Engine;
use iobeam_store::{Opened, Store};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, RwLock, Semaphore, watch};
use tokio::task::JoinSet;

use crate::config::{Config, SecretUrl, SignUp};
use crate::core::app::{App, AtStart, Parts};
use crate::core::auth::{self, Auth};
use crate::core::belonging;
use crate::core::corrections;
use crate::core::deletion;
use crate::core::event_cache::EventCache;
use crate::core::files;
use crate::core::mail::Mail;
use crate::core::metrics::Metrics;
use crate::core::readiness::Readiness;
use crate::core::refusals::Refusals;
use crate::core::retention::RetentionJob;
use crate::endpoints::http::HttpService;
use crate::endpoints::http::body::room_for;
use crate::endpoints::http::connection::{Http, Limits};
use crate::endpoints::http::web_app::WebApp;
use crate::endpoints::listener::Listener;
use crate::endpoints::tls;
use crate::error::ServeError;
use crate::jobs;

/// The file in the data directory that tells where the platform listens, while it does.
const LISTENING: &str = "listening";

/// Serves until `shutdown` is ready, then ends in good order.
///
/// # Errors
/// When the platform cannot start, or its last readings cannot be brought into order (they are safe in the log).
pub async fn serve(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    serve_at(config, Arc::new(SystemClock::new()), shutdown).await
}

/// As [`serve`], by another clock.
///
/// # Errors
/// As [`serve`].
pub async fn serve_at(
    config: Config,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    files::private_folder(&config.data_dir)?;
    let web_app =
        WebApp::open(config.http.web_dir.as_deref()).map_err(|error| part("web-dir", &error))?;
    let app = open(config, clock).await?;
    let store = app.store.clone();
    let outcome = answer(&app, web_app, shutdown).await;
    drop(app);
    if let Ok(left) = &outcome {
        flush_all(&store, *left).await;
    }
    store.close().await.map_err(|error| part("store", &error))?;
    tracing::info!("stopped");
    outcome.map(drop)
}

/// Resolves when the process is asked to stop: by SIGTERM, or by SIGINT (Ctrl-C).
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => tracing::info!("SIGTERM: stopping"),
        () = wait(SignalKind::interrupt()) => tracing::info!("SIGINT: stopping"),
    }
}

/// Opens every part. Opening reads files and replays the log, so it is done on a thread that may wait.
async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<App, ServeError> {
    tokio::task::spawn_blocking(move || open_now(config, clock))
        .await
        .map_err(|error| part("start", &error))?
}

fn open_now(config: Config, clock: Arc<dyn Clock>) -> Result<App, ServeError> {
    let data = config.data_dir.as_path();
    belonging::expect_catalog(data)?;
    let settings = iobeam_catalog::Settings {
        max_fields: config.imports.max_fields_per_namespace,
        ..iobeam_catalog::Settings::default()
    };
    let catalog = Catalog::open(&data.join("catalog.db"), settings, Arc::clone(&clock))
        .map_err(|error| part("catalog", &error))?;
    let refusals =
        Refusals::new(catalog.clone(), Arc::clone(&clock), config.imports.rejections_kept);
    let store_settings = store_settings(&config, data);
    let reserve = store_settings.reserve_bytes;
    let (store, opened) = open_store(store_settings, &clock)?;
    let orphans = belonging::join(data, &catalog, &opened.tables)?;
    let parts = (catalog.clone(), store.clone());
    let readiness = Readiness::new(data.to_owned(), reserve, parts, Arc::clone(&clock));
    let at_start = AtStart { log_damage: opened.damage.clone(), orphans };
    refusals.note_set_aside(&opened.set_aside);
    let shares = config.memory();
    let engine = Engine::sharing(query_settings(&config, data), store.budget())
        .map_err(|error| part("query engine", &error))?;
    let auth = Auth::open(
        &data.join("keys"),
        auth::Settings::allowing(config.auth.login_attempts, config.auth.signups_per_hour),
        catalog.clone(),
        Arc::clone(&clock),
    )
    .map_err(|error| part("keys", &error))?;
    let by_invite = config.auth.signup == SignUp::Invite;
    auth::first::offer(&catalog, data, by_invite).map_err(|error| part("first invite", &error))?;
    let mail = open_mail(&config, &clock)?;
    let retention = RetentionJob::open(
        catalog.clone(),
        store.clone(),
        config.storage.retention,
        Arc::clone(&clock),
    )
    .map_err(|error| part("retention", &error))?;
    let metrics = Metrics::new(store.clone());
    let live_permits = Arc::new(Semaphore::new(config.live.connections));
    let body_permits = room_for(shares.bodies);
    let config = Arc::new(config);
    Ok(App::new(Parts {
        catalog,
        store,
        retention,
        engine,
        auth,
        mail,
        config,
        clock,
        refusals,
        readiness,
        at_start,
        importing: RwLock::default(),
        switching: RwLock::default(),
        deleting: Mutex::default(),
        metrics,
        body_permits,
        check_permits: Semaphore::new(cores()),
        live_permits,
        events: EventCache::default(),
        stop: watch::Sender::new(false),
    }))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What the store is told.
fn store_settings(config: &Config, data: &Path) -> iobeam_store::Settings {
    let shares = config.memory();
    iobeam_store::Settings {
        segment_bytes: config.storage.wal_segment_size,
        flush_bytes: config.storage.flush_size,
        flush_age: config.storage.flush_age,
        live_buffer_bytes: shares.live,
        memory_budget: shares.store,
        last_value_cache_bytes: shares.last_values as u64,
        ..iobeam_store::Settings::new(data)
    }
}

/// What the query engine is told.
fn query_settings(config: &Config, data: &Path) -> iobeam_query::Settings {
    let shares = config.memory();
    iobeam_query::Settings {
        memory_bytes: shares.queries as u64,
        metadata_bytes: shares.footers as u64,
        timeout: config.query.timeout,
        max_rows: Some(config.query.max_rows),
        row_cache_bytes: shares.row_cache as u64,
        max_points: config.query.max_points,
        max_series: config.query.max_series,
        concurrency: config.query.concurrency,
        value_bytes: config.query.value_size,
        process_bytes: config.watches_process.then_some(config.memory_limit as u64),
        plan: iobeam_query::PlanLimits {
            text_bytes: config.query.text_size,
            literal_bytes: config.query.literal_size,
            params: config.query.params,
            param_bytes: config.query.params_size,
            tables: config.query.tables,
            grouping_sets: config.query.grouping_sets,
            expressions: config.query.expressions,
            columns: config.query.columns,
        },
        ..iobeam_query::Settings::new(data.join("tmp"))
    }
}

fn open_mail(config: &Config, clock: &Arc<dyn Clock>) -> Result<Mail, ServeError> {
    Mail::open(
        config.mail.smtp_url.as_ref().map(SecretUrl::reveal),
        &config.mail.from,
        config.http.public_url.clone(),
        &config.data_dir.join("outbox"),
        Arc::clone(clock),
    )
    .map_err(|error| part("mail", &error))
}

/// The store, and what it could not take from its log again.
fn open_store(
    settings: iobeam_store::Settings,
    clock: &Arc<dyn Clock>,
) -> Result<(Store, Opened), ServeError> {
    let data = settings.dir.clone();
    let (store, opened) = Store::open(settings, Arc::clone(clock), Arc::new(RealDisk))
        .map_err(|error| part("store", &error))?;
    if opened.replayed > 0 {
        tracing::info!(records = opened.replayed, rows = opened.rows, "replayed the log");
    }
    if let Some(torn) = &opened.torn {
        tracing::warn!(%torn, "the log ends in a write that was never acknowledged");
    }
    for damage in &opened.damage {
        tracing::error!(%damage, "the log is damaged; what is sound was read");
    }
    for fault in &opened.out_of_service {
        tracing::error!(%fault, "a table is out of service");
    }
    if !opened.set_aside.is_empty() {
        tracing::error!(
            records = opened.set_aside.len(),
            "records of the log could not be applied"
        );
    }
    if let Err(error) = store.check_space() {
        tracing::error!(dir = %data.display(), %error, "every import is refused until there is room: free some on the disk, or move the data directory to a larger one (setting 'data-dir')");
    }
    Ok((store, opened))
}

/// Moves all rows into files, so that other programs find them there while the server is stopped. What does not fit
/// into the time is in the log, and is read from there at the next start.
async fn flush_all(store: &Store, within: Duration) {
    match tokio::time::timeout(within, store.flush()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "some rows are in the log and not in files yet");
        }
        Err(_) => tracing::warn!(
            "some rows are in the log and not in files yet: there was no time left of 'shutdown-timeout'"
        ),
    }
}

/// Listens, answers, stops. Says how much is left of the time for that.
async fn answer(
    app: &App,
    web_app: WebApp,
    shutdown: impl Future<Output = ()>,
) -> Result<Duration, ServeError> {
    raise_file_limit();
    let config = &app.config;
    let plain = listen(config.http.listen).await?;
    let tls = match &config.http.tls {
        None => None,
        Some(tls) => Some((listen(tls.listen).await?, tls::acceptor(tls, &config.data_dir)?)),
    };
    // Before anybody can ask: what had expired when the process ended is not shown again.
    app.retention.pass().await;
    // Likewise what was deleted, and was not all gone.
    deletion::end_all(app).await;
    // And fields whose rows have changed already.
    corrections::resume(app).await;
    let tls_address = tls.as_ref().and_then(|(listener, _)| listener.local_addr().ok());
    announce(&config.data_dir, plain.local_addr().ok(), tls_address)?;
    invite_browsers(app, &web_app, plain.local_addr().ok(), tls_address);
    let stopping = app.stop.subscribe();
    let http = Http {
        service: HttpService::new(app.clone(), web_app),
        limits: Limits {
            idle: config.http.idle_timeout,
            header: config.http.header_timeout,
            write: config.http.write_timeout,
        },
        stopping: stopping.clone(),
    };
    let room = Arc::new(Semaphore::new(config.http.max_connections));
    let listener = |socket, tls| Listener {
        socket,
        tls,
        protocol: http.clone(),
        room: Arc::clone(&room),
        stopping: stopping.clone(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(listener(plain, None).run());
    if let Some((socket, acceptor)) = tls {
        tasks.spawn(listener(socket, Some(acceptor)).run());
    }
    jobs::start(app, &stopping, &mut tasks);
    drop(http);
    shutdown.await;
    let asked = app.clock.monotonic();
    let _ = std::fs::remove_file(config.data_dir.join(LISTENING));
    app.stop.send_replace(true);
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(config.http.shutdown_timeout, ended).await.is_err() {
        tracing::warn!("some requests did not end in time and are cut off");
        tasks.shutdown().await;
    }
    Ok(config.http.shutdown_timeout.saturating_sub(app.clock.monotonic().saturating_sub(asked)))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

/// Tells people (in the log) and programs (in a file) where the platform listens.
fn announce(
    data: &Path,
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
) -> Result<(), ServeError> {
    let told = serde_json::json!({
        "http": http.map(|address| address.to_string()),
        "https": https.map(|address| address.to_string()),
        "pid": std::process::id(),
    });
    files::write_private(&data.join(LISTENING), told.to_string().as_bytes())?;
    if let Some(address) = http {
        tracing::info!("listening on http://{address}");
    }
    if let Some(address) = https {
        tracing::info!("listening on https://{address}");
    }
    Ok(())
}

/// Tells people the address to open.
fn invite_browsers(
    app: &App,
    web_app: &WebApp,
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
) {
    if !web_app.is_there() {
        return;
    }
    // On this machine nobody listens in, and no certificate has to be explained to a browser.
    let plain = http.map(|address| (address, "http"));
    let address = match (plain, https) {
        (Some((address, _)), Some(tls)) if !address.ip().is_loopback() => Some((tls, "https")),
        (plain, _) => plain,
    };
    let url = app.config.http.public_url.clone().or_else(|| {
        let (address, scheme) = address?;
        let port = address.port();
        Some(if address.ip().is_unspecified() {
            format!("{scheme}://localhost:{port}")
        } else {
            format!("{scheme}://{address}")
        })
    });
    if let Some(url) = url {
        tracing::info!("the web app is at {url}/");
    }
}

/// Each connection is an open file, and the usual limit is meant for desktop programs.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

fn part(part: &'static str, error: &dyn std::error::Error) -> ServeError {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    ServeError::Part { part, reason }
}
