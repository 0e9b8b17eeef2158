//! A sender of a file asks what came of a stream.

use iobeam_model::{Batch, BatchId, Column, Texts, Values};
use iobeam_wire::batch::{Compression, encode};
use serde_json::{Value, json};

use crate::running::{Account, Reply, Server};

fn store(server: &Server, account: &Account, id: BatchId) {
    let column = |name: &str, values| Column::new(name.parse().expect("a name"), values, None);
    let columns = [
        column("device_id", Values::String(["d"].into_iter().collect::<Texts>())),
        column("a", Values::Double(vec![1.5])),
    ];
    let columns = columns.into_iter().collect::<Result<_, _>>().expect("sound");
    let batch = Batch::new("input".parse().expect("a name"), vec![1], columns).expect("sound");
    let bearer = format!("Bearer {}", account.token);
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/vnd.iobeam.batch")];
    let body = encode(&batch, Some(id), Compression::None);
    let stored = server.send("POST /v1/imports", &headers, &body);
    assert_eq!(stored.status, 200, "{}", stored.text());
}

fn ask(server: &Server, account: &Account, body: &Value) -> Reply {
    server.call("POST /v1/imports/known", &account.token, body)
}

#[test]
fn the_batches_of_one_stream_are_told_the_highest_first() {
    let server = Server::start();
    let account = server.account_with_device();
    let stream = BatchId::content_stream(u128::MAX / 7);
    let digits = BatchId { stream, counter: 0 }.to_string();
    let digits = digits.strip_suffix("/0").expect("a stream").to_owned();
    for counter in [7, u64::MAX, 8] {
        store(&server, &account, BatchId { stream, counter });
    }
    let batch = |counter: &str| json!({"counter": counter, "deleted_from": false});
    let all = json!({"batches": [batch("18446744073709551615"), batch("8"), batch("7")]});
    for digits in [digits.clone(), digits.to_ascii_uppercase()] {
        let told = ask(&server, &account, &json!({"namespace": "input", "stream": digits}));
        assert_eq!((told.status, told.json()), (200, all.clone()));
    }
    let other = json!({"namespace": "input", "stream": "0".repeat(32)});
    assert_eq!(ask(&server, &account, &other).json(), json!({"batches": []}));
}

#[test]
fn what_names_no_stream_or_several_is_refused() {
    let server = Server::start();
    let account = server.account_with_device();
    let thirty = "0".repeat(30);
    for wrong in ["", "+f", "00+0", "-1", "0g", "0", "000", "é", " 0"] {
        let body = json!({"namespace": "input", "stream": format!("{thirty}{wrong}")});
        let refused = ask(&server, &account, &body);
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text());
        assert!(refused.text().contains("32 hexadecimal digits"), "{}", refused.text());
    }
    let plus = json!({"namespace": "input", "stream": format!("+{}", "f".repeat(31))});
    assert_eq!(ask(&server, &account, &plus).status, 400, "a sign is no digit");
    let one = "0".repeat(32);
    for streams in [json!([one]), json!(vec![one.clone(); 1000])] {
        for name in ["stream", "streams"] {
            let refused = ask(&server, &account, &json!({"namespace": "input", name: streams}));
            assert_eq!(refused.status, 400, "{}", refused.text());
        }
    }
    let nowhere = json!({"namespace": "in put", "stream": one});
    assert_eq!(ask(&server, &account, &nowhere).status, 400);
}
