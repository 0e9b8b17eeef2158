//! Who may call what: the one table that the routes obey and the API's description shows.
//!
//! ```text
//! POST /v1/devices ─▶ row: Project(Write) ─▶ a project token with `write`, or 401 / 403
//! GET  /v1/new     ─▶ no row              ─▶ refused, whoever asks
//! ```
//!
//! What is not here cannot be called. A right that depends on *which* thing is meant (an own token, the
//! device a token is bound to) is asked for again by the call itself, on top of its row.

use http::Method;

use crate::core::auth::rights::{Right, Who};

/// A row: this call, by these.
type Row = (Method, &'static str, Who);

/// The table. Names in braces say which part of a path is free; how they are called does not count.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    (Method::GET,    "/health",                             Who::Anyone),
    (Method::GET,    "/ready",                              Who::Anyone),
    (Method::GET,    "/metrics",                            Who::Anyone),
    (Method::GET,    "/v1/ping",                            Who::Anyone),
    (Method::GET,    "/v1/openapi.json",                    Who::Anyone),

    (Method::POST,   "/v1/users",                           Who::Anyone),
    (Method::GET,    "/v1/users",                           Who::User),
    (Method::GET,    "/v1/users/me",                        Who::User),
    (Method::PATCH,  "/v1/users/me",                        Who::User),
    (Method::POST,   "/v1/users/me/verification",           Who::User),
    (Method::POST,   "/v1/users/me/deletion",               Who::User),
    (Method::POST,   "/v1/users/email",                     Who::Anyone),
    // The key stands in the body.
    (Method::POST,   "/v1/users/email/revert",              Who::Anyone),
    (Method::GET,    "/v1/users/password",                  Who::Anyone),
    (Method::POST,   "/v1/users/password",                  Who::Anyone),

    (Method::GET,    "/v1/accounts",                        Who::Operator),
    (Method::PATCH,  "/v1/accounts/{id}",                   Who::Operator),
    (Method::DELETE, "/v1/accounts/{id}",                   Who::Operator),
    (Method::GET,    "/v1/audit",                           Who::Operator),
    (Method::GET,    "/v1/audit/check",                     Who::Operator),
    (Method::GET,    "/v1/storage/problems",                Who::Operator),

    (Method::POST,   "/v1/projects",                        Who::User),
    (Method::GET,    "/v1/projects",                        Who::User),
    (Method::GET,    "/v1/projects/{id}",                   Who::User),
    (Method::PATCH,  "/v1/projects/{id}",                   Who::User),
    (Method::DELETE, "/v1/projects/{id}",                   Who::User),
    (Method::GET,    "/v1/projects/{id}/permissions",       Who::User),
    (Method::PATCH,  "/v1/projects/{id}/permissions",       Who::User),

    // Name and password stand in the body. The other two say what there is of a session, or that there is none.
    (Method::POST,   "/v1/session",                         Who::Anyone),
    (Method::GET,    "/v1/session",                         Who::Anyone),
    (Method::DELETE, "/v1/session",                         Who::Anyone),

    (Method::GET,    "/v1/tokens/user",                     Who::LogIn),
    (Method::GET,    "/v1/tokens/project",                  Who::User),
    // The old token stands in the body, as it may have ended.
    (Method::POST,   "/v1/tokens/project",                  Who::Anyone),
    (Method::GET,    "/v1/tokens",                          Who::User),
    (Method::PATCH,  "/v1/tokens/{id}",                     Who::User),
    (Method::DELETE, "/v1/tokens/{id}",                     Who::User),

    (Method::POST,   "/v1/projects/{id}/invites",           Who::User),
    (Method::GET,    "/v1/projects/{id}/invites",           Who::User),
    (Method::DELETE, "/v1/projects/{id}/invites/{invite}",  Who::User),
    (Method::POST,   "/v1/invites/accept",                  Who::User),
    (Method::POST,   "/v1/invites",                         Who::Operator),
    (Method::GET,    "/v1/invites",                         Who::Operator),
    (Method::DELETE, "/v1/invites/{id}",                    Who::Operator),

    (Method::POST,   "/v1/devices",                         Who::Project(Right::Write)),
    (Method::GET,    "/v1/devices",                         Who::Project(Right::Read)),
    (Method::GET,    "/v1/devices/timestamp",               Who::Project(Right::Any)),
    (Method::GET,    "/v1/devices/{id}",                    Who::Project(Right::Read)),
    (Method::GET,    "/v1/devices/{id}/statistics",         Who::Project(Right::Read)),
    (Method::GET,    "/v1/devices/{id}/latest",             Who::Project(Right::Read)),
    (Method::PATCH,  "/v1/devices/{id}",                    Who::Project(Right::Write)),
    (Method::DELETE, "/v1/devices/{id}",                    Who::Project(Right::Write)),

    (Method::POST,   "/v1/namespaces",                      Who::Project(Right::Admin)),
    (Method::GET,    "/v1/namespaces",                      Who::Project(Right::Read)),
    (Method::GET,    "/v1/namespaces/{id}",                 Who::Project(Right::Read)),
    (Method::GET,    "/v1/namespaces/{id}/statistics",      Who::Project(Right::Read)),
    (Method::PUT,    "/v1/namespaces/{id}",                 Who::Project(Right::Admin)),
    (Method::DELETE, "/v1/namespaces/{id}",                 Who::Project(Right::Admin)),
    // Corrections: no device's business.
    (Method::POST,   "/v1/namespaces/{id}/rows/delete",     Who::Project(Right::Admin)),
    (Method::POST,   "/v1/namespaces/{id}/truncate",        Who::Project(Right::Admin)),
    (Method::PATCH,  "/v1/namespaces/{id}/fields/{field}",  Who::Project(Right::Admin)),
    (Method::DELETE, "/v1/namespaces/{id}/fields/{field}",  Who::Project(Right::Admin)),
    (Method::GET,    "/v1/namespaces/{id}/corrections",     Who::Project(Right::Admin)),
    (Method::GET,    "/v1/namespaces/{id}/corrections/{correction}", Who::Project(Right::Admin)),
    (Method::GET,    "/v1/namespaces/{id}/corrections/{correction}/quarantine", Who::Project(Right::Admin)),

    (Method::POST,   "/v1/dashboards",                      Who::Project(Right::Write)),
    (Method::GET,    "/v1/dashboards",                      Who::Project(Right::Read)),
    (Method::GET,    "/v1/dashboards/{id}",                 Who::Project(Right::Read)),
    (Method::PUT,    "/v1/dashboards/{id}",                 Who::Project(Right::Write)),
    (Method::DELETE, "/v1/dashboards/{id}",                 Who::Project(Right::Write)),
    (Method::POST,   "/v1/dashboards/{id}/shares",          Who::Project(Right::Admin)),
    (Method::GET,    "/v1/dashboards/{id}/shares",          Who::Project(Right::Admin)),
    (Method::DELETE, "/v1/dashboards/{id}/shares/{share}",  Who::Project(Right::Admin)),
    (Method::GET,    "/v1/shared",                          Who::Share),
    (Method::POST,   "/v1/shared/query",                    Who::Share),

    (Method::POST,   "/v1/imports",                         Who::Project(Right::Write)),
    (Method::POST,   "/v1/imports/known",                   Who::Project(Right::Write)),
    (Method::GET,    "/v1/refusals",                        Who::Project(Right::Read)),
    (Method::GET,    "/v1/data/{namespace}",                Who::Project(Right::Read)),
    (Method::GET,    "/v1/data/{namespace}/{field}",        Who::Project(Right::Read)),
    (Method::GET,    "/v1/exports/{id}",                    Who::Project(Right::Read)),
    (Method::GET,    "/v1/exports/{id}/{device}",           Who::Project(Right::Read)),
    (Method::GET,    "/v1/exports/{id}/{device}/{series}",  Who::Project(Right::Read)),
    (Method::POST,   "/v1/sql",                             Who::Project(Right::Read)),
    (Method::GET,    "/v1/live",                            Who::Project(Right::Read)),
    (Method::POST,   "/v1/query",                           Who::Project(Right::Read)),
];

