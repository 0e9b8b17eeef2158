//! Bodies over many connections at once, each body when the one before it on that connection was acknowledged.
//!
//! Up to sixteen connections have a thread each. More than that share one for each core: a thread for every reply to be
//! woken would measure how well the machine changes threads. A protocol whose acknowledgement takes several turns
//! keeps its threads.

use std::slice::Iter;
use std::time::{Duration, Instant};

use anyhow::Result;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::Bodies;
use crate::clock::{Deadline, now};
use crate::peers::{Running, Sender};

/// Most connections that have a thread each.
const ALONE: usize = 16;

/// Sends until the time is up or there are no more bodies; says how long that took, and how long each body did.
pub(super) fn send_all(
    running: &dyn Running,
    bodies: &Bodies,
    time: Duration,
) -> Result<(f64, Vec<Duration>)> {
    let lanes = bodies.iter().map(|bodies| {
        running.connect().map(|sender| Lane { sender, bodies: bodies.iter(), waiting: None })
    });
    let mut lanes = lanes.collect::<Result<Vec<_>>>()?;
    let together = lanes.len() > ALONE && lanes.iter().all(|lane| lane.sender.socket().is_some());
    let threads = if together { std::thread::available_parallelism()?.get() } else { lanes.len() };
    let each = lanes.len().div_ceil(threads);
    let (began, deadline) = (now(), Deadline::after(time));
    let latencies = std::thread::scope(|scope| {
        let work: Vec<_> = lanes
            .chunks_mut(each)
            .map(|lanes| scope.spawn(move || drive(lanes, deadline)))
            .collect();
        work.into_iter()
            .map(|thread| thread.join().expect("no sender panicked"))
            .collect::<Result<Vec<_>>>()
    })?;
    Ok((began.elapsed().as_secs_f64(), latencies.concat()))
}

/// A connection, and what goes over it.
struct Lane<'a> {
    sender: Box<dyn Sender>,
    bodies: Iter<'a, Vec<u8>>,
    /// What was sent and is not acknowledged, and when that was.
    waiting: Option<(&'a [u8], Instant)>,
}

impl Lane<'_> {
    /// Sends the next body, if there is one and time for it.
    fn begin(&mut self, deadline: Deadline) -> Result<()> {
        if let Some(body) = (!deadline.passed()).then(|| self.bodies.next()).flatten() {
            self.waiting = Some((body, now()));
            self.sender.begin(body)?;
        }
        Ok(())
    }

    /// Waits for the acknowledgement.
    fn finish(&mut self) -> Result<Option<Duration>> {
        let Some((body, began)) = self.waiting.take() else { return Ok(None) };
        self.sender.finish(body)?;
        Ok(Some(began.elapsed()))
    }
}

/// One thread's connections, to the end.
fn drive(lanes: &mut [Lane<'_>], deadline: Deadline) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for lane in &mut *lanes {
        lane.begin(deadline)?;
    }
    if let [lane] = lanes {
        while let Some(latency) = lane.finish()? {
            latencies.push(latency);
            lane.begin(deadline)?;
        }
        return Ok(latencies);
    }
    let mut poll = Poll::new()?;
    for (place, lane) in lanes.iter().enumerate() {
        if let Some(socket) = lane.sender.socket() {
            poll.registry().register(&mut SourceFd(&socket), Token(place), Interest::READABLE)?;
        }
    }
    let mut events = Events::with_capacity(lanes.len());
    while lanes.iter().any(|lane| lane.waiting.is_some()) {
        poll.poll(&mut events, None)?;
        for event in &events {
            let lane = &mut lanes[event.token().0];
            latencies.extend(lane.finish()?);
            lane.begin(deadline)?;
        }
    }
    Ok(latencies)
}
