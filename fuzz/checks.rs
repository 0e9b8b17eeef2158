//! What must hold for any bytes whatever: shared by the fuzz targets and the test that replays the corpus.

use iobeam_model::{FieldType, NamespaceName};
use iobeam_wire::batch::{self, Compression, Limits};
use iobeam_wire::import::{self, ImportLimits};

const LIMITS: Limits = Limits { max_rows: 20_000, max_columns: 64, max_bytes: 4 << 20 };

/// Bytes as a body of batches. As random bytes never have the right checksums, they are tried with mended ones too.
pub(crate) fn batch(bytes: &[u8]) {
    decode(bytes);
    if let Some(sealed) = sealed(bytes) {
        decode(&sealed);
    }
}

fn decode(bytes: &[u8]) {
    let header = batch::peek(bytes);
    let all = batch::decode_all(bytes, &LIMITS);
    let Ok(decoded) = batch::decode(bytes, &LIMITS) else {
        assert!(all.is_err() || bytes.is_empty(), "all is well, and the first is not");
        return;
    };
    let header = header.expect("what decodes has a head");
    assert_eq!((header.id, header.length), (decoded.id, decoded.length), "head and batch agree");
    assert_eq!(header.rows as usize, decoded.batch.rows(), "head and batch agree");
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let again = batch::encode(&decoded.batch, decoded.id, compression);
        let again = batch::decode(&again, &Limits::NONE).expect("its own bytes");
        assert_eq!((again.id, &again.batch), (decoded.id, &decoded.batch), "the same again");
    }
}

/// The same bytes as one batch with the checksums and the length of body that they should have.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let flags = *bytes.get(6)?;
    let name = usize::from(*bytes.get(7)?);
    let head = 40 + if flags & 1 == 0 { 0 } else { 24 } + name;
    let body = bytes.get(head..)?;
    let (length, crc) = (body.len() as u64, crc32c::crc32c(body));
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    bytes[32..36].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..36]), &bytes[40..head]);
    bytes[36..40].copy_from_slice(&crc.to_le_bytes());
    Some(bytes)
}

/// Bytes as the JSON body of an import, in every shape and with every type that a field may have.
pub(crate) fn import(body: &[u8]) {
    let limits = ImportLimits { max_rows: 20_000, max_columns: 64 };
    let kinds = [FieldType::Double, FieldType::Long, FieldType::Boolean, FieldType::String];
    let kinds: Vec<_> = kinds.into_iter().map(Some).chain([None]).collect();
    for table in [false, true] {
        for kind in &kinds {
            let import = match import::parse(body, table, &limits) {
                Ok(import) => import,
                Err(refusal) => {
                    assert!(!refusal.to_string().is_empty(), "a refusal says why");
                    break;
                }
            };
            assert!(import.rows() <= limits.max_rows, "limits hold");
            for table in import.tables {
                let rows = table.rows();
                let Ok(made) = table.into_batch(NamespaceName::input(), &|_| *kind, vec![]) else {
                    continue;
                };
                assert_eq!(made.rows(), rows, "no row is lost");
                let bytes = batch::encode(&made, None, Compression::Zstd);
                let again = batch::decode(&bytes, &Limits::NONE).expect("its own bytes");
                assert_eq!(again.batch, made, "the same again");
            }
        }
    }
}

/// Bytes as a token: its claims are read without being believed.
pub(crate) fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(claims) = iobeam_wire::token::peek_claims(&text) else { return };
    assert_eq!(text.split('.').count(), 3, "a token has three parts");
    let written = serde_json::to_vec(&claims).expect("plain data");
    let again = serde_json::from_slice(&written).expect("its own bytes");
    assert_eq!(claims, again, "the same again");
}
