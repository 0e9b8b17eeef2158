//! The engine's messages in the words of the one who asked: without its own names, types, settings and advice to its makers.
//!
//! ```text
//! message ─ the cause alone ─ known sentences, with a remedy ─ types by their SQL names ─ still foreign? ─▶ a plain sentence
//! ```

use datafusion::common::DataFusionError;

/// Kinds of errors that the engine names before it says what is wrong, by what it writes for those without a word.
fn kinds() -> impl Iterator<Item = String> {
    use DataFusionError::{Configuration, Execution, Internal, NotImplemented, Plan};
    let kinds: [fn(String) -> DataFusionError; 5] =
        [Plan, Execution, Configuration, NotImplemented, Internal];
    kinds.into_iter().map(|kind| {
        let text = kind(String::new()).strip_backtrace();
        text.split('\n').next().unwrap_or_default().trim_end_matches('.').to_owned()
    })
}

/// What a message of the engine says to a user.
pub(super) fn plain(text: &str) -> String {
    let text = cause(&shown(text));
    let said = sentence(&text).unwrap_or(text);
    let said = with_sql_types(&said);
    if is_foreign(&said) { UNSAYABLE.to_owned() } else { said }
}

/// The text without the numbers of names that were made up, which stand between two marks before the name.
fn shown(text: &str) -> String {
    text.split('\u{1}').step_by(2).collect()
}

/// What a message of the disk or a file says to a user.
pub(super) fn stored(text: &str) -> String {
    let text = with_sql_types(&cause(text));
    let is_said = !is_foreign(&text);
    if is_said {
        text
    } else {
        "a file is damaged or cannot be opened; 'iobeam doctor' tells which".to_owned()
    }
}

/// What is said where the engine's words are of no use.
const UNSAYABLE: &str = "this query cannot be answered as it is written; write it another way, in smaller steps or with explicit casts, and see the SQL reference for what there is";

/// The engine names the kind of an error before it says what is wrong: users see the latter alone.
const OTHERS: [&str; 17] = [
    "Schema error: ",
    "SQL error: ",
    "Arrow error: ",
    "External error: ",
    "External: ",
    "Parquet error: ",
    "Object Store error: ",
    "Compute error: ",
    "Cast error: ",
    "Parser error: ",
    "Invalid argument error: ",
    "Arithmetic overflow: ",
    "Not yet implemented: ",
    "Optimizer rule ",
    "DataFusion error: ",
    "Internal error: ",
    "sql parser error: ",
];

/// The cause at the end of a chain of messages, without what names their kinds.
fn cause(text: &str) -> String {
    const ADVICE: [&str; 4] = [
        "\n\nThis issue was likely caused",
        "This issue was likely caused",
        "\nBacktrace:",
        "\n\nbacktrace:",
    ];
    let end = ADVICE.iter().filter_map(|advice| text.find(advice)).min().unwrap_or(text.len());
    // "Optimizer rule 'x' failed\ncaused by\n..." : the cause is what matters.
    let mut text = text[..end].rsplit("\ncaused by\n").next().unwrap_or_default().trim();
    loop {
        let before = text;
        for kind in kinds().filter(|kind| !kind.is_empty()) {
            text = text.strip_prefix(kind.as_str()).unwrap_or(text);
        }
        for kind in OTHERS {
            text = text.strip_prefix(kind).unwrap_or(text);
        }
        for wrapped in ["ParserError(\"", "TokenizerError(\"", "RecursionLimitExceeded"] {
            if let Some(inside) = text.strip_prefix(wrapped) {
                text = inside.strip_suffix("\")").unwrap_or(inside);
            }
        }
        text = text.trim();
        if text == before {
            break;
        }
    }
    text.replace("\\\"", "\"").replace("\\'", "'").replace("\\n", " ").replace(
        " or disable the datafusion.sql_parser.enable_ident_normalization configuration",
        "",
    )
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    let (inside, _) = rest.split_once(after)?;
    Some(inside)
}

/// What messages that come often say, and what to do.
fn sentence(text: &str) -> Option<String> {
    let first = text.lines().next().unwrap_or_default();
    if let Some(name) = between(text, "table 'datafusion.public.", "' not found") {
        return Some(format!("there is no namespace '{name}'; SHOW TABLES lists what there is"));
    }
    if let Some(name) = between(text, "table 'datafusion.", "' not found") {
        return Some(format!("there is no table '{name}'; SHOW TABLES lists what there is"));
    }
    if let Some(name) = between(first, "table function '", "' not found") {
        return Some(format!(
            "there is no table function '{name}'; generate_series(start, end, step) and unnest(list) make rows"
        ));
    }
    if let Some(rest) = text.strip_prefix("No field named ") {
        return Some(missing_column(rest));
    }
    if let Some(name) = first.strip_prefix("Ambiguous reference to unqualified field ") {
        return Some(format!(
            "column {name} is in more than one table; write which one, as in input.{}",
            name.trim_matches('"')
        ));
    }
    if let Some(name) = between(first, "Invalid function '", "'") {
        return Some(missing_function(name, between(text, "Did you mean '", "'")));
    }
    of_values(text, first).or_else(|| of_types(text, first)).or_else(|| of_limits(text))
}

