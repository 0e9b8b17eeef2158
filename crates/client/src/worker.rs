//! The thread that sends without being told.
//!
//! ```text
//! every so often, or when enough rows wait ─▶ flush ─▶ send until nothing waits
//!                                               └ did not work: back off, but go on flushing
//! ```
//!
//! It never gives up, and ends within moments of being told to, or when its client is gone.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::sender::Sender;
use crate::settings::AutoSend;
use crate::signal::Signal;

/// Rows do not wait longer than this, however few they are.
const LEAST_OFTEN: Duration = Duration::from_mins(1);

/// A handle to the thread.
#[derive(Debug)]
pub(crate) struct Worker {
    signal: Arc<Signal>,
}

impl Worker {
    pub(crate) fn start(sender: Arc<Sender>, when: AutoSend) -> Result<Self, Error> {
        let signal = Arc::clone(&sender.outbox.signal);
        let every = match when {
            AutoSend::Every(every) => every.max(Duration::from_millis(1)),
            AutoSend::Rows(_) => LEAST_OFTEN,
        };
        let leaving = Leaving(Arc::clone(&signal));
        let work = move || {
            let _leaving = leaving;
            run(&sender, every);
        };
        let thread = thread::Builder::new().name("iobeam".to_owned()).spawn(work);
        thread.map_err(|source| Error::file("start a thread for", "sending".as_ref(), source))?;
        Ok(Self { signal })
    }

    /// Tells the thread to end, and waits for that, but not longer than `most`. Says whether it ended.
    pub(crate) fn stop(&self, most: Duration) -> bool {
        self.signal.stop();
        self.signal.wait_gone(most)
    }
}

/// Says that the thread is gone, however it went.
struct Leaving(Arc<Signal>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leave();
    }
}

fn run(sender: &Sender, every: Duration) {
    let outbox = &sender.outbox;
    let mut backoff = sender.backoff();
    let mut not_before = Duration::ZERO;
    loop {
        let now = outbox.clock.monotonic();
        let rest = not_before.saturating_sub(now);
        let pause = if rest.is_zero() { every } else { rest.min(every) };
        if outbox.signal.pause(pause) {
            return;
        }
        if let Err(error) = outbox.flush() {
            outbox.failed(&error);
        }
        if outbox.clock.monotonic() < not_before {
            continue;
        }
        match sender.drain(None) {
            Ok(_) => backoff.reset(),
            Err((rows, error)) => {
                outbox.failed(&error);
                if rows > 0 {
                    backoff.reset();
                }
                let asked = match &error {
                    Error::Busy { retry_after, .. } => *retry_after,
                    _ => None,
                };
                not_before = outbox.clock.monotonic() + sender.wait(&mut backoff, asked);
            }
        }
    }
}
