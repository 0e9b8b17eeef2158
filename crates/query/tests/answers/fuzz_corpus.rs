//! Replays what the fuzzer of query parameters started from and what it found, and tries random texts besides.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

#[path = "../../../../fuzz/expression_checks.rs"]
mod expression_checks;

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is the question")]
fn no_parameter_in_the_corpus_does_harm_or_takes_long() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/expression");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is in the repository") {
        let path = entry.expect("a readable folder").path();
        let begun = Instant::now();
        expression_checks::expression(&std::fs::read(&path).expect("a readable file"));
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", path.display());
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

proptest! {
    #[test]
    fn no_random_parameter_does_harm(
        lines in prop::collection::vec("(where|time|group_by|limit_by|limit|operator|from|to)=[a-z0-9(),.:+ -]{0,40}|\\PC{0,40}", 0..4)
    ) {
        expression_checks::expression(lines.join("\n").as_bytes());
    }
}