/// What messages of values say, and what to do.
fn of_values(text: &str, first: &str) -> Option<String> {
    if text.contains("Divide by zero") || text.contains("divide by zero") {
        return Some(
            "division by zero; write NULLIF(x, 0) for the divisor to get null instead".to_owned(),
        );
    }
    if let Some(name) = between(first, "Placeholder '", "' was not provided a value") {
        return Some(format!("there is no value for {name}; pass it in 'params'"));
    }
    if first.starts_with("No value found for placeholder") {
        let name = first.rsplit(' ').next().unwrap_or_default();
        return Some(format!("there is no value for {name}; pass it in 'params'"));
    }
    if let Some(numbers) = between(first, "Overflow happened on: ", "\n")
        .or_else(|| first.split_once("Overflow happened on: ").map(|(_, numbers)| numbers))
    {
        return Some(format!(
            "number out of range: {numbers}; cast to DECIMAL(38,0) for longer integers, or to DOUBLE"
        ));
    }
    if let Some(text) = between(first, "Cannot cast string '", "' to value of ") {
        let kind = first.rsplit("to value of ").next().unwrap_or_default();
        let kind = kind.trim_end_matches(" type");
        return Some(format!("'{text}' is no {kind}; TRY_CAST gives null for what cannot be read"));
    }
    if let Some(text) = between(first, "Error parsing timestamp from '", "'") {
        return Some(format!(
            "'{text}' is no time; write one such as '2026-01-31T12:00:00Z', or to_timestamp(text, format)"
        ));
    }
    if let Some(rest) = first.strip_prefix("Can't cast value ") {
        let (value, kind) = rest.split_once(" to type ")?;
        return Some(format!("{value} is out of range for {kind}; cast to a wider type"));
    }
    None
}

/// What messages of types, and of what functions take, say, and what to do.
fn of_types(text: &str, first: &str) -> Option<String> {
    if let Some(rest) = first.strip_prefix("Cannot coerce arithmetic expression ") {
        let rest = rest.trim_end_matches(" to valid types");
        return Some(format!(
            "{rest} cannot be computed with these types; cast one side, as in CAST(x AS DOUBLE)"
        ));
    }
    if let Some(rest) =
        first.strip_prefix("Cannot infer common argument type for comparison operation ")
    {
        return Some(format!("{rest} cannot be compared; cast one side, as in CAST(x AS STRING)"));
    }
    if let Some(call) =
        between(first, "No function matches the given name and argument types '", "'")
    {
        return Some(format!(
            "no function takes {call}; cast the arguments to types that it takes, or give it as many as it wants"
        ));
    }
    if let Some(name) = between(text, "to satisfy a call to '", "' function") {
        return Some(format!(
            "{name} does not take these arguments; cast them to types that it takes, or give it as many as it wants"
        ));
    }
    if let Some(name) = between(text, "Function '", "' failed to match any signature")
        .or_else(|| between(text, "Function '", "' expects "))
    {
        return Some(format!(
            "{name} does not take these arguments; cast them, or give it as many as it wants"
        ));
    }
    if let Some(column) = between(text, "column \"", "\" must appear in the GROUP BY") {
        return Some(format!(
            "column {column} stands neither in GROUP BY nor in an aggregate; add it to GROUP BY, or write first({column}, time)"
        ));
    }
    None
}

/// What messages of limits that have no place say, and what to do.
fn of_limits(text: &str) -> Option<String> {
    if text.contains("verflow") && is_foreign(&with_sql_types(text)) {
        return Some(
            "a number is out of range; cast to DECIMAL(38,0) for longer integers, or to DOUBLE"
                .to_owned(),
        );
    }
    if text.contains("recursion limit") || text.contains("RecursionLimit") {
        return Some("the query is nested too deep; write it in fewer levels".to_owned());
    }
    None
}

/// `x. Did you mean 'y'? Valid fields are input.a, input.b.` and its like.
fn missing_column(rest: &str) -> String {
    let ends = [". Did", ".\n", ". Valid", ". Column"];
    let end = ends.iter().filter_map(|end| rest.find(end)).min();
    let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    let like = between(rest, "Did you mean '", "'?").map(|like| format!("; did you mean {like}?"));
    let known = rest.split_once("Valid fields are ").map(|(_, known)| {
        let known = known.lines().next().unwrap_or_default().trim_end_matches('.');
        let names: Vec<&str> = known.split(", ").map(bare).take(20).collect();
        let more = if known.split(", ").count() > names.len() { ", ..." } else { "" };
        format!("there are {}{more}", names.join(", "))
    });
    let known = known.unwrap_or_else(|| "DESCRIBE lists what a namespace has".to_owned());
    format!(
        "there is no column {name}{}; {known} (texts stand in single quotes)",
        like.unwrap_or_default().trim_end_matches('?')
    )
}

