//! The text of a query: one statement, of the kinds that change nothing, and no deeper than the planner can go.

use std::cmp::Ordering;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, Statement as Sql};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::QueryError;

/// What a text asks for.
pub(super) enum Asked {
    /// Rows.
    Query(Box<Statement>),
    /// Which namespaces there are.
    Tables,
    /// Which fields a namespace has.
    Columns(String),
}

/// More text than a person writes; a program passes its values as parameters.
const LONGEST: usize = 1 << 20;
/// Each operator may be a level of the plan, and the planner goes down level by level.
const OPERATORS: usize = 400;

/// Reads the text.
pub(super) fn read(text: &str) -> Result<Asked, QueryError> {
    let refuse = |reason: String| QueryError::Sql { reason };
    if text.len() > LONGEST {
        return Err(refuse(format!(
            "the query is longer than {LONGEST} bytes; pass values as $1, $2, ..."
        )));
    }
    // Editors put a byte order mark before the first word of a file.
    let text = text.trim_start_matches('\u{feff}');
    let dialect = GenericDialect {};
    let tokens =
        Tokenizer::new(&dialect, text).tokenize().map_err(|error| refuse(error.to_string()))?;
    let operators = tokens.iter().filter(|token| deepens(token)).count();
    if operators > OPERATORS {
        return Err(refuse(format!(
            "the query has {operators} operators, and at most {OPERATORS} are allowed; use IN (...) for long lists"
        )));
    }
    let mut statements = DFParserBuilder::new(text)
        .with_dialect(&dialect)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| QueryError::sql(&error))?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => kind(statement),
        (Some(_), false) => {
            Err(QueryError::NotAQuery { found: "more than one statement".to_owned() })
        }
        (None, _) => Err(refuse("the query is empty".to_owned())),
    }
}

/// Refuses parameters that the text does not use, and fewer than it uses: either way it is not the query that was meant.
pub(super) fn check_params(text: &str, given: usize) -> Result<(), QueryError> {
    let dialect = GenericDialect {};
    // What cannot be read as tokens is refused where the text is read.
    let Ok(tokens) = Tokenizer::new(&dialect, text).tokenize() else { return Ok(()) };
    let number = |token: &Token| match token {
        Token::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
        _ => None,
    };
    let used: usize = tokens.iter().filter_map(number).max().unwrap_or(0);
    let last = match used {
        0 => "no $1".to_owned(),
        1 => "$1 alone".to_owned(),
        used => format!("$1 to ${used}"),
    };
    match given.cmp(&used) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(QueryError::Sql {
            reason: format!(
                "params has {given} values, and the query uses {last}; leave the others out"
            ),
        }),
        Ordering::Less => Err(QueryError::Sql {
            reason: format!(
                "params has {given} values, and the query uses {last}; give a value for each"
            ),
        }),
    }
}

fn kind(statement: Statement) -> Result<Asked, QueryError> {
    let refuse = |found: String| Err(QueryError::NotAQuery { found });
    match &statement {
        Statement::Statement(sql) => match sql.as_ref() {
            Sql::Query(_) => Ok(Asked::Query(Box::new(statement))),
            Sql::ShowTables { .. } => Ok(Asked::Tables),
            Sql::ShowColumns { show_options, .. } => match &show_options.show_in {
                Some(ast::ShowStatementIn { parent_name: Some(name), .. }) => {
                    Ok(Asked::Columns(table(name)))
                }
                _ => Err(QueryError::Sql {
                    reason: "write SHOW COLUMNS FROM <namespace>".to_owned(),
                }),
            },
            Sql::ExplainTable { table_name, .. } => Ok(Asked::Columns(table(table_name))),
            other => refuse(word(&other.to_string())),
        },
        Statement::Explain(explain) => match kind((*explain.statement).clone())? {
            Asked::Query(_) => Ok(Asked::Query(Box::new(statement))),
            Asked::Tables | Asked::Columns(_) => refuse("EXPLAIN of SHOW".to_owned()),
        },
        other => refuse(word(&other.to_string())),
    }
}

/// The last part of a name, without quotes.
fn table(name: &ast::ObjectName) -> String {
    let last = name.0.last().and_then(ast::ObjectNamePart::as_ident);
    last.map_or_else(|| name.to_string(), |ident| ident.value.clone())
}

/// The first word of a statement; the first two of SHOW.
fn word(statement: &str) -> String {
    let mut words = statement.split_whitespace().map(str::to_ascii_uppercase);
    match (words.next(), words.next()) {
        (Some(show), Some(what)) if show == "SHOW" => format!("{show} {what}"),
        (Some(word), _) => word,
        (None, _) => "this".to_owned(),
    }
}

/// Whether a token may stand for a level of the plan.
fn deepens(token: &Token) -> bool {
    const WORDS: [&str; 17] = [
        "AND",
        "OR",
        "NOT",
        "IS",
        "LIKE",
        "ILIKE",
        "SIMILAR",
        "BETWEEN",
        "DIV",
        "XOR",
        "CASE",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "JOIN",
        "COLLATE",
        "SELECT",
    ];
    match token {
        Token::Word(word) => {
            word.quote_style.is_none() && WORDS.iter().any(|it| word.value.eq_ignore_ascii_case(it))
        }
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Comma
        | Token::Period
        | Token::Whitespace(_)
        | Token::RParen
        | Token::RBracket
        | Token::RBrace
        | Token::LParen
        | Token::SemiColon
        | Token::Placeholder(_) => false,
        _ => true,
    }
}
