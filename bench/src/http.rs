//! The least HTTP client there is, so that what is measured is the server: one connection, one write, one reply.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// A connection that is kept open.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read and belongs to no reply yet.
    buffer: Vec<u8>,
    piece: Vec<u8>,
}

/// A reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body, if the status is the one that is right.
    pub(crate) fn expect(self, status: u16) -> Result<Vec<u8>> {
        let told = String::from_utf8_lossy(&self.body[..self.body.len().min(500)]);
        ensure!(self.status == status, "{}: {told}", self.status);
        Ok(self.body)
    }
}

impl Connection {
    /// Opens a connection to a port of this machine; no reply may be silent for longer than that.
    pub(crate) fn open_for(port: u16, silence: Duration) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(silence))?;
        Ok(Self { stream, buffer: Vec::new(), piece: vec![0; 64 << 10] })
    }

    /// Opens a connection to a port of this machine.
    pub(crate) fn open(port: u16) -> Result<Self> {
        Self::open_for(port, Duration::from_mins(2))
    }

    /// Sends a request whose head has all but its length, and reads the whole reply.
    pub(crate) fn call(&mut self, head: &str, body: &[u8]) -> Result<Answer> {
        self.send(head, body)?;
        self.reply()
    }

    /// Reads the whole reply to what was sent.
    pub(crate) fn reply(&mut self) -> Result<Answer> {
        self.buffer.clear();
        let end = self.read_until(b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        self.buffer.drain(..end);
        let status = text.split(' ').nth(1).context("no status")?.parse()?;
        let mut length = text.lines().filter_map(|line| line.strip_prefix("content-length:"));
        if let Some(length) = length.next() {
            let body = self.take(length.trim().parse()?)?;
            return Ok(Answer { status, body });
        }
        if text.contains("transfer-encoding: chunked") {
            return Ok(Answer { status, body: self.read_chunks()? });
        }
        if status == 204 {
            return Ok(Answer { status, body: Vec::new() });
        }
        bail!("a reply without a length: {text}")
    }

    /// The same, for which only one status is right.
    pub(crate) fn expect(&mut self, status: u16, head: &str, body: &[u8]) -> Result<Vec<u8>> {
        self.call(head, body)?.expect(status)
    }

    /// Where it can be waited for that a reply comes.
    pub(crate) fn socket(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// Sends a request whose head has all but its length.
    pub(crate) fn send(&mut self, head: &str, body: &[u8]) -> Result<()> {
        let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
        let both = [IoSlice::new(head.as_bytes()), IoSlice::new(body)];
        let sent = match self.stream.write_vectored(&both) {
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            sent => sent?,
        };
        let of_body = sent.saturating_sub(head.len());
        if sent < head.len() {
            self.stream.write_all(&head.as_bytes()[sent..])?;
        }
        Ok(self.stream.write_all(&body[of_body..])?)
    }

    fn read_chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = self.read_until(b"\r\n")?;
            let size = std::str::from_utf8(&self.buffer[..end])?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or(size).trim(), 16)?;
            self.buffer.drain(..end + 2);
            while self.buffer.len() < size + 2 {
                self.read_some()?;
            }
            body.extend_from_slice(&self.buffer[..size]);
            self.buffer.drain(..size + 2);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// So many bytes, straight to where they are wanted.
    fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        let ready = self.buffer.len().min(length);
        let mut body = vec![0; length];
        body[..ready].copy_from_slice(&self.buffer[..ready]);
        self.buffer.drain(..ready);
        self.stream.read_exact(&mut body[ready..])?;
        Ok(body)
    }

    fn read_until(&mut self, end: &[u8]) -> Result<usize> {
        loop {
            let found = self.buffer.windows(end.len()).position(|window| window == end);
            if let Some(place) = found {
                return Ok(place);
            }
            self.read_some()?;
        }
    }

    fn read_some(&mut self) -> Result<()> {
        let read = loop {
            match self.stream.read(&mut self.piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read == 0 {
            bail!("the connection was closed: {}", String::from_utf8_lossy(&self.buffer));
        }
        self.buffer.extend_from_slice(&self.piece[..read]);
        Ok(())
    }
}

/// A text as it stands in a URL.
pub(crate) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut url = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            url.push(byte as char);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}
