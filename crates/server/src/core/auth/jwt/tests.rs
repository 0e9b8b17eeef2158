//! Tokens that were signed, and tokens that only look like it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];

fn claims() -> Claims {
    serde_json::from_value(json!({"uid": 5, "pid": 6, "exp": 1_800_000_000, "pms": 7, "id": 9}))
        .expect("claims")
}

/// Signed with the right key, whatever is in it.
fn signed(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(&KEY)).expect("signs")
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[test]
fn what_is_written_is_read_again() {
    let signer = Signer::new(&KEY);
    assert_eq!(signer.read(&signer.write(&claims())), Ok(claims()));
}

#[test]
fn the_longest_token_fits_into_the_header_line_of_a_small_device() {
    let largest = json!({
        "uid": u32::MAX, "pid": u32::MAX, "exp": 99_999_999_999_i64, "pms": 7, "id": u32::MAX
    });
    let largest: Claims = serde_json::from_value(largest).expect("claims");
    let text = Signer::new(&KEY).write(&largest);
    assert!(text.len() <= MAX_ISSUED, "{} bytes", text.len());
    assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')));
}

#[test]
fn the_header_has_no_key_id_and_the_claims_are_whole_numbers() {
    let text = Signer::new(&KEY).write(&claims());
    let parts: Vec<Value> = text
        .split('.')
        .take(2)
        .map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url"))
        .map(|bytes| serde_json::from_slice(&bytes).expect("JSON"))
        .collect();
    assert_eq!(parts[0], json!({"typ": "JWT", "alg": "HS256"}));
    assert_eq!(parts[1], json!({"uid": 5, "pid": 6, "exp": 1_800_000_000, "pms": 7, "id": 9}));
}

#[test]
fn a_token_signed_with_another_key_is_not_ours() {
    let foreign = Signer::new(&[8; KEY_BYTES]).write(&claims());
    assert_eq!(Signer::new(&KEY).read(&foreign), Err(NotOurs));
}

#[test]
fn a_token_without_a_signature_is_not_ours() {
    let signer = Signer::new(&KEY);
    let payload = part(&serde_json::to_value(claims()).expect("JSON"));
    for alg in ["none", "None", "NONE", "", "HS256"] {
        let header = part(&json!({"typ": "JWT", "alg": alg}));
        for text in [format!("{header}.{payload}."), format!("{header}.{payload}")] {
            assert_eq!(signer.read(&text), Err(NotOurs), "{alg}: {text}");
        }
    }
}

#[test]
fn another_algorithm_is_refused_even_with_the_right_key() {
    let signer = Signer::new(&KEY);
    let payload = serde_json::to_value(claims()).expect("JSON");
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let text = signed(&Header::new(algorithm), &payload);
        assert_eq!(signer.read(&text), Err(NotOurs), "{algorithm:?}");
    }
    // The classical confusion: the header names a public-key algorithm, the signature is an HMAC.
    for alg in ["RS256", "ES256", "EdDSA", "PS256"] {
        let ours = signed(&Header::new(Algorithm::HS256), &payload);
        let (_, rest) = ours.split_once('.').expect("three parts");
        let text = format!("{}.{rest}", part(&json!({"typ": "JWT", "alg": alg})));
        assert_eq!(signer.read(&text), Err(NotOurs), "{alg}");
    }
}

#[test]
fn an_end_that_is_missing_or_of_a_wrong_type_is_refused_even_when_signed() {
    let signer = Signer::new(&KEY);
    let ends = [
        json!("1800000000"),
        json!(1.8e9),
        json!(1_800_000_000.5),
        json!(null),
        json!([1_800_000_000]),
        json!({"at": 1}),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
    ];
    for end in ends {
        let payload = json!({"uid": 5, "pid": 6, "exp": end, "pms": 7, "id": 9});
        let text = signed(&Header::new(Algorithm::HS256), &payload);
        assert_eq!(signer.read(&text), Err(NotOurs), "{payload}");
    }
    let missing = json!({"uid": 5, "pid": 6, "pms": 7, "id": 9});
    let text = signed(&Header::new(Algorithm::HS256), &missing);
    assert_eq!(signer.read(&text), Err(NotOurs));
}

#[test]
fn a_huge_token_is_not_looked_at() {
    let mut payload = serde_json::to_value(claims()).expect("JSON");
    payload["stuff"] = json!("x".repeat(MAX_READ));
    let text = signed(&Header::new(Algorithm::HS256), &payload);
    assert_eq!(Signer::new(&KEY).read(&text), Err(NotOurs));
}

#[test]
fn each_changed_character_is_noticed() {
    let signer = Signer::new(&KEY);
    let text = signer.write(&claims());
    for at in 0..text.len() {
        for other in ['A', 'B', '.', '=', '+', '/', ' '] {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[at] != other {
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert_eq!(signer.read(&changed), Err(NotOurs), "at {at}: {changed}");
            }
        }
    }
}

#[test]
fn a_padded_or_differently_spelt_token_is_not_what_was_issued() {
    let signer = Signer::new(&KEY);
    let text = signer.write(&claims());
    for other in [format!("{text}="), format!(" {text}"), format!("{text} "), format!("{text}.")] {
        assert_eq!(signer.read(&other), Err(NotOurs), "{other:?}");
    }
}

proptest! {
    #[test]
    fn reading_a_token_never_panics(text in "\\PC{0,300}") {
        prop_assert_eq!(Signer::new(&KEY).read(&text), Err(NotOurs));
    }

    #[test]
    fn reading_something_like_a_token_never_panics(
        header in "[ -~]{0,60}", payload in "[ -~]{0,120}", signature in any::<Vec<u8>>(),
    ) {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = format!(
            "{}.{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()), encode(&signature)
        );
        prop_assert_eq!(Signer::new(&KEY).read(&text), Err(NotOurs));
    }

    #[test]
    fn signed_claims_of_any_type_never_panic(
        exp in any::<f64>(), uid in any::<i64>(), pms in any::<i16>(),
    ) {
        let payload = json!({"uid": uid, "exp": exp, "pms": pms, "id": 1});
        let text = signed(&Header::new(Algorithm::HS256), &payload);
        prop_assert_eq!(Signer::new(&KEY).read(&text), Err(NotOurs));
    }
}
