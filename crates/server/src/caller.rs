//! Coming: the extractors `UserCaller` and `ProjectCaller`, `impl FromRequestParts<App>`.
