//! The table of settings: one entry for each, from which flags, environment variables, file keys and docs follow.

/// What there is to know about one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name: the key in the file, and the flag after two dashes.
    pub name: &'static str,
    /// What it is about, in a sentence or two.
    pub help: &'static str,
    /// Its value when nobody says otherwise; empty when it is not set.
    pub default: &'static str,
    /// What stands for the value in a help text.
    pub value_name: &'static str,
}

impl Setting {
    /// The environment variable.
    pub fn env(&self) -> String {
        format!("IOBEAM_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// Names it had before; they are still taken.
    pub fn former_names(&self) -> impl Iterator<Item = &'static str> {
        FORMER_NAMES.iter().filter(|(_, current)| *current == self.name).map(|(former, _)| *former)
    }

    /// Whether it is a switch, whose flag may stand without a value.
    pub fn is_switch(&self) -> bool {
        self.value_name == "BOOL"
    }
}

/// Settings that had another name: the former one is still taken, wherever a setting can be given.
pub(super) const FORMER_NAMES: &[(&str, &str)] = &[
    ("head-timeout", "header-timeout"),
    ("reply-timeout", "write-timeout"),
    ("reply-memory", "response-buffer-size"),
    ("reply-limit", "max-response-size"),
    ("body-limit", "max-request-size"),
    ("query-rows", "query-max-rows"),
    ("query-points", "query-max-points"),
    ("query-series", "query-max-series"),
    ("stop-timeout", "shutdown-timeout"),
    ("recent-rows-memory", "row-cache-size"),
    ("last-rows-memory", "last-value-cache-size"),
    ("live-memory", "live-buffer-size"),
    ("segment-size", "wal-segment-size"),
    ("devices-at-once", "max-devices-per-request"),
    ("device-late-after", "device-stale-after"),
    ("device-silent-after", "device-offline-after"),
    ("refusals", "rejections-kept"),
];

/// The name of today of what may be a former name.
pub(super) fn current_name(name: &str) -> &str {
    FORMER_NAMES.iter().find(|(former, _)| *former == name).map_or(name, |(_, current)| current)
}

const fn setting(
    name: &'static str,
    value_name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, help, default, value_name }
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data-dir",
        "DIR",
        "./iobeam-data",
        "Folder of everything that is kept; made at the first start, for its owner only.",
    ),
    setting(
        "listen",
        "ADDR",
        "127.0.0.1:8420",
        "Address of plain HTTP. Port 0 lets the system choose.",
    ),
    setting("tls-listen", "ADDR", "", "Second address, which speaks TLS; needs a certificate."),
    setting("tls-cert", "FILE", "", "Certificate chain in PEM form, leaf first."),
    setting("tls-key", "FILE", "", "Private key of the certificate, in PEM form."),
    setting(
        "tls-self-signed",
        "BOOL",
        "false",
        "Make a certificate at the first start and keep it in the data directory.",
    ),
    setting(
        "signup",
        "WHO",
        "auto",
        "Who may make an account: open, invite (with a code) or closed; auto is open when listen is a loopback address, else invite.",
    ),
    setting(
        "max-request-size",
        "BYTES",
        "32MiB",
        "Largest request body, before and after decompression.",
    ),
    setting(
        "max-fields-per-request",
        "COUNT",
        "10000",
        "Most fields of one table or batch of an import.",
    ),
    setting(
        "max-fields-per-namespace",
        "COUNT",
        "20000",
        "Most fields of a namespace. Each takes memory while rows of it are written.",
    ),
    setting(
        "header-timeout",
        "TIME",
        "60s",
        "How long a request's head may take to arrive, from its first byte on.",
    ),
    setting(
        "idle-timeout",
        "TIME",
        "130s",
        "How long a connection may be open without a request. Devices that send at an interval keep their connection only if this is longer than the interval; it should not be equal to a common one.",
    ),
    setting("body-timeout", "TIME", "120s", "How long a request's body may take to arrive."),
    setting(
        "write-timeout",
        "TIME",
        "60s",
        "Connections that stop reading the response are closed after this time.",
    ),
    setting(
        "max-connections",
        "COUNT",
        "10000",
        "Maximum open connections; further ones get 503 with Retry-After.",
    ),
    setting(
        "shutdown-timeout",
        "TIME",
        "10s",
        "How long running requests may go on after SIGTERM or SIGINT.",
    ),
    setting(
        "memory-limit",
        "BYTES",
        "512MiB",
        "Memory for readings that wait to be written to Parquet, queries, merges of files, bodies being received and caches together; beyond it imports wait for two seconds and are then told to come back, queries spill to disk or are refused, and merges go on in smaller pieces. On top come the program, some 50 MB, and under load what the page on performance names.",
    ),
    setting("query-timeout", "TIME", "30s", "How long a query may take."),
    setting(
        "query-memory",
        "BYTES",
        "",
        "The most of memory-limit that all queries together take: half when not set.",
    ),
    setting(
        "query-concurrency",
        "COUNT",
        "8",
        "How many queries run at once, each on threads of its own, and half of them for one token; the others wait within query-timeout.",
    ),
    setting(
        "query-value-size",
        "BYTES",
        "8MiB",
        "Largest value that a query may make, of a text or a list, and largest row of an answer; work on one value is limited by it as well.",
    ),
    setting("query-text-size", "BYTES", "1MiB", "Longest text of a query in SQL."),
    setting(
        "query-literal-size",
        "BYTES",
        "64KiB",
        "Longest text or number within a query's text; longer ones are passed as parameters.",
    ),
    setting("query-params", "COUNT", "1000", "Most parameters of a query."),
    setting("query-params-size", "BYTES", "4MiB", "Most bytes of all parameters of a query."),
    setting(
        "query-tables",
        "COUNT",
        "32",
        "Most tables of a query; each query of a WITH counts as often as it is named.",
    ),
    setting(
        "query-grouping-sets",
        "COUNT",
        "128",
        "Most sets that GROUPING SETS, CUBE and ROLLUP of a query make.",
    ),
    setting(
        "query-expressions",
        "COUNT",
        "50000",
        "Most parts of all expressions of a query; a long IN list has one for each value.",
    ),
    setting("query-columns", "COUNT", "10000", "Most columns of any step of a query."),
    setting("query-max-rows", "COUNT", "100000000", "Most rows of an answer."),
    setting(
        "query-max-points",
        "COUNT",
        "500000",
        "Most points of an answer of /v1/query, all its series together.",
    ),
    setting("query-max-series", "COUNT", "1000", "Most series of an answer of /v1/query."),
    setting(
        "response-buffer-size",
        "BYTES",
        "8MiB",
        "Response bytes buffered in memory; the rest goes to a temporary file.",
    ),
    setting(
        "max-response-size",
        "BYTES",
        "1GiB",
        "Largest response of /v1/data and /v1/exports, which are buffered before they are sent; SQL streams, and has no such limit.",
    ),
    setting(
        "flush-size",
        "BYTES",
        "64MiB",
        "Readings are written to Parquet when a namespace holds so many bytes in memory ...",
    ),
    setting("flush-age", "TIME", "5m", "... or when its oldest unwritten reading is of this age."),
    setting(
        "retention",
        "TIME",
        "none",
        "How long rows are kept, by their own times, in namespaces that do not say it themselves, such as 90d; none keeps them for ever.",
    ),
    setting(
        "retention-interval",
        "TIME",
        "10m",
        "How often rows are looked for that are past their retention; they are shown until then.",
    ),
    setting("wal-segment-size", "BYTES", "64MiB", "Size of one file of the write-ahead log."),
    setting(
        "row-cache-size",
        "BYTES",
        "32MiB",
        "Cache of decoded Parquet rows of devices that were queried recently; at most 1/16 of memory-limit.",
    ),
    setting(
        "last-value-cache-size",
        "BYTES",
        "",
        "Cache of the last row of each device, part of memory-limit: 1/8 when not set. A namespace that does not fit is scanned instead.",
    ),
    setting("dashboards", "COUNT", "1000", "Most dashboards of a project."),
    setting("dashboard-size", "BYTES", "256KiB", "Largest dashboard, as JSON."),
    setting("dashboard-panels", "COUNT", "100", "Most panels of a dashboard."),
    setting(
        "dashboard-shares",
        "COUNT",
        "100",
        "Most links by which one dashboard can be seen without an account.",
    ),
    setting(
        "live-connections",
        "COUNT",
        "1000",
        "Maximum open connections of GET /v1/live; further ones get 503 with Retry-After.",
    ),
    setting(
        "live-buffer-size",
        "BYTES",
        "16MiB",
        "Buffer of the latest readings for subscribers of GET /v1/live; a subscriber that falls further behind gets a gap event. At most 1/16 of memory-limit.",
    ),
    setting(
        "rejections-kept",
        "COUNT",
        "1000",
        "Rejected imports kept per project, the newest, to show why readings do not arrive.",
    ),
    setting("log-format", "FORMAT", "text", "How the log is written: text or json."),
    setting(
        "log-level",
        "FILTER",
        "info",
        "What is logged: error, warn, info, debug or trace, also by part, such as info,iobeam_store=debug.",
    ),
    setting(
        "smtp-url",
        "URL",
        "",
        "SMTP server URL, such as smtps://user:password@mail.example.org; without it emails are written to outbox/ in the data directory.",
    ),
    setting("mail-from", "ADDRESS", "iobeam@localhost", "Sender of mail."),
    setting(
        "public-url",
        "URL",
        "",
        "How users reach the platform from outside, such as https://iot.example.org: for links in mail, and an own address to sessions of browsers.",
    ),
    setting(
        "web-dir",
        "DIR",
        "",
        "Folder with a built web app that is served in place of the one in the program.",
    ),
    setting(
        "device-stale-after",
        "TIME",
        "2m",
        "A device is shown as online when it was last seen within this time ...",
    ),
    setting(
        "device-offline-after",
        "TIME",
        "15m",
        "... as stale when it was within this time, and else as offline.",
    ),
    setting("max-devices-per-request", "COUNT", "10000", "Most devices of one list to register."),
    setting(
        "project-token-life",
        "TIME",
        "30d",
        "How long a project token lives unless asked otherwise. Less than two days makes some clients refresh it at each call.",
    ),
    setting("user-token-life", "TIME", "30d", "How long a log-in lives."),
    setting(
        "login-attempts",
        "COUNT",
        "10",
        "Failed sign-ins allowed within 15 minutes for one account from clients that never signed in to it, and for each client that did; for one address five times as many.",
    ),
    setting(
        "signups-per-hour",
        "COUNT",
        "60",
        "Accounts that may be made from one address within an hour.",
    ),
    setting(
        "metrics-access",
        "MODE",
        "loopback",
        "Who may read `/metrics`: `loopback` (callers on this machine, others with the token in `keys/metrics.token` of the data directory), `token` (everybody needs it) or `open`.",
    ),
    setting("project-invites", "COUNT", "100", "Invites to one project that may be open at once."),
];
