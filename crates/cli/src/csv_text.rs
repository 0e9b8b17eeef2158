//! CSV text cut into records and cells, each with its line and whether it was quoted.
//!
//! ```text
//! 3,"a ""b"""," x ",,""      ─▶  3 │ a "b" │ ␣x␣ │ (nothing) │ (empty text)
//! ```
//!
//! - Cells in quotes are taken as they are; others are trimmed. So `""` is the empty text and an empty cell is no value.
//! - A line ends with a line feed, a carriage return or both; empty lines, and those that begin with the comment sign, are
//!   left out.

use std::io::{BufRead, BufReader, Read};

use anyhow::Result;

use crate::failure::Failure;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;
/// Bytes that one record may have: beyond them a quote is missing, not a cell long.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// Which bytes mean something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// Between two cells.
    pub(crate) delimiter: u8,
    /// Begins a line that is left out.
    pub(crate) comment: Option<u8>,
}

/// One record: the cells between two line ends.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    text: String,
    cells: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    quoted: bool,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell<'a> {
    /// Its text; without the blanks around it if it was not quoted.
    pub(crate) text: &'a str,
    /// Whether it was in quotes.
    pub(crate) quoted: bool,
}

impl Cell<'_> {
    /// Whether nothing was written: not even quotes.
    pub(crate) fn is_missing(&self) -> bool {
        self.text.is_empty() && !self.quoted
    }
}

impl Record {
    /// How many cells it has.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The cell at a position; a missing one where there is none.
    pub(crate) fn cell(&self, at: usize) -> Cell<'_> {
        let Some(span) = self.cells.get(at) else { return Cell { text: "", quoted: false } };
        let text = &self.text[span.start..span.end];
        Cell { text: if span.quoted { text } else { text.trim() }, quoted: span.quoted }
    }

    /// The cells in their order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.len()).map(|at| self.cell(at))
    }
}

impl Cell<'_> {
    /// Writes the cell as it was: in quotes if it had some.
    pub(crate) fn write(&self, out: &mut String) {
        if self.quoted {
            out.push('"');
            out.push_str(&self.text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(self.text);
        }
    }
}

/// Where the lexer is within a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell, where a quote would open it.
    Start,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: another one is a quote, anything else ends the cell.
    Closing,
    Comment,
}

/// Text that is being cut.
pub(crate) struct Lexer {
    source: BufReader<Box<dyn Read>>,
    syntax: Syntax,
    line: u64,
    /// The last line ended with a carriage return; a line feed now belongs to it.
    after_return: bool,
}

impl Lexer {
    /// Begins with the first line.
    pub(crate) fn new(source: Box<dyn Read>, syntax: Syntax) -> Self {
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        Self { source, syntax, line: 1, after_return: false }
    }

    /// Leaves out so many lines, whatever they hold.
    pub(crate) fn skip_lines(&mut self, lines: u64) -> Result<()> {
        let mut left = lines;
        while left > 0 {
            let buffer = self.source.fill_buf().map_err(|error| unreadable(&error))?;
            let mut used = 0;
            for &byte in buffer {
                used += 1;
                if std::mem::take(&mut self.after_return) && byte == b'\n' {
                    continue;
                }
                if matches!(byte, b'\n' | b'\r') {
                    self.after_return = byte == b'\r';
                    self.line += 1;
                    left -= 1;
                    break;
                }
            }
            if used == 0 {
                return Ok(());
            }
            self.source.consume(used);
        }
        Ok(())
    }

