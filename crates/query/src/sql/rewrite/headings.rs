//! What columns are called: as PostgreSQL calls them, and however many share a name.
//!
//! The engine wants other names for other columns, and a cast has the name of its column there. Columns of one name
//! therefore get names of their own, `<mark>number<mark>name`, of which the answer shows the last part.

use std::collections::HashMap;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderByKind, Query, Select, SelectItem, SetExpr,
};

/// Begins a name that is made up; no name that a person writes holds it.
const MARK: char = '\u{1}';
/// Begins the name of a column that no answer shows.
const HIDDEN: char = '\u{2}';

/// A name of its own for a column that is shown under another.
pub(super) fn made_up(name: &str, next: &mut usize) -> Ident {
    *next += 1;
    Ident::with_quote('"', format!("{MARK}{next}{MARK}{name}", next = *next))
}

/// A name for a column that no answer shows.
pub(super) fn unseen(next: &mut usize) -> String {
    *next += 1;
    format!("{HIDDEN}{next}", next = *next)
}

/// What an answer calls a column.
pub(in crate::sql) fn shown(name: &str) -> &str {
    let rest = name.strip_prefix(MARK).and_then(|rest| rest.split_once(MARK));
    rest.map_or(name, |(_, name)| name)
}

/// Whether no answer shows the column.
pub(in crate::sql) fn is_hidden(name: &str) -> bool {
    name.starts_with(HIDDEN)
}

/// The expression within casts and parentheses.
fn core(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => core(expr),
        other => other,
    }
}

/// The column that an expression is, maybe in another type.
fn column(expr: &Expr) -> Option<&Ident> {
    match core(expr) {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    }
}

/// Whether the expression is a column in another type.
fn is_cast(expr: &Expr) -> bool {
    !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) && column(expr).is_some()
}

/// What a column is called; nothing for those that a wildcard stands for.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => {
            Some(column(expr).map_or_else(|| expr.to_string(), |ident| ident.value.clone()))
        }
        _ => None,
    }
}

fn expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}

fn set(item: &mut SelectItem, alias: Ident) {
    if let Some(expr) = expr(item).cloned() {
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// Names for the columns of the answer: an expression is headed by its text, a cast by its column's name. ORDER BY the
/// bare name of a cast is by the cast, and within an expression the name is the table's column.
pub(super) fn of_answer(query: &mut Query, next: &mut usize) {
    if let SetExpr::SetOperation { .. } = query.body.as_ref() {
        of_first(&mut query.body, next);
        return;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let mut ordered: Vec<(Expr, Ident)> = Vec::new();
    let mut casts: HashMap<String, Option<Ident>> = HashMap::new();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(written) = item else { continue };
        let heading = match column(written) {
            Some(ident) if is_cast(written) => ident.value.clone(),
            Some(_) => continue,
            None => written.to_string(),
        };
        let (written, alias) = (written.clone(), made_up(&heading, next));
        if column(&written).is_some() {
            // Which of two is meant, nobody can say.
            casts.entry(heading).and_modify(|it| *it = None).or_insert_with(|| Some(alias.clone()));
        }
        ordered.push((written, alias.clone()));
        set(item, alias);
    }
    for item in &select.projection {
        if let SelectItem::UnnamedExpr(written) = item
            && let Some(ident) = column(written)
        {
            casts.remove(&ident.value);
        }
    }
    let Some(order) = &mut query.order_by else { return };
    let OrderByKind::Expressions(order) = &mut order.kind else { return };
    for by in order {
        let of_cast = match &by.expr {
            Expr::Identifier(ident) => casts.get(&ident.value).cloned().flatten(),
            _ => None,
        };
        let same = ordered.iter().find(|(written, _)| *written == by.expr);
        let alias = of_cast.or_else(|| same.map(|(_, alias)| alias.clone()));
        // A number is a place.
        if let Some(alias) = alias.filter(|_| !matches!(by.expr, Expr::Value(_))) {
            by.expr = Expr::Identifier(alias);
        }
    }
}

/// Names for the columns of the first of united queries, which are those of the answer. They may be named in ORDER BY.
fn of_first(body: &mut SetExpr, next: &mut usize) {
    match body {
        SetExpr::SetOperation { left, .. } => of_first(left, next),
        SetExpr::Select(select) => {
            for item in &mut select.projection {
                if let SelectItem::UnnamedExpr(written) = item
                    && column(written).is_none()
                {
                    let alias = made_up(&written.to_string(), next);
                    set(item, alias);
                }
            }
        }
        _ => {}
    }
}

/// Names for the columns of any SELECT.
pub(super) fn of_select(select: &mut Select, next: &mut usize) {
    let names: Vec<Option<String>> = select.projection.iter().map(name).collect();
    let has_wildcard = names.iter().any(Option::is_none);
    let mut alike: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(name) = name {
            alike.entry(name).or_default().push(at);
        }
    }
    for (at, name) in names.iter().enumerate() {
        // A name that was made up is its column's own.
        let Some(name) = name.as_ref().filter(|name| !name.starts_with(MARK)) else { continue };
        let item = &select.projection[at];
        let Some(written) = expr(item) else { continue };
        let others = alike.get(name.as_str()).map_or(&[][..], Vec::as_slice);
        let same = others.iter().all(|other| expr(&select.projection[*other]) == Some(written));
        let is_plain = matches!(item, SelectItem::UnnamedExpr(_));
        // The first of columns that are the same may keep its name: there is no doubt what it means.
        let is_first = others.first() == Some(&at) && same;
        let clashes =
            (others.len() > 1 && !is_first) || (has_wildcard && column(written).is_some());
        if clashes {
            let alias = made_up(name, next);
            set(&mut select.projection[at], alias);
        } else if is_plain && is_cast(written) {
            set(&mut select.projection[at], Ident::with_quote('"', name.clone()));
        }
    }
}
