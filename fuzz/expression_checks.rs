//! What must hold for any text in a query's parameters: shared by the fuzz target and the test that replays the corpus.

use iobeam_model::Timestamp;
use iobeam_query::{DataRequest, ExportRequest, SeriesRequest};

/// Bytes as parameters, one in each line: `name=value`. A line without a name is a value of each parameter in turn.
pub(crate) fn expression(bytes: &[u8]) {
    const NAMES: [&str; 10] = [
        "where",
        "time",
        "group_by",
        "limit_by",
        "limit",
        "operator",
        "less_than",
        "equals",
        "from",
        "timefmt",
    ];
    let text = String::from_utf8_lossy(bytes);
    let pairs: Vec<(String, String)> = text
        .lines()
        .flat_map(|line| match line.split_once('=') {
            Some((name, value)) => vec![(name.to_owned(), value.to_owned())],
            None => NAMES.iter().map(|name| ((*name).to_owned(), line.to_owned())).collect(),
        })
        .collect();
    ask(&pairs);
    for pair in &pairs {
        ask(std::slice::from_ref(pair));
    }
    if let Ok(request) = serde_json::from_slice::<SeriesRequest>(bytes) {
        let again = serde_json::to_vec(&request).expect("plain data");
        assert_eq!(
            serde_json::from_slice::<SeriesRequest>(&again).expect("its own bytes"),
            request
        );
    }
}

fn ask(pairs: &[(String, String)]) {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    for field in [None, Some("all"), Some("temp")] {
        if let Err(refusal) = DataRequest::parse(field, pairs, now) {
            assert!(!refusal.to_string().is_empty(), "a refusal says why");
        }
        if let Err(refusal) = ExportRequest::parse(Some("device"), field, pairs) {
            assert!(!refusal.to_string().is_empty(), "a refusal says why");
        }
    }
}
