//! From where an account is used: whoever comes from there again is known, and is not slowed when others guess.

use std::net::IpAddr;

use iobeam_model::{Timestamp, UserId};
use rusqlite::{Transaction, params};

use crate::audit::Actor;
use crate::error::CatalogError;

/// How many addresses are remembered of an account: the latest.
const MAX_KNOWN_ADDRESSES: u32 = 20;

/// The address that counts: whoever holds one IPv6 address holds its whole /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Notes that an account is used from where the actor is.
pub(crate) fn remember_address(
    transaction: &Transaction<'_>,
    user: UserId,
    actor: Actor,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let Some(address) = actor.address else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO known_addresses (user, address, last) VALUES (?1, ?2, ?3) \
             ON CONFLICT (user, address) DO UPDATE SET last = excluded.last",
        )?
        .execute(params![user.get(), network(address).to_string(), now.micros()])?;
    transaction
        .prepare_cached(
            "DELETE FROM known_addresses WHERE user = ?1 AND address NOT IN \
             (SELECT address FROM known_addresses WHERE user = ?1 ORDER BY last DESC, address LIMIT ?2)",
        )?
        .execute(params![user.get(), MAX_KNOWN_ADDRESSES])?;
    Ok(())
}
