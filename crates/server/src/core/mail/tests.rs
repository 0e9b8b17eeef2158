//! Letters in the outbox, and letters to a mail server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use iobeam_model::{SystemClock, Timestamp};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::outbox::KEPT;
use super::*;

fn letter() -> Email {
    Email { to: "a@x.org".to_owned(), purpose: EmailKind::Reset, key: "s3cr3t-k3y".to_owned() }
}

fn mail(outbox: &Path, server: Option<&str>) -> Mail {
    let server = server.map(|url| url.parse::<url::Url>().expect("a URL"));
    let clock = Arc::new(SystemClock::new());
    Mail::open(server.as_ref(), "iobeam@localhost", None, outbox, clock).expect("opens")
}

fn letters(outbox: &Path) -> Vec<PathBuf> {
    fs::read_dir(outbox).expect("a folder").map(|entry| entry.expect("entry").path()).collect()
}

#[tokio::test]
async fn without_a_mail_server_a_letter_is_a_file_that_only_its_owner_can_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let outbox = folder.path().join("outbox");
    let mail = mail(&outbox, None);
    mail.send(letter()).await;
    mail.send(letter()).await;
    let files = letters(&outbox);
    assert_eq!(files.len(), 2);
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(text.contains("To: a@x.org"), "{text}");
        assert!(text.contains("    s3cr3t-k3y\r\n"), "{text}");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&outbox).expect("there").permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_mail_server_that_is_away_costs_no_letter() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    mail(folder.path(), Some(&format!("smtp://127.0.0.1:{port}"))).send(letter()).await;
    assert_eq!(letters(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_mail_server_gets_the_letter_and_the_outbox_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let server = tokio::spawn(take_one_letter(listener));
    mail(folder.path(), Some(&format!("smtp://127.0.0.1:{port}"))).send(letter()).await;
    let text = server.await.expect("served");
    assert!(text.contains("s3cr3t-k3y"), "{text}");
    assert_eq!(letters(folder.path()).len(), 0);
}

/// As much of a mail server as a letter needs.
async fn take_one_letter(listener: TcpListener) -> String {
    let (stream, _) = listener.accept().await.expect("a client");
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await.expect("sent");
    let (mut text, mut in_letter) = (String::new(), false);
    while let Some(line) = lines.next_line().await.expect("a line") {
        let reply: &[u8] = match line.as_str() {
            "." if in_letter => {
                in_letter = false;
                b"250 taken\r\n"
            }
            _ if in_letter => {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            "DATA" => {
                in_letter = true;
                b"354 go on\r\n"
            }
            "QUIT" => break,
            _ => b"250 ok\r\n",
        };
        write.write_all(reply).await.expect("sent");
        if !text.is_empty() {
            break;
        }
    }
    text
}

#[test]
fn the_outbox_keeps_the_newest_letters() {
    let folder = tempfile::tempdir().expect("a folder");
    for n in 0..KEPT + 3 {
        let name = format!("20200101T000000-{n:04}-reset.eml");
        fs::write(folder.path().join(name), b"old").expect("written");
    }
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    let newest = Outbox::open(folder.path()).keep(now, "reset", b"new").expect("kept");
    assert_eq!(letters(folder.path()).len(), KEPT);
    assert_eq!(fs::read(newest).expect("there"), b"new");
    assert!(!folder.path().join("20200101T000000-0003-reset.eml").exists());
    assert!(folder.path().join("20200101T000000-0004-reset.eml").exists());
}

#[test]
fn a_letter_has_its_name_once_all_of_it_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = folder.path().join("20260101T120000-0001-reset.part");
    fs::write(&left, b"hal").expect("written");
    let outbox = Outbox::open(folder.path());
    assert!(!left.exists(), "what another process left is still there");
    let letter = vec![b'x'; 1 << 20];
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| outbox.keep(now, "reset", &letter))).collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let named = letters(folder.path());
            for path in named.iter().filter(|path| path.extension() == Some("eml".as_ref())) {
                assert_eq!(fs::read(path).expect("there").len(), letter.len());
            }
        }
        let paths = writers.into_iter().map(|writer| writer.join().expect("done").expect("kept"));
        assert_eq!(paths.collect::<std::collections::BTreeSet<_>>().len(), 4);
    });
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 4);
}

#[test]
fn the_key_is_not_in_the_debug_text() {
    assert!(!format!("{:?}", letter()).contains("s3cr3t"));
}
