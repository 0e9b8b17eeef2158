//! A device that is killed at any moment, before a server that is killed too, loses nothing that its spool accepted, and
//! nothing arrives twice.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use iobeam_promises::{Account, Platform};

/// Lives of the device; `IOBEAM_KILL_CYCLES` asks for more.
const LIVES: u64 = 60;
/// Each life numbers its rows from another thousand on.
const LIFE: u64 = 100_000;
/// One life in so many may end before the spool has accepted anything.
const EARLY: u64 = 4;
/// The server is killed after so many lives.
const SERVER_LIVES: u64 = 10;

#[test]
fn what_the_spool_of_a_killed_device_accepted_arrives_exactly_once() {
    let cycles =
        std::env::var("IOBEAM_KILL_CYCLES").map_or(LIVES, |n| n.parse().expect("a number"));
    let mut platform = Platform::start();
    let account = platform.account();
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().join("spool");
    let mut accepted = Vec::new();
    for life in 0..cycles {
        let first = life * LIFE;
        let mut device = start(&platform, &account, &spool, first, 0);
        let (heard, said) = mpsc::channel();
        let printed = BufReader::new(device.stdout.take().expect("a pipe")).lines();
        let listener = std::thread::spawn(move || {
            for line in printed.map_while(Result::ok) {
                let number =
                    line.strip_prefix("accepted ").and_then(|text| text.parse::<u64>().ok());
                if let Some(number) = number {
                    heard.send(number).expect("a listener");
                }
            }
        });
        let mut last = None;
        if life % EARLY != 0 {
            // However slow the machine is, there is something to lose.
            last = Some(said.recv_timeout(Duration::from_mins(1)).expect("a first group"));
        }
        // Any moment will do, as long as it is another one each time.
        std::thread::sleep(Duration::from_millis((life * 53) % 110));
        device.kill().expect("the device can be killed");
        device.wait().expect("the device ends");
        listener.join().expect("it only listens");
        last = said.into_iter().last().or(last);
        accepted.extend(last.map(|last| first..=last));
        if life % SERVER_LIVES == SERVER_LIVES - 1 {
            platform.kill();
            platform.restart();
        }
    }
    let mut last_life = start(&platform, &account, &spool, cycles * LIFE, 10);
    let status = last_life.wait().expect("the device ends by itself");
    assert!(status.success(), "{status}\n{}", platform.log());

    let found = count_numbers(&platform, &account);
    let total: u64 = accepted
        .iter()
        .map(|range: &std::ops::RangeInclusive<u64>| range.end() - range.start() + 1)
        .sum();
    eprintln!("{cycles} lives: {total} rows were accepted, {} arrived", found.len());
    for number in accepted.into_iter().flatten() {
        assert_eq!(found.get(&number), Some(&1), "row {number} was accepted; {total} were");
    }
    for (number, times) in found {
        assert_eq!(times, 1, "row {number} arrived {times} times");
    }
}

fn start(platform: &Platform, account: &Account, spool: &Path, first: u64, count: u64) -> Child {
    Command::new(env!("CARGO_BIN_EXE_device"))
        .args([&format!("{}/v1/", platform.base()), &account.project.to_string(), &account.token])
        .arg(spool)
        .args([first.to_string(), count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the device starts")
}

fn count_numbers(platform: &Platform, account: &Account) -> HashMap<u64, u64> {
    let (fields, rows) = platform.rows(account);
    let place = fields.iter().position(|field| field == "n").expect("the field");
    let mut found = HashMap::new();
    for row in rows {
        let number = row[place].as_f64().expect("a number");
        #[expect(clippy::cast_sign_loss, reason = "rows are numbered from 0")]
        let number = number as u64;
        *found.entry(number).or_insert(0) += 1;
    }
    found
}
