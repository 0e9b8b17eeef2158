//! A body above the limit, as sent or once unpacked, is refused early and costs no memory.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use iobeam_promises::Platform;

/// The limit that the test sets, in bytes.
const LIMIT: usize = 1_000_000;

fn resident_bytes(platform: &Platform) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", platform.pid())).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak");
    line.split_whitespace().nth(1).expect("a figure").parse::<u64>().expect("kB") * 1024
}

fn post(platform: &Platform, headers: &str, chunks: impl Iterator<Item = Vec<u8>>) -> String {
    let mut stream = TcpStream::connect(platform.address()).expect("a connection");
    write!(
        stream,
        "POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n"
    )
    .expect("the server listens");
    for chunk in chunks {
        // It may stop reading once it has seen enough.
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let mut reply = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        reply.extend_from_slice(&buffer[..read]);
        if String::from_utf8_lossy(&reply).contains("\"errors\"") {
            break;
        }
    }
    String::from_utf8(reply).expect("text")
}

#[test]
fn a_body_above_the_limit_is_413_with_the_limit_named_and_flat_memory() {
    let platform = Platform::start_with(&["--body-limit", "1000000"]);
    let account = platform.account();
    let authorization = format!("Authorization: Bearer {}\r\n", account.token);
    let before = resident_bytes(&platform);

    let announced = format!("{authorization}Content-Length: 3000000000\r\n");
    let reply = post(&platform, &announced, std::iter::empty());
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    assert!(
        reply.contains("1000000") && reply.contains("max-request-size"),
        "the limit and its setting: {reply}"
    );

    let chunked = format!("{authorization}Transfer-Encoding: chunked\r\n");
    let chunk = || [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let reply = post(&platform, &chunked, std::iter::repeat_with(chunk).take(2000));
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");

    for encoding in ["gzip", "zstd", "deflate"] {
        let bomb = bomb(encoding);
        assert!(bomb.len() < LIMIT, "the bomb is small as sent: {}", bomb.len());
        let headers = format!(
            "{authorization}Content-Encoding: {encoding}\r\nContent-Length: {}\r\n",
            bomb.len()
        );
        let reply = post(&platform, &headers, std::iter::once(bomb));
        assert!(reply.starts_with("HTTP/1.1 413 "), "{encoding}: {reply}");
    }

    // What was resident before may have been given back in the meantime.
    let grown = resident_bytes(&platform).saturating_sub(before);
    assert!(grown < 100 << 20, "{grown} bytes more for bodies that were refused");
    assert!(platform.rows(&account).1.is_empty());
}

/// 400 MB of blanks, packed.
fn bomb(encoding: &str) -> Vec<u8> {
    let code = "import sys,zlib,gzip\n\
        e=sys.argv[1]\n\
        w=zlib.compressobj(9,zlib.DEFLATED,31 if e=='gzip' else 15)\n\
        b=b' '*1000000\n\
        sys.stdout.buffer.write(b''.join(w.compress(b) for _ in range(400))+w.flush())";
    if encoding == "zstd" {
        return zstd_bomb();
    }
    let output = std::process::Command::new("python3")
        .args(["-c", code, encoding])
        .output()
        .expect("python");
    assert!(output.status.success());
    output.stdout
}

/// A zstd frame of run-length blocks, written by hand: 3 header bytes and one byte stand for 128 KiB each.
fn zstd_bomb() -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    // No content size, a window of 128 KiB.
    frame.extend([0x00, 0x38]);
    let blocks = 3200_u32;
    for block in 0..blocks {
        let last = u32::from(block == blocks - 1);
        let header = last | 1 << 1 | (128 << 10) << 3;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}