/// The name of a column without that of its table.
fn bare(column: &str) -> &str {
    if column.ends_with('"') {
        return column.trim_end_matches('"').rfind('"').map_or(column, |at| &column[at..]);
    }
    column.rsplit('.').next().unwrap_or(column)
}

/// What other systems call a thing, and how it is written here.
const ELSEWHERE: [(&str, &str); 40] = [
    ("dateadd", "time + INTERVAL '1 hour'"),
    ("date_add", "time + INTERVAL '1 hour'"),
    ("date_sub", "time - INTERVAL '1 hour'"),
    ("datediff", "date_part('epoch', b) - date_part('epoch', a)"),
    ("date_diff", "date_part('epoch', b) - date_part('epoch', a)"),
    ("timestampdiff", "date_part('epoch', b) - date_part('epoch', a)"),
    ("age", "a - b"),
    ("getdate", "now()"),
    ("sysdate", "now()"),
    ("unix_timestamp", "date_part('epoch', time)"),
    ("toyyyymmdd", "to_char(time, '%Y%m%d')"),
    ("tostartofhour", "date_trunc('hour', time)"),
    ("tostartofday", "date_trunc('day', time)"),
    ("tostartofinterval", "time_bucket('5 minutes', time)"),
    ("time_bucket_ng", "time_bucket('5 minutes', time)"),
    ("timezone", "time AT TIME ZONE 'Europe/Paris'"),
    ("convert_tz", "time AT TIME ZONE 'Europe/Paris'"),
    ("strftime", "to_char(time, '%Y-%m-%d')"),
    ("format_datetime", "to_char(time, '%Y-%m-%d')"),
    ("strptime", "to_timestamp(text, '%Y-%m-%d')"),
    ("year", "date_part('year', time)"),
    ("month", "date_part('month', time)"),
    ("day", "date_part('day', time)"),
    ("hour", "date_part('hour', time)"),
    ("minute", "date_part('minute', time)"),
    ("weekday", "date_part('isodow', time)"),
    ("dayofweek", "date_part('dow', time)"),
    ("group_concat", "string_agg(value, ',')"),
    ("listagg", "string_agg(value, ',')"),
    ("any_value", "first(value, time)"),
    ("argmax", "last(value, time), or first_value(value ORDER BY other DESC)"),
    ("max_by", "first_value(value ORDER BY other DESC)"),
    ("min_by", "first_value(value ORDER BY other)"),
    ("isnull", "value IS NULL, or coalesce(value, other)"),
    ("len", "length(text)"),
    ("rand", "random()"),
    ("regexp_extract", "regexp_match(text, pattern)"),
    ("json_value", "json_get_text(text, 'key')"),
    ("json_query", "json_get(text, 'key')"),
    ("json_extract_scalar", "json_get_text(text, 'key')"),
];

fn missing_function(name: &str, like: Option<&str>) -> String {
    let known = ELSEWHERE.iter().find(|(other, _)| name.eq_ignore_ascii_case(other));
    match (known, like) {
        (Some((_, here)), _) => format!("there is no function '{name}'; write {here}"),
        (None, Some(like)) => format!(
            "there is no function '{name}'; did you mean '{like}'? The SQL reference lists the functions"
        ),
        (None, None) => {
            format!("there is no function '{name}'; the SQL reference lists the functions")
        }
    }
}

/// The engine's types, and their names in SQL.
const TYPES: [(&str, &str); 34] = [
    ("Utf8View", "STRING"),
    ("LargeUtf8", "STRING"),
    ("Utf8", "STRING"),
    ("Int64", "LONG"),
    ("Int32", "INTEGER"),
    ("Int16", "SMALLINT"),
    ("Int8", "TINYINT"),
    ("UInt64", "unsigned LONG"),
    ("UInt32", "unsigned INTEGER"),
    ("UInt16", "unsigned SMALLINT"),
    ("UInt8", "unsigned TINYINT"),
    ("Float64", "DOUBLE"),
    ("Float32", "REAL"),
    ("Float16", "REAL"),
    ("Boolean", "BOOLEAN"),
    ("Date32", "DATE"),
    ("Date64", "DATE"),
    ("Timestamp", "TIMESTAMP"),
    ("Time32", "TIME"),
    ("Time64", "TIME"),
    ("Interval", "INTERVAL"),
    ("Duration", "INTERVAL"),
    ("Decimal32", "DECIMAL"),
    ("Decimal64", "DECIMAL"),
    ("Decimal128", "DECIMAL"),
    ("Decimal256", "DECIMAL"),
    ("Null", "NULL"),
    ("FixedSizeList", "LIST"),
    ("LargeList", "LIST"),
    ("List", "LIST"),
    ("Struct", "STRUCT"),
    ("FixedSizeBinary", "BINARY"),
    ("BinaryView", "BINARY"),
    ("Dictionary", "STRING"),
];

