//! Replays what the fuzzer found, and tries bytes that nobody chose.

use std::path::Path;

use proptest::prelude::*;

#[path = "../../../fuzz/journal_checks.rs"]
mod checks;

#[test]
fn no_file_in_the_corpus_does_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/journal");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is in the repository") {
        let path = entry.expect("a readable folder").path();
        eprintln!("{}", path.display());
        checks::journal(&std::fs::read(&path).expect("a readable file"));
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any_byte(), 0..400)) {
        checks::journal(&bytes);
    }
}

/// Small numbers are likelier: they are lengths, kinds and places more often than not.
fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![3 => 0_u8..8, 1 => any::<u8>()]
}
