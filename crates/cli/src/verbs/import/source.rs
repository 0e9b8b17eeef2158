//! Where CSV comes from: a file or standard input, unpacked, and as UTF-8.
//!
//! ```text
//! file ────────────────┐
//! pipe ─▶ spooled file ┴─▶ gzip │ zstd │ plain (by the first bytes) ─▶ UTF-8 (byte order mark, --encoding) ─▶ lexer
//! ```
//!
//! A file is read twice: once to check all of it, once to send it. So a pipe is first written to a temporary file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use anyhow::{Context, Result};
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::failure::Failure;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZIP: &[u8] = b"PK\x03\x04";
/// Bytes decoded at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Text that can be read as often as it is needed.
pub(super) struct Source {
    file: File,
    encoding: Option<&'static Encoding>,
}

/// Reads the name of an encoding.
///
/// # Errors
/// When it is unknown.
pub(super) fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let known = match name.to_ascii_lowercase().as_str() {
        "utf-8-sig" | "utf8-sig" => Some(UTF_8),
        "latin-1" => Encoding::for_label(b"latin1"),
        "utf-16" => Some(UTF_16LE),
        other => Encoding::for_label(other.as_bytes()),
    };
    known.ok_or_else(|| {
        String::from("use utf-8, utf-16, latin-1, cp1252 or another name of the web's encodings")
    })
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(name: &str, encoding: Option<&'static Encoding>) -> Result<Self> {
        let file = if name == "-" {
            spooled(&mut io::stdin().lock()).context("cannot read standard input")?
        } else {
            let mut file = File::open(name).with_context(|| format!("cannot read {name}"))?;
            let is_file = file.metadata().is_ok_and(|meta| meta.is_file());
            if is_file {
                file
            } else {
                spooled(&mut file).with_context(|| format!("cannot read {name}"))?
            }
        };
        Ok(Self { file, encoding })
    }

    /// How many bytes the file has, packed as it is.
    pub(super) fn bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len())
    }

    /// The text from its beginning. `watched` sees the bytes of the file go by.
    pub(super) fn text(
        &self,
        watched: impl FnOnce(Box<dyn Read>) -> Box<dyn Read>,
    ) -> Result<Box<dyn Read>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        decoded(watched(Box::new(file)), self.encoding)
    }
}

/// Bytes as UTF-8 text: unpacked, and without their byte order mark.
pub(super) fn decoded(
    raw: Box<dyn Read>,
    encoding: Option<&'static Encoding>,
) -> Result<Box<dyn Read>> {
    let (head, raw) = peeked(raw, 4)?;
    let plain: Box<dyn Read> = if head.starts_with(GZIP) {
        Box::new(flate2::read::MultiGzDecoder::new(raw))
    } else if head.starts_with(ZSTD) {
        Box::new(zstd::stream::read::Decoder::new(raw)?)
    } else if head.starts_with(ZIP) {
        return Err(Failure::usage("the file is a ZIP archive or an Excel workbook, not CSV")
            .remedy("unpack it, or save the sheet as CSV (UTF-8)")
            .into());
    } else {
        raw
    };
    let (head, plain) = peeked(plain, 3)?;
    let (marked, mark) = Encoding::for_bom(&head).map_or((None, 0), |(it, mark)| (Some(it), mark));
    let used = marked.or(encoding).unwrap_or(UTF_8);
    let mut plain = plain;
    io::copy(&mut plain.by_ref().take(mark as u64), &mut io::sink())?;
    if used == UTF_8 {
        return Ok(plain);
    }
    Ok(Box::new(Decoding::new(plain, used)))
}

fn spooled(from: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(from, &mut file)?;
    Ok(file)
}

/// The first bytes, and a reader that still begins with them.
fn peeked(mut from: Box<dyn Read>, most: u64) -> Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    from.by_ref().take(most).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(io::Cursor::new(head).chain(from))))
}

/// Bytes of another encoding, read as UTF-8.
struct Decoding {
    from: Box<dyn Read>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    rest: std::ops::Range<usize>,
    is_at_end: bool,
    text: Vec<u8>,
    /// What of `text` was given away.
    given: usize,
}

impl Decoding {
    fn new(from: Box<dyn Read>, encoding: &'static Encoding) -> Self {
        let decoder = match encoding {
            it if it == UTF_16LE || it == UTF_16BE => it.new_decoder_without_bom_handling(),
            it => it.new_decoder_with_bom_removal(),
        };
        let raw = vec![0; CHUNK_BYTES];
        Self { from, decoder, raw, rest: 0..0, is_at_end: false, text: Vec::new(), given: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.rest.is_empty() {
            let read = self.from.read(&mut self.raw)?;
            self.rest = 0..read;
            self.is_at_end = read == 0;
        }
        let mut text = vec![0; CHUNK_BYTES * 3];
        let raw = &self.raw[self.rest.clone()];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(raw, &mut text, self.is_at_end);
        self.rest.start += read;
        text.truncate(written);
        (self.text, self.given) = (text, 0);
        match result {
            DecoderResult::Malformed(..) => {
                let name = self.decoder.encoding().name();
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is not {name} text")))
            }
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
        }
    }
}

impl Read for Decoding {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !(self.is_at_end && self.rest.is_empty()) {
            self.fill()?;
        }
        let left = &self.text[self.given..];
        let length = left.len().min(into.len());
        into[..length].copy_from_slice(&left[..length]);
        self.given += length;
        Ok(length)
    }
}

/// The text in an encoding, for tests.
#[cfg(test)]
pub(super) fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    if encoding == UTF_16LE {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    encoding.encode(text).0.into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8], name: Option<&str>) -> Result<String> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        let encoding = name.map(|name| encoding(name).expect("known"));
        let source = Source::open(file.path().to_str().expect("a path"), encoding)?;
        let mut text = String::new();
        for _ in 0..2 {
            text.clear();
            source.text(|it| it)?.read_to_string(&mut text)?;
        }
        Ok(text)
    }

    #[test]
    fn text_is_read_in_its_encoding_and_without_its_mark() {
        let text = "time,Wärme °C\n1,2\n".repeat(10_000);
        assert_eq!(read(text.as_bytes(), None).expect("UTF-8"), text);
        assert_eq!(read(format!("\u{feff}{text}").as_bytes(), None).expect("marked"), text);
        let cp1252 = encoded(&text, encoding("cp1252").expect("known"));
        assert_eq!(read(&cp1252, Some("latin-1")).expect("cp1252"), text);
        let utf16 = encoded(&text, UTF_16LE);
        assert_eq!(read(&utf16, Some("utf-16")).expect("UTF-16"), text);
        assert_eq!(read(&[&[0xff, 0xfe][..], &utf16].concat(), None).expect("marked"), text);
        assert!(read(&utf16[..5], Some("utf-16")).is_err(), "cut in the middle of a character");
        assert!(encoding("klingon").is_err());
    }

    #[test]
    fn packed_files_are_known_by_their_first_bytes() {
        let text = "time,a\n1,2\n".repeat(1000);
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).expect("packed");
        assert_eq!(read(&packer.finish().expect("packed"), None).expect("gzip"), text);
        let frame = zstd::encode_all(text.as_bytes(), 1).expect("packed");
        assert_eq!(read(&frame, None).expect("zstd"), text);
        let refused = read(b"PK\x03\x04rest", None).expect_err("refused").to_string();
        assert!(refused.contains("Excel"), "{refused}");
        assert_eq!(read(b"", None).expect("empty"), "");
    }
}
