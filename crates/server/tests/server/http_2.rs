//! HTTP/2 over TLS: the same replies, and the same deadlines.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request, StatusCode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::running::{Account, Server};

const TLS: [(&str, &str); 2] = [("tls-listen", "127.0.0.1:0"), ("tls-self-signed", "true")];

/// A connection of a client that speaks HTTP/2, and how it ends.
struct Connection {
    send: SendRequest<Bytes>,
    ended: JoinHandle<Result<(), h2::Error>>,
}

async fn connect(
    server: &Server,
    protocols: &[&[u8]],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let certificate =
        CertificateDer::from_pem_file(server.data().join("tls/cert.pem")).expect("made");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let socket = TcpStream::connect(server.tls_address.expect("it speaks TLS")).await;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(name, socket.expect("it listens")).await.expect("a handshake")
}

impl Connection {
    async fn to(server: &Server) -> Self {
        let stream = connect(server, &[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (send, connection) = h2::client::handshake(stream).await.expect("a handshake");
        Self { send, ended: tokio::spawn(connection) }
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        token: &str,
        body: &str,
    ) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(())
            .expect("a request");
        let mut send = self.send.clone().ready().await.expect("an open connection");
        let (response, mut stream) = send.send_request(request, body.is_empty()).expect("sent");
        if !body.is_empty() {
            stream.send_data(Bytes::from(body.to_owned()), true).expect("sent");
        }
        let (head, mut body) = response.await.expect("a response").into_parts();
        let mut whole = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece.expect("a piece");
            body.flow_control().release_capacity(piece.len()).expect("room");
            whole.extend_from_slice(&piece);
        }
        (head.status, String::from_utf8(whole).expect("text"))
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}

fn import(account: &Account, time: u64) -> String {
    serde_json::json!({"project_id": account.project, "device_id": "d",
        "sources": [{"name": "a", "data": [{"time": time, "value": 1}]}]})
    .to_string()
}

#[test]
fn over_tls_many_requests_share_one_connection_of_http_2() {
    let server = Server::with(&TLS);
    let account = server.account_with_device();
    run(async {
        let mut connection = Connection::to(&server).await;
        for time in 0..50 {
            let body = import(&account, time);
            let (status, text) =
                connection.call(Method::POST, "/v1/imports", &account.token, &body).await;
            assert_eq!(status, 200, "{text}");
        }
        let path = "/v1/data/input/a?limit=100&output=csv";
        let (status, text) = connection.call(Method::GET, path, &account.token, "").await;
        assert_eq!((status, text.lines().count()), (StatusCode::OK, 51));
        let (status, text) =
            connection.call(Method::GET, "/v1/devices?nonsense=1", &account.token, "").await;
        assert_eq!(status, 400, "{text}");
        // Ten streams of events, as ten open pages have them, and a request beside them.
        let mut pages = Vec::new();
        for _ in 0..10 {
            let request = Request::builder()
                .uri("https://localhost/v1/live")
                .header("authorization", format!("Bearer {}", account.token))
                .body(())
                .expect("a request");
            let mut send = connection.send.clone().ready().await.expect("open");
            let response = send.send_request(request, true).expect("sent").0.await;
            pages.push(response.expect("a stream of events").into_body());
        }
        let (status, _) = connection.call(Method::GET, "/health", "", "").await;
        assert_eq!(status, 200);
    });
}

#[test]
fn who_knows_http_1_alone_is_answered_over_tls_as_before() {
    let server = Server::with(&TLS);
    run(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        for protocols in [&[&b"http/1.1"[..]][..], &[]] {
            let mut stream = connect(&server, protocols).await;
            let request = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            stream.write_all(request).await.expect("a socket");
            let mut reply = Vec::new();
            let _ = stream.read_to_end(&mut reply).await;
            assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n"));
        }
    });
}

#[test]
fn a_connection_of_http_2_ends_when_it_is_idle_and_not_while_a_stream_is_open() {
    let settings = [TLS[0], TLS[1], ("idle-timeout", "1s")];
    let server = Server::with(&settings);
    let account = server.account_with_device();
    run(async {
        let idle = Connection::to(&server).await;
        let busy = Connection::to(&server).await;
        let request = Request::builder()
            .uri("https://localhost/v1/live")
            .header("authorization", format!("Bearer {}", account.token))
            .body(())
            .expect("a request");
        let mut send = busy.send.clone().ready().await.expect("open");
        let response = send.send_request(request, true).expect("sent").0.await;
        let _events = response.expect("a stream of events").into_body();
        let ended = tokio::time::timeout(Duration::from_secs(20), idle.ended).await;
        let ended = ended.expect("it ends by itself").expect("no panic");
        // What the client writes last may meet a socket that is closed already.
        assert!(ended.as_ref().err().is_none_or(h2::Error::is_io), "{ended:?}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!busy.ended.is_finished(), "a stream is open");
    });
}

#[test]
fn a_stream_whose_response_is_not_fetched_ends_its_connection_after_the_reply_timeout() {
    let settings = [TLS[0], TLS[1], ("write-timeout", "2s")];
    let server = Server::with(&settings);
    let account = server.account_with_device();
    let rows: Vec<_> = (0..1000).map(|row| serde_json::json!([row, "x".repeat(1000)])).collect();
    let body = serde_json::json!({"project_id": account.project, "device_id": "d",
        "sources": {"fields": ["time", "note"], "data": rows}});
    assert_eq!(server.call("POST /v1/imports?fmt=table", &account.token, &body).status, 200);
    run(async {
        let connection = Connection::to(&server).await;
        let request = Request::builder()
            .uri("https://localhost/v1/data/input/note")
            .header("authorization", format!("Bearer {}", account.token))
            .body(())
            .expect("a request");
        let mut send = connection.send.clone().ready().await.expect("open");
        let response = send.send_request(request, true).expect("sent").0.await;
        let response = response.expect("a response");
        assert_eq!(response.status(), 200);
        // Its window is never opened again.
        let ended = tokio::time::timeout(Duration::from_secs(30), connection.ended).await;
        let _ = ended.expect("the server ends it");
        drop(response);
    });
}

#[test]
fn a_head_of_http_2_that_comes_byte_by_byte_and_never_ends_does_not_keep_its_connection() {
    /// Magic, and empty settings.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    /// The method of a request on stream 1, whose head goes on.
    const HEADERS: &[u8] = b"\0\0\x01\x01\x01\0\0\0\x01\x82";
    /// The same head goes on, by nothing.
    const CONTINUATION: &[u8] = b"\0\0\0\x09\0\0\0\0\x01";
    let server = Server::with(&[TLS[0], TLS[1], ("idle-timeout", "1s"), ("header-timeout", "1s")]);
    run(async {
        let stream = connect(&server, &[b"h2"]).await;
        let (mut read, mut write) = tokio::io::split(stream);
        write.write_all(PREFACE).await.expect("it listens");
        write.write_all(HEADERS).await.expect("it listens");
        let sending = tokio::spawn(async move {
            while write.write_all(CONTINUATION).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let mut told = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), read.read_to_end(&mut told));
        let _ = ended.await.expect("the server ends it");
        sending.abort();
    });
    assert_eq!(server.get("/health", "").status, 200);
}
