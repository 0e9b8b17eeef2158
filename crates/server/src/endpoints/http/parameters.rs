//! Which query parameters a route takes: what the API's description says, and nothing else.
//!
//! ```text
//! OpenAPI document ─▶ route, method ─▶ names ─ in the request, but not among them ─▶ 400, with the nearest name
//! ```
//!
//! A parameter that means nothing would otherwise be passed over, and the answer be one to another question.

use std::collections::HashMap;

use http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use crate::core::api_error::ApiError;
use crate::nearest::nearest;

/// The parameter by which a plain link names the project of a session; every route of a project takes it.
pub(crate) const PROJECT_ID: &str = "project_id";

/// The names of the query parameters of each route.
#[derive(Debug, Default)]
pub(crate) struct Parameters(HashMap<String, Vec<(Method, Vec<String>)>>);

impl Parameters {
    /// Those that a description names.
    pub(crate) fn of(api: &OpenApi) -> Self {
        let of_route = |item: &PathItem| {
            let shared = item.parameters.as_deref().unwrap_or_default();
            let own = operations(item);
            own.map(|(method, operation)| {
                let parameters = operation.parameters.as_deref().unwrap_or_default();
                (method, parameters.iter().chain(shared).filter_map(query_name).collect())
            })
            .collect()
        };
        Self(api.paths.paths.iter().map(|(path, item)| (path.clone(), of_route(item))).collect())
    }

    /// The refusal of the first parameter that the route does not take.
    pub(crate) fn refusal(
        &self,
        method: &Method,
        route: &str,
        takes_project: bool,
        query: &str,
    ) -> Option<ApiError> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let (_, names) = self.0.get(route)?.iter().find(|(known, _)| known == method)?;
        let is_known = |name: &str| {
            names.iter().any(|known| known == name) || (takes_project && name == PROJECT_ID)
        };
        let (unknown, _) =
            url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !is_known(name))?;
        Some(refusal(&unknown, names))
    }
}

fn refusal(unknown: &str, names: &[String]) -> ApiError {
    let shown: String = unknown.chars().take(64).collect();
    let details = match nearest(unknown, names.iter().map(String::as_str)) {
        Some(nearest) => format!("there is no parameter '{shown}' here; did you mean '{nearest}'?"),
        None if names.is_empty() => {
            format!("there is no parameter '{shown}' here; this call takes none, leave it out")
        }
        None => {
            let names = names.join(", ");
            format!("there is no parameter '{shown}' here; this call takes {names}")
        }
    };
    ApiError::bad_request(format!("The parameter '{shown}' is unknown"), details)
}

fn query_name(parameter: &RefOr<Parameter>) -> Option<String> {
    match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
            Some(parameter.name.clone())
        }
        _ => None,
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}