    /// Reads the next record; false at the end.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool> {
        loop {
            if !self.read_any(record)? {
                return Ok(false);
            }
            if record.len() > 1 || !record.cell(0).is_missing() {
                return Ok(true);
            }
        }
    }

    /// Reads a record, or an empty line or a comment as a record without text.
    fn read_any(&mut self, record: &mut Record) -> Result<bool> {
        let mut bytes = std::mem::take(&mut record.text).into_bytes();
        bytes.clear();
        record.cells.clear();
        record.line = self.line;
        let mut cutter = Cutter { bytes, start: 0, state: State::Start, quoted: false };
        loop {
            let buffer = self.source.fill_buf().map_err(|error| unreadable(&error))?;
            if buffer.is_empty() {
                return finish(cutter, record);
            }
            let mut used = 0;
            let mut ended = false;
            while let Some(&byte) = buffer.get(used) {
                // Most bytes are of cells: those are taken in one go.
                let run = cutter.run(&buffer[used..], self.syntax.delimiter);
                if run > 0 {
                    self.after_return = false;
                    cutter.bytes.extend_from_slice(&buffer[used..used + run]);
                    used += run;
                    continue;
                }
                used += 1;
                if std::mem::take(&mut self.after_return) && byte == b'\n' {
                    continue;
                }
                let is_end = matches!(byte, b'\n' | b'\r');
                if is_end {
                    self.line += u64::from(cutter.state != State::Quoted || byte == b'\n');
                }
                if is_end && cutter.state != State::Quoted {
                    self.after_return = byte == b'\r';
                    ended = true;
                    break;
                }
                cutter.push(byte, self.syntax, &mut record.cells, record.line)?;
            }
            self.source.consume(used);
            if ended {
                cutter.end_cell(&mut record.cells);
                record.text = text(cutter.bytes, record.line)?;
                return Ok(true);
            }
            if cutter.bytes.len() > MAX_RECORD_BYTES {
                return Err(unclosed(record.line).into());
            }
        }
    }
}

/// The record that is being read.
struct Cutter {
    bytes: Vec<u8>,
    /// Where the cell begins.
    start: usize,
    state: State,
    quoted: bool,
}

impl Cutter {
    /// How many of the next bytes are text of the cell, whatever follows.
    fn run(&self, next: &[u8], delimiter: u8) -> usize {
        let is_special = |byte: &u8| match self.state {
            State::Plain => *byte == delimiter || matches!(byte, b'\n' | b'\r'),
            State::Quoted => matches!(byte, b'"' | b'\n' | b'\r'),
            State::Start | State::Closing | State::Comment => true,
        };
        next.iter().position(is_special).unwrap_or(next.len())
    }

    fn push(&mut self, byte: u8, syntax: Syntax, cells: &mut Vec<Span>, line: u64) -> Result<()> {
        match self.state {
            State::Comment => {}
            State::Quoted if byte == b'"' => self.state = State::Closing,
            State::Quoted => self.bytes.push(byte),
            State::Closing if byte == b'"' => {
                self.bytes.push(byte);
                self.state = State::Quoted;
            }
            _ if byte == syntax.delimiter => self.end_cell(cells),
            State::Closing if byte.is_ascii_whitespace() => {}
            State::Closing => {
                let cell = cells.len() + 1;
                let message = format!(
                    "line {line}, cell {cell}: there is more text behind the closing quote"
                );
                let remedy =
                    "write a quote inside a cell twice (\"\"), or name another --delimiter";
                return Err(Failure::new(message).remedy(remedy).into());
            }
            State::Start if byte == b'"' => {
                self.bytes.truncate(self.start);
                self.quoted = true;
                self.state = State::Quoted;
            }
            State::Start if Some(byte) == syntax.comment && cells.is_empty() => {
                self.bytes.clear();
                self.state = State::Comment;
            }
            State::Start if matches!(byte, b' ' | b'\t') => self.bytes.push(byte),
            State::Start | State::Plain => {
                self.bytes.push(byte);
                self.state = State::Plain;
            }
        }
        Ok(())
    }

    fn end_cell(&mut self, cells: &mut Vec<Span>) {
        cells.push(Span { start: self.start, end: self.bytes.len(), quoted: self.quoted });
        self.start = self.bytes.len();
        self.quoted = false;
        self.state = State::Start;
    }
}

/// Ends the last record; false when there is none.
fn finish(mut cutter: Cutter, record: &mut Record) -> Result<bool> {
    if cutter.state == State::Quoted {
        return Err(unclosed(record.line).into());
    }
    if cutter.bytes.is_empty() && record.cells.is_empty() && cutter.state != State::Closing {
        return Ok(false);
    }
    cutter.end_cell(&mut record.cells);
    record.text = text(cutter.bytes, record.line)?;
    Ok(true)
}

