//! The engine's messages in the words of the one who asked: without its own names, settings and advice to its makers.

use datafusion::common::DataFusionError;

/// Kinds of errors that the engine names before it says what is wrong, by what it writes for those without a word.
fn kinds() -> impl Iterator<Item = String> {
    use DataFusionError::{Configuration, Execution, NotImplemented, Plan};
    let kinds: [fn(String) -> DataFusionError; 4] =
        [Plan, Execution, Configuration, NotImplemented];
    kinds.into_iter().map(|kind| kind(String::new()).strip_backtrace())
}

/// What a message of the engine says to a user.
pub(super) fn plain(text: &str) -> String {
    let end = text.find("\n\nThis issue was likely caused").unwrap_or(text.len());
    // "Optimizer rule 'x' failed\ncaused by\n..." : the cause is what matters.
    let mut text = text[..end].rsplit("\ncaused by\n").next().unwrap_or_default().trim();
    // The engine names the kind of an error before it says what is wrong: users see the latter alone.
    let others = ["Schema error: ", "SQL error: ", "Arrow error: "].map(str::to_owned);
    for kind in kinds().chain(others) {
        text = text.strip_prefix(&kind).unwrap_or(text);
    }
    if let Some(parser) = inside(text, "ParserError(\"", "\")") {
        return parser.replace("\\\"", "\"").replace("\\'", "'");
    }
    if let Some(name) = inside(text, "table 'datafusion.public.", "' not found") {
        return format!("there is no namespace '{name}'; SHOW TABLES lists what there is");
    }
    if let Some(name) = inside(text, "table 'datafusion.", "' not found") {
        return format!("there is no table '{name}'; SHOW TABLES lists what there is");
    }
    text.replace(
        " or disable the datafusion.sql_parser.enable_ident_normalization configuration",
        "",
    )
}

fn inside<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
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
        insta::assert_snapshot!(plain("Optimizer rule 'simplify' failed\ncaused by\nArrow error: Divide by zero error"), @"Divide by zero error");
    }
}
