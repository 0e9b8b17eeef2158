//! TLS on the second address: a certificate from files, or one of our own making.
//!
//! Invariants: the private key of a certificate of our making is readable by its owner only; it is made once and
//! kept, so that clients which were told to trust it go on doing so.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::{TlsConfig, TlsIdentity};
use crate::error::ServeError;

/// HTTP/2, as a TLS handshake calls it.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// The folder in the data directory in which a certificate of our making is kept.
const FOLDER: &str = "tls";

/// What answers TLS handshakes.
pub(crate) fn acceptor(config: &TlsConfig, data_dir: &Path) -> Result<TlsAcceptor, ServeError> {
    let folder = data_dir.join(FOLDER);
    let (cert, key) = match &config.identity {
        TlsIdentity::Files { cert, key } => (cert.clone(), key.clone()),
        TlsIdentity::SelfSigned => {
            let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
            if !cert.exists() || !key.exists() {
                make(config, &folder, &cert, &key)?;
            }
            (cert, key)
        }
    };
    let chain = CertificateDer::pem_file_iter(&cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| ServeError::Tls(format!("{}: {error}", cert.display())))?;
    let secret = PrivateKeyDer::from_pem_file(&key)
        .map_err(|error| ServeError::Tls(format!("{}: {error}", key.display())))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| ServeError::Tls(format!("{}: {error}", cert.display())))?;
    server.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// Makes a certificate for this machine's names, and keeps it.
fn make(config: &TlsConfig, folder: &Path, cert: &Path, key: &Path) -> Result<(), ServeError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    names.push(host);
    if !config.listen.ip().is_unspecified() {
        names.push(config.listen.ip().to_string());
    }
    names.retain(|name| !name.is_empty());
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| ServeError::Tls(format!("a certificate could not be made: {error}")))?;
    crate::core::files::private_folder(folder)?;
    crate::core::files::write_private(key, made.signing_key.serialize_pem().as_bytes())?;
    crate::core::files::write_private(cert, made.cert.pem().as_bytes())?;
    tracing::info!(certificate = %cert.display(), "made a certificate; clients must be told to trust it");
    Ok(())
}