fn text(bytes: Vec<u8>, line: u64) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(format!("line {line} is not UTF-8"))
            .remedy("name the file's encoding: --encoding cp1252 (Windows), latin-1 or utf-16")
            .into()
    })
}

fn unclosed(line: u64) -> Failure {
    Failure::new(format!("a quoted cell that begins on line {line} or after it is never closed"))
        .remedy("close it, or write a quote inside a cell twice (\"\")")
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot read the file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(u64, Vec<(String, bool)>)> {
        let syntax = Syntax { delimiter: b',', comment: Some(b'#') };
        let source: Box<dyn Read> = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut lexer = Lexer::new(source, syntax);
        let mut record = Record::default();
        let mut all = Vec::new();
        while lexer.read(&mut record).expect("sound") {
            let cells = record.cells().map(|cell| (cell.text.to_owned(), cell.quoted));
            all.push((record.line, cells.collect()));
        }
        all
    }

    fn cells(line: &str) -> String {
        let written = |(text, quoted): &(String, bool)| {
            if *quoted { format!("{text:?}") } else { text.clone() }
        };
        cut(line)[0].1.iter().map(written).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn quoted_text_is_taken_as_it_is_and_other_text_is_trimmed() {
        assert_eq!(cells("1, x ,\" x \",,\"\"\n"), "1|x|\" x \"||\"\"");
        assert_eq!(cells("a, \"b\" ,\"c\"\"d\"\n"), "a|\"b\"|\"c\\\"d\"");
        assert_eq!(cells("a\"b,c"), "a\"b|c");
        assert_eq!(cells("\"\"\"\",\"a\nb\""), "\"\\\"\"|\"a\\nb\"");
    }

    #[test]
    fn each_kind_of_line_end_counts_as_one_line() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a", "", "# note", "\"b", "c\"", "d"].join(end);
            let lines: Vec<u64> = cut(&text).iter().map(|(line, _)| *line).collect();
            let expected = if end == "\r" { vec![1, 4, 5] } else { vec![1, 4, 6] };
            assert_eq!(lines, expected, "{end:?}");
        }
    }

    #[test]
    fn lines_are_left_out_before_and_between_records() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["\"not, CSV", "a,b", "units", "more", "1,2"].join(end);
            let syntax = Syntax { delimiter: b',', comment: None };
            let mut lexer = Lexer::new(Box::new(std::io::Cursor::new(text.into_bytes())), syntax);
            let mut record = Record::default();
            lexer.skip_lines(1).expect("skipped");
            assert!(lexer.read(&mut record).expect("sound"));
            assert_eq!((record.line, record.cell(1).text), (2, "b"), "{end:?}");
            lexer.skip_lines(2).expect("skipped");
            assert!(lexer.read(&mut record).expect("sound"));
            assert_eq!((record.line, record.cell(1).text), (5, "2"), "{end:?}");
            lexer.skip_lines(3).expect("nothing is left");
        }
    }

    #[test]
    fn what_is_not_csv_is_refused_with_its_line() {
        let fail = |bytes: &[u8]| {
            let syntax = Syntax { delimiter: b',', comment: None };
            let mut lexer = Lexer::new(Box::new(std::io::Cursor::new(bytes.to_vec())), syntax);
            let mut record = Record::default();
            loop {
                match lexer.read(&mut record) {
                    Ok(true) => {}
                    Ok(false) => panic!("no refusal"),
                    Err(error) => return error.to_string(),
                }
            }
        };
        assert_eq!(
            fail(b"a\n\"b\"c\n"),
            "line 2, cell 1: there is more text behind the closing quote"
        );
        assert!(fail(b"a\n\"b\n").starts_with("a quoted cell that begins on line 2"));
        assert_eq!(fail(b"a\n\xfc\n"), "line 2 is not UTF-8");
    }
}
