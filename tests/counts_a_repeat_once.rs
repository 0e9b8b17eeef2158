//! An answer may be lost and a batch sent again, late, out of order, after a restart: it is stored once.

use iobeam_model::{Batch, BatchId, Column, NamespaceName, Texts, Values};
use iobeam_promises::{Account, Platform};
use iobeam_wire::batch::{Compression, MEDIA_TYPE, encode};
use serde_json::json;

fn body(account: &Account, number: i64) -> Vec<u8> {
    json!({
        "project_id": account.project, "device_id": "device-1",
        "sources": {"fields": ["time", "n"], "data": [[number, number], [number, number]]},
    })
    .to_string()
    .into_bytes()
}

fn batch(counter: u64) -> Vec<u8> {
    let rows = 2;
    let device = Values::String(Texts::constant("device-1", rows));
    let number = Values::Double(vec![counter as f64; rows]);
    let columns = [("device_id", device), ("n", number)].map(|(name, values)| {
        Column::new(name.parse().expect("a name"), values, None).expect("a column")
    });
    let time = counter.cast_signed();
    let batch = Batch::new(NamespaceName::input(), vec![time; rows], columns.into());
    encode(&batch.expect("a batch"), Some(BatchId { stream: [7; 16], counter }), Compression::Zstd)
}

struct Sender<'a> {
    platform: &'a Platform,
    account: &'a Account,
}

impl Sender<'_> {
    /// Sends a JSON body; tells whether it was answered as a repeat.
    fn json(&self, number: i64) -> bool {
        self.send("application/json", &body(self.account, number))
    }

    fn batch(&self, counter: u64) -> bool {
        self.send(MEDIA_TYPE, &batch(counter))
    }

    fn send(&self, kind: &str, bytes: &[u8]) -> bool {
        let token = Some(self.account.token.as_str());
        let reply =
            self.platform.post_bytes("/v1/imports?fmt=table", token, kind, bytes).expect("a reply");
        let body = &reply.expect_status(200).body;
        assert_eq!((&body["stored"], &body["durable"]), (&json!(2), &json!("disk")), "{body}");
        body["repeat"] == json!(true)
    }

    fn count(&self) -> usize {
        self.platform.rows(self.account).1.len()
    }
}

#[test]
fn a_body_sent_again_is_answered_as_the_repeat_it_is_also_after_a_crash() {
    let mut platform = Platform::start();
    let account = platform.account();
    let sender = Sender { platform: &platform, account: &account };
    assert!(!sender.json(1) && !sender.json(2));
    assert!(sender.json(1), "a repeat out of order");
    assert_eq!(sender.count(), 4, "two equal rows of one body are two rows");
    platform.kill();
    platform.restart();
    let sender = Sender { platform: &platform, account: &account };
    assert!(sender.json(2) && sender.json(1), "repeats after a crash");
    assert!(!sender.json(3));
    assert_eq!(sender.count(), 6);
}

#[test]
fn a_numbered_batch_sent_again_gets_the_first_answer_also_after_crash_and_flush() {
    let mut platform = Platform::start_with(&["--flush-size", "65536", "--flush-age", "1s"]);
    let account = platform.account();
    let sender = Sender { platform: &platform, account: &account };
    for counter in [1, 2, 3, 5] {
        assert!(!sender.batch(counter), "{counter} is new");
    }
    assert!(sender.batch(2), "an old one again");
    assert!(!sender.batch(4), "one that was overtaken is no repeat");
    assert_eq!(sender.count(), 10);
    platform.wait_for_files(1);
    platform.kill();
    platform.restart();
    let sender = Sender { platform: &platform, account: &account };
    for counter in 1..=5 {
        assert!(sender.batch(counter), "{counter} is a repeat");
    }
    assert_eq!(sender.count(), 10);
    platform.stop();
    platform.restart();
    let sender = Sender { platform: &platform, account: &account };
    assert!(sender.batch(3) && !sender.batch(6));
    assert_eq!(sender.count(), 12);
}

#[test]
fn the_same_body_in_another_project_is_no_repeat() {
    let platform = Platform::start();
    let first = platform.account();
    let made =
        platform.post("/v1/projects", Some(&first.user_token), &json!({"project_name": "second"}));
    let project = made.expect_status(201).body["project_id"].as_u64().expect("an id");
    let token = platform.project_token(&first.user_token, project, "");
    let second = Account { project, token, user_token: first.user_token.clone() };
    let device = json!({"project_id": project, "device_id": "device-1"});
    platform.post("/v1/devices", Some(&second.token), &device).expect_status(201);
    // Numbered batches carry no project: the number counts within the project that sends it.
    let (one, two) = (
        Sender { platform: &platform, account: &first },
        Sender { platform: &platform, account: &second },
    );
    assert!(!one.batch(1) && !two.batch(1));
    assert_eq!((one.count(), two.count()), (2, 2));
}
