//! Replays what the fuzz target `cookie` is given, and random lines besides.

use proptest::prelude::*;

use super::cookie_checks::headers;

#[test]
fn every_file_of_the_corpus_is_read_without_harm() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/cookie");
    let mut files = 0;
    for file in std::fs::read_dir(folder).expect("the corpus") {
        headers(&std::fs::read(file.expect("a file").path()).expect("its bytes"));
        files += 1;
    }
    assert!(files >= 10, "the corpus is there");
}

proptest! {
    #[test]
    fn no_headers_do_harm(
        lines in prop::collection::vec(
            ("(cookie|Cookie|origin|host|sec-fetch-site|x-forwarded-proto)",
             "((__Host-)?iobeam_(session|known)=?[a-z.=;, ]{0,8}|[ -~]{0,24}|https?://(iot.example|a)(:8420)?|same-origin|none|null)(; ?(__Host-)?iobeam_session=[a-z]{0,3}){0,2}"),
            0..6,
        )
    ) {
        let lines: Vec<String> = lines.into_iter().map(|(name, value)| [name, value].join(": ")).collect();
        headers(lines.join("\n").as_bytes());
    }
}
