//! TLS on the second address, and what lies on the disk for it.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::running::{Reply, Server};

fn mode(path: &std::path::Path) -> u32 {
    path.metadata().expect("it exists").permissions().mode() & 0o777
}

#[test]
fn a_certificate_of_its_own_making_is_kept_and_trusted_by_who_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let settings = [("tls-listen", "127.0.0.1:0"), ("tls-self-signed", "true")];
    let mut server = Server::on(&data, &settings);
    let certificate = CertificateDer::from_pem_file(data.join("tls/cert.pem")).expect("made");
    for (path, expected) in [
        ("", 0o700),
        ("tls", 0o700),
        ("tls/key.pem", 0o600),
        ("catalog.db", 0o600),
        ("listening", 0o600),
    ] {
        assert_eq!(mode(&data.join(path)), expected, "{path}");
    }
    server.stop().expect("a good end");

    let server = Server::on(&data, &settings);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = rustls::ClientConnection::new(Arc::new(client), name).expect("a client");
    let socket = std::net::TcpStream::connect(server.tls_address.expect("it speaks TLS"))
        .expect("it listens");
    let mut stream = rustls::StreamOwned::new(connection, socket);
    std::io::Write::write_all(
        &mut stream,
        b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .expect("the certificate of the first start is still trusted");
    assert_eq!(Reply::read(&mut stream).status, 200);
    assert_eq!(server.get("/health", "").status, 200);
}
