//! Names of fields in any letter case: what the query writes becomes the spelling that the namespace has.
//!
//! ```text
//! SELECT temp FROM input            field Temp, none called temp  ─▶ SELECT Temp FROM input
//! SELECT "temp" FROM input          in double quotes: letter by letter
//! SELECT a AS temp, .. ORDER BY temp, SELECT temp FROM (SELECT a AS temp ..)   the query's own names are left alone
//! ```
//!
//! Where two tables of one query spell a field differently, it must be written as one of them spells it.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    Query, RenameSelectItem, Select, SelectItem, SetExpr, Statement as Sql, TableFactor, Visit,
    VisitMut, Visitor, VisitorMut, WildcardAdditionalOptions,
};

use crate::scope::{Scope, TIME};

/// Spells the fields in a statement as its tables do.
pub(super) fn resolve(statement: &mut Statement, scope: &Scope) {
    match statement {
        Statement::Statement(sql) => resolve_in(sql, scope),
        Statement::Explain(explain) => resolve(&mut explain.statement, scope),
        _ => {}
    }
}

fn resolve_in(sql: &mut Sql, scope: &Scope) {
    let mut names = Names::default();
    let _ = Visit::visit(&*sql, &mut names);
    let mut fields = Fields::default();
    fields.add(TIME);
    for table in scope.tables.iter().filter(|table| names.tables.contains(table.name.as_str())) {
        table.fields.iter().for_each(|(name, _)| fields.add(name.as_str()));
    }
    let _ = VisitMut::visit(sql, &mut EachQuery { fields, names });
}

/// The fields of all tables of a query.
#[derive(Default)]
struct Fields {
    exact: HashSet<String>,
    /// In lower case; nothing where tables spell it differently.
    spellings: HashMap<String, Option<String>>,
}

impl Fields {
    fn add(&mut self, name: &str) {
        self.exact.insert(name.to_owned());
        self.spellings
            .entry(name.to_ascii_lowercase())
            .and_modify(|known| *known = known.take().filter(|known| known == name))
            .or_insert_with(|| Some(name.to_owned()));
    }
}

/// The tables that a query reads, and the names it gives itself, all its parts together.
#[derive(Default)]
struct Names {
    tables: HashSet<String>,
    common_tables: HashSet<String>,
    own: HashSet<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if let Some(ident) = relation.0.last().and_then(ObjectNamePart::as_ident) {
            self.tables.insert(ident.value.clone());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.common_tables.insert(table.alias.name.value.clone());
            self.own.extend(table.alias.columns.iter().map(|column| column.name.value.clone()));
        }
        aliases(&query.body, &mut self.own);
        ControlFlow::Continue(())
    }
}

/// The names that a query gives to what it selects.
fn aliases(body: &SetExpr, found: &mut HashSet<String>) {
    match body {
        SetExpr::Select(select) => {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    found.insert(alias.value.clone());
                }
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            aliases(left, found);
            aliases(right, found);
        }
        _ => {}
    }
}

/// Goes through each query of a statement, those inside others too.
struct EachQuery {
    fields: Fields,
    names: Names,
}

impl VisitorMut for EachQuery {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let mut own = HashSet::new();
        aliases(&query.body, &mut own);
        self.body(&mut query.body);
        let all: HashSet<String> = own.union(&self.names.own).cloned().collect();
        // Only a query over tables alone cannot mean a name of another one.
        let is_over_tables = self.is_over_tables(&query.body);
        let own = if is_over_tables { &own } else { &all };
        VisitMut::visit(&mut query.order_by, &mut Respell { fields: &self.fields, own })
    }
}

impl EachQuery {
    fn body(&self, body: &mut SetExpr) {
        match body {
            SetExpr::Select(select) => {
                let none = HashSet::new();
                let is_over_tables = self.selects_from_tables(select);
                let own = if is_over_tables { &none } else { &self.names.own };
                let mut respell = Respell { fields: &self.fields, own };
                let _ = VisitMut::visit(select.as_mut(), &mut respell);
                respell.names(select);
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            _ => {}
        }
    }

    fn is_over_tables(&self, body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => self.selects_from_tables(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.is_over_tables(left) && self.is_over_tables(right)
            }
            _ => false,
        }
    }

    fn selects_from_tables(&self, select: &Select) -> bool {
        let is_table = |factor: &TableFactor| match factor {
            TableFactor::Table { name, args: None, .. } => {
                let ident = name.0.last().and_then(ObjectNamePart::as_ident);
                ident.is_some_and(|ident| !self.names.common_tables.contains(&ident.value))
            }
            _ => false,
        };
        select.from.iter().all(|from| {
            is_table(&from.relation) && from.joins.iter().all(|join| is_table(&join.relation))
        })
    }
}

/// Spells each name of a column.
struct Respell<'n> {
    fields: &'n Fields,
    /// Names that the query gave itself.
    own: &'n HashSet<String>,
}

impl Respell<'_> {
    fn respell(&self, ident: &mut Ident) {
        let is_known = self.fields.exact.contains(&ident.value) || self.own.contains(&ident.value);
        if ident.quote_style.is_some() || is_known {
            return;
        }
        if let Some(Some(name)) = self.fields.spellings.get(&ident.value.to_ascii_lowercase()) {
            ident.value.clone_from(name);
        }
    }
}

impl Respell<'_> {
    /// Names that stand alone, not in an expression: of `USING (..)`, `* EXCEPT (..)` and their like.
    fn names(&self, select: &mut Select) {
        let joins = select.from.iter_mut().flat_map(|from| &mut from.joins);
        for columns in joins.filter_map(|join| using(&mut join.join_operator)) {
            for column in columns {
                self.last(column);
            }
        }
        for item in &mut select.projection {
            if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item
            {
                self.left_out(options);
            }
        }
    }

    fn left_out(&self, options: &mut WildcardAdditionalOptions) {
        if let Some(except) = &mut options.opt_except {
            self.respell(&mut except.first_element);
            for ident in &mut except.additional_elements {
                self.respell(ident);
            }
        }
        match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(column)) => self.last(column),
            Some(ExcludeSelectItem::Multiple(columns)) => {
                for column in columns {
                    self.last(column);
                }
            }
            None => {}
        }
        for replaced in options.opt_replace.iter_mut().flat_map(|replace| &mut replace.items) {
            self.respell(&mut replaced.column_name);
        }
        match &mut options.opt_rename {
            Some(RenameSelectItem::Single(renamed)) => self.respell(&mut renamed.ident),
            Some(RenameSelectItem::Multiple(all)) => {
                for renamed in all {
                    self.respell(&mut renamed.ident);
                }
            }
            None => {}
        }
    }

    fn last(&self, name: &mut ObjectName) {
        if let Some(ObjectNamePart::Identifier(ident)) = name.0.last_mut() {
            self.respell(ident);
        }
    }
}

/// The columns of `USING (..)`.
fn using(operator: &mut JoinOperator) -> Option<&mut Vec<ObjectName>> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint)
        | JoinOperator::AsOf { constraint, .. } => match constraint {
            JoinConstraint::Using(columns) => Some(columns),
            _ => None,
        },
        _ => None,
    }
}

impl VisitorMut for Respell<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.respell(ident),
            Expr::CompoundIdentifier(parts) => {
                if let Some(ident) = parts.last_mut() {
                    self.respell(ident);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
