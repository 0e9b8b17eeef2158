//! What the catalog promises, through its public face.

mod scene;

mod users;

mod accounts;

mod keys;

mod invites;

mod membership;

mod project_invites;

mod projects;

mod tokens;

mod device_search;

mod devices;

mod namespaces;

mod dashboards;

mod audit;

mod deletions;

mod refusals;

mod file;
mod rot;
