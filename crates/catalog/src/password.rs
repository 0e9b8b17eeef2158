//! Passwords, as argon2id hashes.
//!
//! ```text
//! password ─ permit (a few at once) ─ argon2id, 19 MiB, two passes ─▶ $argon2id$v=19$m=19456,t=2,p=1$salt$hash
//! ```
//!
//! Hashing costs memory and time on purpose, so only a few run at once and a queue that grows is refused: guessing
//! must not take the memory that readings need. Callers hold no connection meanwhile. An unknown user costs the same
//! as a known one.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use parking_lot::{Condvar, Mutex};

use crate::error::CatalogError;

/// How many may wait for a permit; each holds a thread of the caller's.
const MOST_WAITING: usize = 64;

/// The hash of no known password, and what is verified in place of the hash that an unknown user does not have: same parameters, same work, no known password.
pub(crate) const UNKNOWN_PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3RhbmQtaW4tc2FsdA$\
                        8jXrPYvv1cJmFtoI+h0O5EMTr2ujtaGHgH1JvG4oRHs";

/// Hashes and verifies, a few at once.
#[derive(Debug)]
pub(crate) struct Passwords {
    queue: Mutex<Queue>,
    freed: Condvar,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    waiting: usize,
}

/// Leave to hash; given back when dropped.
struct Permit<'p>(&'p Passwords);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().free += 1;
        self.0.freed.notify_one();
    }
}

impl Passwords {
    /// That many at once, and at least one.
    pub(crate) fn new(at_once: usize) -> Self {
        let queue = Mutex::new(Queue { free: at_once.max(1), waiting: 0 });
        Self { queue, freed: Condvar::new() }
    }

    /// The hash to keep of a password, under a salt of its own.
    pub(crate) fn hash(&self, password: &str) -> Result<String, CatalogError> {
        let _permit = self.permit()?;
        let hash: PasswordHash =
            Argon2::default().hash_password(password.as_bytes()).map_err(failed)?;
        Ok(hash.to_string())
    }

    /// Whether this is the password that was hashed. Without a hash: no, after the same work.
    pub(crate) fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, CatalogError> {
        let _permit = self.permit()?;
        let expected = PasswordHash::new(hash.unwrap_or(UNKNOWN_PASSWORD))
            .map_err(|error| failed(error.into()))?;
        match Argon2::default().verify_password(password.as_bytes(), &expected) {
            Ok(()) => Ok(hash.is_some()),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    fn permit(&self) -> Result<Permit<'_>, CatalogError> {
        let mut queue = self.queue.lock();
        if queue.free == 0 && queue.waiting >= MOST_WAITING {
            return Err(CatalogError::Busy);
        }
        queue.waiting += 1;
        while queue.free == 0 {
            self.freed.wait(&mut queue);
        }
        queue.waiting -= 1;
        queue.free -= 1;
        Ok(Permit(self))
    }
}

fn failed(error: Error) -> CatalogError {
    CatalogError::Hash(error.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::phc::Output;

    use super::*;

    #[test]
    fn an_unknown_user_costs_the_same_work_as_a_known_one() {
        let passwords = Passwords::new(1);
        let made = passwords.hash("correct horse").expect("hashed");
        let (made, stand_in) = (PasswordHash::new(&made), PasswordHash::new(UNKNOWN_PASSWORD));
        let (made, stand_in) = (made.expect("well formed"), stand_in.expect("well formed"));
        assert_eq!(made.algorithm, stand_in.algorithm);
        assert_eq!(made.params, stand_in.params);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(Output::len);
        assert_eq!(length(&made), length(&stand_in));
        assert!(!passwords.verify("anything", None).expect("verified"));
    }

    #[test]
    fn a_hash_is_argon2id_under_a_salt_of_its_own() {
        let passwords = Passwords::new(1);
        let one = passwords.hash("correct horse").expect("hashed");
        let other = passwords.hash("correct horse").expect("hashed");
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
        assert!(passwords.verify("correct horse", Some(&one)).expect("verified"));
        assert!(!passwords.verify("correct house", Some(&one)).expect("verified"));
    }

    #[test]
    fn a_queue_that_grows_is_refused() {
        let passwords = Passwords::new(1);
        let held = passwords.permit().expect("the only permit");
        passwords.queue.lock().waiting = MOST_WAITING;
        assert!(matches!(passwords.hash("correct horse"), Err(CatalogError::Busy)));
        passwords.queue.lock().waiting = 0;
        drop(held);
        assert!(passwords.hash("correct horse").is_ok());
    }
}
