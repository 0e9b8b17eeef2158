//! Fields of a request in the spelling of the namespace: every part behind this one compares names letter by letter.

use crate::request::{DataRequest, ExportRequest, SeriesRequest};
use crate::scope::Table;

/// `/v1/data` with fields as the table spells them.
pub(crate) fn data(table: &Table, mut request: DataRequest) -> DataRequest {
    request.field = request.field.map(|field| table.spelled(field));
    for condition in &mut request.conditions {
        condition.field = table.spelled(condition.field.clone());
    }
    let groups = std::mem::take(&mut request.group_by.fields);
    for field in groups.into_iter().map(|field| table.spelled(field)) {
        if !request.group_by.fields.contains(&field) {
            request.group_by.fields.push(field);
        }
    }
    if let Some(limit) = &mut request.limit_by {
        limit.field = table.spelled(limit.field.clone());
    }
    request
}

/// `/v1/exports` with the series as the table spells it.
pub(crate) fn exports(table: &Table, mut request: ExportRequest) -> ExportRequest {
    request.series = request.series.map(|series| table.spelled(series));
    request
}

/// `/v1/query` with fields as the table spells them.
pub(crate) fn series(table: &Table, mut request: SeriesRequest) -> SeriesRequest {
    let predicates = request.predicates.iter_mut().map(|predicate| &mut predicate.field);
    for name in request.fields.iter_mut().flatten().chain(predicates) {
        if let Some(spelling) = table.spelling(name) {
            spelling.as_str().clone_into(name);
        }
    }
    request
}
