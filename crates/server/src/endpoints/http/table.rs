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

use crate::core::auth::rights::{Access, Permission};

/// A row: this call, by these.
type Row = (Method, &'static str, Access);

/// The table. Names in braces say which part of a path is free; how they are called does not count.
#[rustfmt::skip]
const ROUTE_ACCESS: &[Row] = &[
    (Method::GET,    "/health",                             Access::Anyone),
    (Method::GET,    "/ready",                              Access::Anyone),
    (Method::GET,    "/metrics",                            Access::Anyone),
    (Method::GET,    "/v1/ping",                            Access::Anyone),
    (Method::GET,    "/v1/openapi.json",                    Access::Anyone),

    (Method::POST,   "/v1/users",                           Access::Anyone),
    (Method::GET,    "/v1/users",                           Access::User),
    (Method::GET,    "/v1/users/me",                        Access::User),
    (Method::PATCH,  "/v1/users/me",                        Access::User),
    (Method::POST,   "/v1/users/me/verification",           Access::User),
    (Method::POST,   "/v1/users/me/deletion",               Access::User),
    (Method::POST,   "/v1/users/email",                     Access::Anyone),
    // The key stands in the body.
    (Method::POST,   "/v1/users/email/revert",              Access::Anyone),
    (Method::GET,    "/v1/users/password",                  Access::Anyone),
    (Method::POST,   "/v1/users/password",                  Access::Anyone),

    (Method::GET,    "/v1/accounts",                        Access::Operator),
    (Method::PATCH,  "/v1/accounts/{id}",                   Access::Operator),
    (Method::DELETE, "/v1/accounts/{id}",                   Access::Operator),
    (Method::GET,    "/v1/audit",                           Access::Operator),
    (Method::GET,    "/v1/audit/check",                     Access::Operator),
    (Method::GET,    "/v1/storage/problems",                Access::Operator),

    (Method::POST,   "/v1/projects",                        Access::User),
    (Method::GET,    "/v1/projects",                        Access::User),
    (Method::GET,    "/v1/projects/{id}",                   Access::User),
    (Method::PATCH,  "/v1/projects/{id}",                   Access::User),
    (Method::DELETE, "/v1/projects/{id}",                   Access::User),
    (Method::GET,    "/v1/projects/{id}/permissions",       Access::User),
    (Method::PATCH,  "/v1/projects/{id}/permissions",       Access::User),

    // Name and password stand in the body. The other two say what there is of a session, or that there is none.
    (Method::POST,   "/v1/session",                         Access::Anyone),
    (Method::GET,    "/v1/session",                         Access::Anyone),
    (Method::DELETE, "/v1/session",                         Access::Anyone),

    (Method::GET,    "/v1/tokens/user",                     Access::LogIn),
    (Method::GET,    "/v1/tokens/project",                  Access::User),
    // The old token stands in the body, as it may have ended.
    (Method::POST,   "/v1/tokens/project",                  Access::Anyone),
    (Method::GET,    "/v1/tokens",                          Access::User),
    (Method::PATCH,  "/v1/tokens/{id}",                     Access::User),
    (Method::DELETE, "/v1/tokens/{id}",                     Access::User),

    (Method::POST,   "/v1/projects/{id}/invites",           Access::User),
    (Method::GET,    "/v1/projects/{id}/invites",           Access::User),
    (Method::DELETE, "/v1/projects/{id}/invites/{invite}",  Access::User),
    (Method::POST,   "/v1/invites/accept",                  Access::User),
    (Method::POST,   "/v1/invites",                         Access::Operator),
    (Method::GET,    "/v1/invites",                         Access::Operator),
    (Method::DELETE, "/v1/invites/{id}",                    Access::Operator),

    (Method::POST,   "/v1/devices",                         Access::Project(Permission::Write)),
    (Method::GET,    "/v1/devices",                         Access::Project(Permission::Read)),
    (Method::GET,    "/v1/devices/timestamp",               Access::Project(Permission::Any)),
    (Method::GET,    "/v1/devices/{id}",                    Access::Project(Permission::Read)),
    (Method::GET,    "/v1/devices/{id}/statistics",         Access::Project(Permission::Read)),
    (Method::GET,    "/v1/devices/{id}/latest",             Access::Project(Permission::Read)),
    (Method::PATCH,  "/v1/devices/{id}",                    Access::Project(Permission::Write)),
    (Method::DELETE, "/v1/devices/{id}",                    Access::Project(Permission::Write)),

    (Method::POST,   "/v1/namespaces",                      Access::Project(Permission::Admin)),
    (Method::GET,    "/v1/namespaces",                      Access::Project(Permission::Read)),
    (Method::GET,    "/v1/namespaces/{id}",                 Access::Project(Permission::Read)),
    (Method::GET,    "/v1/namespaces/{id}/statistics",      Access::Project(Permission::Read)),
    (Method::PUT,    "/v1/namespaces/{id}",                 Access::Project(Permission::Admin)),
    (Method::DELETE, "/v1/namespaces/{id}",                 Access::Project(Permission::Admin)),
    // Corrections: no device's business.
    (Method::POST,   "/v1/namespaces/{id}/rows/delete",     Access::Project(Permission::Admin)),
    (Method::POST,   "/v1/namespaces/{id}/truncate",        Access::Project(Permission::Admin)),
    (Method::PATCH,  "/v1/namespaces/{id}/fields/{field}",  Access::Project(Permission::Admin)),
    (Method::DELETE, "/v1/namespaces/{id}/fields/{field}",  Access::Project(Permission::Admin)),
    (Method::GET,    "/v1/namespaces/{id}/corrections",     Access::Project(Permission::Admin)),
    (Method::GET,    "/v1/namespaces/{id}/corrections/{correction}", Access::Project(Permission::Admin)),
    (Method::GET,    "/v1/namespaces/{id}/corrections/{correction}/quarantine", Access::Project(Permission::Admin)),

    (Method::POST,   "/v1/dashboards",                      Access::Project(Permission::Write)),
    (Method::GET,    "/v1/dashboards",                      Access::Project(Permission::Read)),
    (Method::GET,    "/v1/dashboards/{id}",                 Access::Project(Permission::Read)),
    (Method::PUT,    "/v1/dashboards/{id}",                 Access::Project(Permission::Write)),
    (Method::DELETE, "/v1/dashboards/{id}",                 Access::Project(Permission::Write)),
    (Method::POST,   "/v1/dashboards/{id}/shares",          Access::Project(Permission::Admin)),
    (Method::GET,    "/v1/dashboards/{id}/shares",          Access::Project(Permission::Admin)),
    (Method::DELETE, "/v1/dashboards/{id}/shares/{share}",  Access::Project(Permission::Admin)),
    (Method::GET,    "/v1/shared",                          Access::Share),
    (Method::POST,   "/v1/shared/query",                    Access::Share),

    (Method::POST,   "/v1/imports",                         Access::Project(Permission::Write)),
    (Method::POST,   "/v1/imports/known",                   Access::Project(Permission::Write)),
    (Method::GET,    "/v1/refusals",                        Access::Project(Permission::Read)),
    (Method::GET,    "/v1/data/{namespace}",                Access::Project(Permission::Read)),
    (Method::GET,    "/v1/data/{namespace}/{field}",        Access::Project(Permission::Read)),
    (Method::GET,    "/v1/exports/{id}",                    Access::Project(Permission::Read)),
    (Method::GET,    "/v1/exports/{id}/{device}",           Access::Project(Permission::Read)),
    (Method::GET,    "/v1/exports/{id}/{device}/{series}",  Access::Project(Permission::Read)),
    (Method::POST,   "/v1/sql",                             Access::Project(Permission::Read)),
    (Method::GET,    "/v1/live",                            Access::Project(Permission::Read)),
    (Method::POST,   "/v1/query",                           Access::Project(Permission::Read)),
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
pub(crate) fn who(method: &Method, route: &str) -> Option<Access> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTE_ACCESS
        .iter()
        .find(|(m, path, _)| m == method && same_route(path, route))
        .map(|(_, _, who)| *who)
}

/// Whether a call changes something, so that a page must prove with its session's cookie that it is ours.
pub(crate) fn changes(method: &Method, route: &str) -> bool {
    let only_looks = matches!(*method, Method::GET | Method::HEAD);
    // It makes a token, whatever its method says.
    !only_looks || same_route(route, "/v1/tokens/project")
}

/// The methods that this route has, for the reply to any other.
pub(crate) fn methods(route: &str) -> impl Iterator<Item = &'static Method> {
    ROUTE_ACCESS
        .iter()
        .filter(move |(_, path, _)| same_route(path, route))
        .map(|(method, _, _)| method)
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
        let read = Some(Access::Project(Permission::Read));
        assert_eq!(who(&Method::GET, "/v1/devices/{whatever}"), read);
        assert_eq!(who(&Method::GET, "/v1/devices/"), read);
        assert_eq!(who(&Method::HEAD, "/v1/devices"), read);
        assert_eq!(
            who(&Method::GET, "/v1/devices/timestamp"),
            Some(Access::Project(Permission::Any))
        );
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
            assert!(matches!(who(method, path), Some(Access::Project(_))), "{method} {path}");
            assert!(is_a_devices(method, path), "{method} {path}");
        }
        assert!(!is_a_devices(&Method::DELETE, "/v1/namespaces/{id}"));
        assert!(!is_a_devices(&Method::POST, "/v1/sql"));
    }

    #[test]
    fn no_call_has_two_rows() {
        for (at, (method, path, _)) in ROUTE_ACCESS.iter().enumerate() {
            let same =
                ROUTE_ACCESS.iter().filter(|(m, p, _)| m == method && same_route(p, path)).count();
            assert_eq!(same, 1, "row {at}: {method} {path}");
        }
    }
}