/// The text with the engine's types under their names in SQL; of what stands in parentheses behind them a decimal's digits
/// alone are kept.
fn with_sql_types(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = &rest[end..];
        let Some((_, name)) = TYPES.iter().find(|(known, _)| *known == word) else {
            out.push_str(word);
            continue;
        };
        out.push_str(name);
        if let Some(length) = parentheses(rest) {
            if *name == "DECIMAL" {
                out.push_str(&rest[..length]);
            }
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    out
}

/// How long the parentheses are that a text begins with.
fn parentheses(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Whether words of the engine are left.
fn is_foreign(text: &str) -> bool {
    const FOREIGN: [&str; 44] = [
        "DataFusion",
        "datafusion",
        "Arrow",
        "arrow",
        "sqlparser",
        "ParserError",
        "TokenizerError",
        "file a bug",
        "bug report",
        "Literal(",
        "ScalarValue",
        "Utf8",
        "Int64",
        "Float64",
        "Internal error",
        "Column {",
        "Column(",
        "Expr",
        "LogicalPlan",
        "TableScan",
        "ScalarFunction",
        "AggregateFunction",
        "WindowFunction",
        "Some(",
        "None)",
        "None,",
        "Exec:",
        "RecordBatch",
        "Signature",
        "TypeSignature",
        "Coercible",
        "UDF",
        "udf",
        "downcast",
        "panicked",
        ".rs:",
        "Alias(",
        "Physical plan",
        "physical plan",
        "ast node",
        "SqlToRel",
        "Placeholder {",
        "Field {",
        "sqltorel",
    ];
    // A dump of what the engine holds, in Rust's words.
    let is_dump = text.contains(" { ") && text.contains(": ") && text.contains(" }");
    is_dump || FOREIGN.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_s_own_names_are_left_out() {
        insta::assert_snapshot!(plain("Error during planning: table 'datafusion.public.x' not found"), @"there is no namespace 'x'; SHOW TABLES lists what there is");
        let missing = DataFusionError::NotImplemented("no such join".to_owned());
        assert_eq!(plain(&missing.strip_backtrace()), "no such join");
        insta::assert_snapshot!(plain("SQL error: ParserError(\"Expected: an SQL statement, found: \\\"\")"), @r#"Expected: an SQL statement, found: ""#);
        insta::assert_snapshot!(plain("Optimizer rule 'simplify' failed\ncaused by\nArrow error: Divide by zero error"), @"division by zero; write NULLIF(x, 0) for the divisor to get null instead");
        insta::assert_snapshot!(plain("Internal error: Unsupported thing.\nThis issue was likely caused by a bug in DataFusion's code. Please help us to resolve this by filing a bug report"), @"Unsupported thing.");
    }

    #[test]
    fn types_have_their_names_in_sql() {
        insta::assert_snapshot!(plain("Error during planning: Cannot coerce arithmetic expression Utf8View + Timestamp(µs, \"UTC\") to valid types"), @"STRING + TIMESTAMP cannot be computed with these types; cast one side, as in CAST(x AS DOUBLE)");
        insta::assert_snapshot!(plain("Arrow error: Cast error: Can't cast value 5000000000 to type Int32"), @"5000000000 is out of range for INTEGER; cast to a wider type");
        insta::assert_snapshot!(plain("expected Decimal128(38, 0), got List(Field { name: \"item\" })"), @"expected DECIMAL(38, 0), got LIST");
    }

    #[test]
    fn what_cannot_be_said_in_plain_words_is_a_plain_sentence() {
        for foreign in [
            "First argument must be a timestamp, got Literal(TimestampMicrosecond(Some(1), None), None)",
            "Unsupported ast node in sqltorel: Value(Number)",
            "Physical plan does not support logical expression InSubquery(..)",
        ] {
            assert_eq!(plain(foreign), UNSAYABLE, "{foreign}");
        }
    }

    #[test]
    fn functions_of_other_systems_have_their_like_here() {
        insta::assert_snapshot!(plain("Error during planning: Invalid function 'DATEDIFF'.\nDid you mean 'date_bin'?"), @"there is no function 'DATEDIFF'; write date_part('epoch', b) - date_part('epoch', a)");
        insta::assert_snapshot!(plain("Error during planning: Invalid function 'averge'.\nDid you mean 'avg'?"), @"there is no function 'averge'; did you mean 'avg'? The SQL reference lists the functions");
    }
}