/// The calls that a token bound to a device may make: those that are about that device, or are narrowed to it by the call
/// itself. All others are refused, also ones that come new.
#[rustfmt::skip]
const DEVICE_ROUTES: &[(Method, &str)] = &[
    (Method::POST,   "/v1/devices"),
    (Method::GET,    "/v1/devices"),
    (Method::GET,    "/v1/devices/timestamp"),
    (Method::GET,    "/v1/devices/{id}"),
    (Method::GET,    "/v1/devices/{id}/statistics"),
    (Method::GET,    "/v1/devices/{id}/latest"),
    (Method::PATCH,  "/v1/devices/{id}"),
    (Method::DELETE, "/v1/devices/{id}"),
    (Method::POST,   "/v1/imports"),
    (Method::POST,   "/v1/imports/known"),
    (Method::GET,    "/v1/refusals"),
    (Method::GET,    "/v1/data/{namespace}"),
    (Method::GET,    "/v1/data/{namespace}/{field}"),
    (Method::GET,    "/v1/exports/{id}/{device}"),
    (Method::GET,    "/v1/exports/{id}/{device}/{series}"),
    (Method::GET,    "/v1/live"),
    (Method::POST,   "/v1/query"),
];

/// Whether a token that is bound to a device may make this call.
pub(crate) fn is_a_devices(method: &Method, route: &str) -> bool {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    DEVICE_ROUTES.iter().any(|(m, path)| m == method && same_route(path, route))
}

