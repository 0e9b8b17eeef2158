//! What stands between the command and the server: it can be cut, and counts what goes by.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Passes on what comes, as long as it is open.
pub(super) struct Forwarder {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    lookups: AtomicUsize,
    refused: AtomicUsize,
    /// The second import is broken off, and others until the server was asked so often what it knows.
    held_until: AtomicUsize,
    imports: AtomicUsize,
}

impl Forwarder {
    /// One to the server of this address.
    pub(super) fn to(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_cut.load(Ordering::SeqCst) {
                    shared.refused.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let ends = |from: &TcpStream, to: &TcpStream| {
                    (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"))
                };
                for ((from, to), counts) in
                    [(ends(&client, &server), true), (ends(&server, &client), false)]
                {
                    let state = Arc::clone(&shared);
                    thread::spawn(move || pass(from, to, &state, counts));
                }
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Passes nothing on any more, or everything again.
    pub(super) fn cut(&self, is_cut: bool) {
        self.state.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// Lets one import by and breaks the second one off, and others until the server was asked that often what it knows.
    pub(super) fn hold_imports(&self, lookups: usize) {
        self.state.held_until.store(lookups, Ordering::SeqCst);
    }

    /// How many connections came while it was cut, or imports while they were held.
    pub(super) fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    /// How often the server was asked what it knows.
    pub(super) fn lookups(&self) -> usize {
        self.state.lookups.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &State, counts: bool) {
    const LOOKUP: &[u8] = b"POST /v1/imports/known";
    const IMPORT: &[u8] = b"POST /v1/imports ";
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if state.is_cut.load(Ordering::SeqCst) {
            break;
        }
        // Each request begins with a write of its own.
        if counts && bytes[..length].starts_with(LOOKUP) {
            state.lookups.fetch_add(1, Ordering::SeqCst);
        }
        if counts && bytes[..length].starts_with(IMPORT) {
            let before = state.imports.fetch_add(1, Ordering::SeqCst);
            let until = state.held_until.load(Ordering::SeqCst);
            let is_waiting = state.lookups.load(Ordering::SeqCst) < until;
            if until > 0 && (before == 1 || before > 1 && is_waiting) {
                state.refused.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}
