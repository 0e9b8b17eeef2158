//! Whose a name is, and whether the account was used from there before.

use std::net::IpAddr;

use iobeam_model::UserId;
use rusqlite::params;

use crate::addresses::network;
use crate::database::Catalog;
use crate::error::CatalogError;
use crate::users::by_name;

impl Catalog {
    /// Whose name this is, and whether that account was used from this address before.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn account_of(
        &self,
        name: &str,
        address: IpAddr,
    ) -> Result<Option<(UserId, bool)>, CatalogError> {
        self.read(|connection| {
            let Some((user, _)) = by_name(connection, name)? else { return Ok(None) };
            let known = connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM known_addresses WHERE user = ?1 AND address = ?2)",
                )?
                .query_row(params![user.id.get(), network(address).to_string()], |row| row.get(0))?;
            Ok(Some((user.id, known)))
        })
    }
}
