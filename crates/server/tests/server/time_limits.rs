//! Who is slow meets a deadline; who is many meets a limit; and stopping takes its time, but not more.

use std::io::{Read, Write};

use serde_json::json;

use crate::running::{Reply, Server, until};

#[test]
fn a_slow_head_and_a_slow_body_are_ended() {
    let server = Server::with(&[("header-timeout", "3s"), ("body-timeout", "3s")]);
    let account = server.account();
    let mut head = server.connect();
    head.write_all(b"GET /health HTTP/1.1\r\nhost:").expect("a socket");
    let reply = Reply::read(&mut head);
    assert_eq!(reply.status, 408);
    assert!(reply.code() > 0);

    let mut body = server.connect();
    let request = format!(
        "POST /v1/imports HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 100\r\n\r\n{{",
        account.token
    );
    body.write_all(request.as_bytes()).expect("a socket");
    let reply = Reply::read(&mut body);
    assert_eq!(reply.status, 408, "{}", reply.text());
    assert!(reply.code() > 0);
}

#[test]
fn beyond_the_limit_of_connections_further_ones_get_503_with_retry_after() {
    let server = Server::with(&[("max-connections", "3")]);
    let held: Vec<_> = (0..3).map(|_| server.connect()).collect();
    let reply = server.get("/health", "");
    assert_eq!(reply.status, 503, "who came first has the place");
    assert!(reply.header("retry-after").is_some());
    drop(held);
    until("there is room again", || (server.get("/health", "").status == 200).then_some(()));
}

#[test]
fn many_idle_connections_do_not_keep_others_out() {
    let server = Server::start();
    let idle: Vec<_> = (0..500).map(|_| server.connect()).collect();
    assert_eq!(server.get("/health", "").status, 200);
    drop(idle);
}

#[test]
fn stopping_lets_a_request_end_and_keeps_what_was_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut server = Server::on(&data, &[]);
    let account = server.account_with_device();
    let body = json!({"project_id": account.project, "device_id": "d",
                      "sources": [{"name": "a", "data": [{"time": 1, "value": 2}]}]})
    .to_string();
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/imports HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        account.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a socket");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).expect("the request is being heard");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let address = server.address;
    let stopped = std::thread::spawn(move || server.stop());
    until("nobody new is let in", || std::net::TcpStream::connect(address).err());
    stream.write_all(body.as_bytes()).expect("a socket");
    assert_eq!(Reply::read(&mut stream).status, 200);
    stopped.join().expect("no panic").expect("a good end");
    assert!(!data.join("listening").exists());

    let server = Server::on(&data, &[]);
    let rows = server.get("/v1/data/input/a", &account.token).json();
    assert_eq!(rows["result"][0]["values"], json!([[1, 2.0]]));
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();
    let flags = [
        ("data-dir".to_owned(), server.data().display().to_string()),
        ("listen".to_owned(), "127.0.0.1:0".to_owned()),
    ];
    let (config, _) = iobeam_server::Config::load(&flags, [], None).expect("sound");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let refused = runtime.block_on(iobeam_server::serve(config, std::future::pending()));
    let refused = refused.expect_err("the folder is taken").to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    assert_eq!(server.get("/health", "").status, 200);
}
