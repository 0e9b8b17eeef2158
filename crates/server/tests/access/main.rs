//! Who may do what, asked of a real server on a port of its own.
//!
//! One program for all of it, as each would link the whole platform.

mod platform;

mod users;

mod projects;

mod sessions;

mod tokens;

mod devices;

mod live;

mod namespaces;

mod dashboards;

mod joining;

mod deleting;

mod correcting;

mod correction_limits;

mod refusals;

mod keeping;

mod doctor;

mod rights_end;

mod permissions;

mod parameters;

mod guessing;