/// Who may make this call; `None` means nobody. `HEAD` is asked for as `GET`.
pub(crate) fn who(method: &Method, route: &str) -> Option<Who> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROWS.iter().find(|(m, path, _)| m == method && same_route(path, route)).map(|(_, _, who)| *who)
}

/// Whether a call changes something, so that a page must prove with its session's cookie that it is ours.
pub(crate) fn changes(method: &Method, route: &str) -> bool {
    let only_looks = matches!(*method, Method::GET | Method::HEAD);
    // It makes a token, whatever its method says.
    !only_looks || same_route(route, "/v1/tokens/project")
}

/// The methods that this route has, for the reply to any other.
pub(crate) fn methods(route: &str) -> impl Iterator<Item = &'static Method> {
    ROWS.iter().filter(move |(_, path, _)| same_route(path, route)).map(|(method, _, _)| method)
}

/// Whether two routes are the same but for the names of their free parts and the final slash.
fn same_route(one: &str, other: &str) -> bool {
    let is_free = |part: &str| part.starts_with('{');
    let mut parts = one.trim_end_matches('/').split('/');
    let mut others = other.trim_end_matches('/').split('/');
    loop {
        match (parts.next(), others.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || (is_free(a) && is_free(b)) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_row_may_be_called_by_nobody() {
        assert_eq!(who(&Method::GET, "/v1/secrets"), None);
        assert_eq!(who(&Method::DELETE, "/v1/projects"), None);
        assert_eq!(who(&Method::GET, "/v1/devices/timestamp/more"), None);
    }

    #[test]
    fn the_names_of_free_parts_and_a_final_slash_do_not_count() {
        let read = Some(Who::Project(Right::Read));
        assert_eq!(who(&Method::GET, "/v1/devices/{whatever}"), read);
        assert_eq!(who(&Method::GET, "/v1/devices/"), read);
        assert_eq!(who(&Method::HEAD, "/v1/devices"), read);
        assert_eq!(who(&Method::GET, "/v1/devices/timestamp"), Some(Who::Project(Right::Any)));
    }

    #[test]
    fn what_makes_a_token_changes_something_whatever_its_method() {
        assert!(changes(&Method::GET, "/v1/tokens/project"));
        assert!(changes(&Method::HEAD, "/v1/tokens/project/"));
        assert!(changes(&Method::POST, "/v1/sql"));
        assert!(!changes(&Method::GET, "/v1/tokens"));
        assert!(!changes(&Method::HEAD, "/v1/data/{namespace}"));
    }

    #[test]
    fn what_a_devices_token_may_call_is_in_the_table_and_takes_a_project_token() {
        for (method, path) in DEVICE_ROUTES {
            assert!(matches!(who(method, path), Some(Who::Project(_))), "{method} {path}");
            assert!(is_a_devices(method, path), "{method} {path}");
        }
        assert!(!is_a_devices(&Method::DELETE, "/v1/namespaces/{id}"));
        assert!(!is_a_devices(&Method::POST, "/v1/sql"));
    }

    #[test]
    fn no_call_has_two_rows() {
        for (at, (method, path, _)) in ROWS.iter().enumerate() {
            let same = ROWS.iter().filter(|(m, p, _)| m == method && same_route(p, path)).count();
            assert_eq!(same, 1, "row {at}: {method} {path}");
        }
    }
}
