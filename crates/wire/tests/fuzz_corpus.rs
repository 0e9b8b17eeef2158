//! Replays what the fuzzers started from and what they found.

use std::path::Path;

#[path = "../../../fuzz/checks.rs"]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is in the repository") {
        let path = entry.expect("a readable folder").path();
        eprintln!("{}", path.display());
        check(&std::fs::read(&path).expect("a readable file"));
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

#[test]
fn no_body_of_batches_in_the_corpus_does_harm() {
    replay("batch", checks::batch);
}

#[test]
fn no_json_body_in_the_corpus_does_harm() {
    replay("import", checks::import);
}

#[test]
fn no_token_in_the_corpus_does_harm() {
    replay("token", checks::token);
}
