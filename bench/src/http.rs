//! The least HTTP client there is, so that what is measured is the server: one connection, one write, one reply.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A connection that is kept open.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Opens a connection to a port of this machine.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request whose head has all but its length, and reads the whole reply.
    pub(crate) fn call(&mut self, head: &str, body: &[u8]) -> Result<Answer> {
        let mut request = Vec::with_capacity(head.len() + body.len() + 40);
        write!(request, "{head}Content-Length: {}\r\n\r\n", body.len())?;
        request.extend_from_slice(body);
        self.stream.write_all(&request)?;
        self.buffer.clear();
        let end = self.read_until(b"\r\n\r\n", 0)? + 4;
        let text = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).context("no status")?.parse()?;
        let mut length = text.lines().filter_map(|line| line.strip_prefix("content-length:"));
        if let Some(length) = length.next() {
            let length: usize = length.trim().parse()?;
            self.read_to(end + length)?;
            return Ok(Answer { status, body: self.buffer[end..end + length].to_vec() });
        }
        if text.contains("transfer-encoding: chunked") {
            return Ok(Answer { status, body: self.read_chunks(end)? });
        }
        if status == 204 {
            return Ok(Answer { status, body: Vec::new() });
        }
        bail!("a reply without a length: {text}")
    }

    fn read_chunks(&mut self, mut at: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.read_until(b"\r\n", at)?;
            let size = std::str::from_utf8(&self.buffer[at..end])?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16)?;
            let start = end + 2;
            self.read_to(start + size + 2)?;
            body.extend_from_slice(&self.buffer[start..start + size]);
            at = start + size + 2;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn read_until(&mut self, end: &[u8], from: usize) -> Result<usize> {
        loop {
            let found = self.buffer[from..].windows(end.len()).position(|window| window == end);
            if let Some(place) = found {
                return Ok(from + place);
            }
            self.read_some()?;
        }
    }

    fn read_to(&mut self, length: usize) -> Result<()> {
        while self.buffer.len() < length {
            self.read_some()?;
        }
        Ok(())
    }

    fn read_some(&mut self) -> Result<()> {
        let mut piece = [0; 16 << 10];
        let read = self.stream.read(&mut piece)?;
        if read == 0 {
            bail!("the connection was closed: {}", String::from_utf8_lossy(&self.buffer));
        }
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(())
    }
}
