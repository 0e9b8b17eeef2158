//! The Rust blocks of the documents, as the programs that they are. `the_rust_documents_run` compares them with the pages,
//! and runs them: `guide PAGE`, in the environment that the page's own steps make.
#![expect(clippy::unreadable_literal, reason = "as printed")]

use std::error::Error;
use std::time::Duration;

use iobeam::{Batch, Column, NamespaceName, Query, Reading, Remedy, TimeUnit, Values, WhenFull};

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("docs/guide/adding-data.md") => adding_data(),
        Some("docs/tutorial/python.md") => getting_started(),
        Some("docs/how-to/offline.md") => offline(),
        other => Err(format!("no page {other:?}").into()),
    }
}

fn adding_data() -> Result<(), Box<dyn Error>> {
    use iobeam::Client;

    let project = std::env::var("IOBEAM_PROJECT")?.parse()?;
    let token = std::env::var("IOBEAM_TOKEN")?;

    let client = Client::builder(project, &token).register_or_set_id("greenhouse-1").build()?;

    let conditions = client.create_data_store(&["temperature", "humidity"])?;

    let now = client.now();
    conditions.add(now, [("temperature", 21.5), ("humidity", 40.0)])?;
    conditions.add(now, [("temperature", 21.6)])?; // no humidity in this row

    let seconds = TimeUnit::Seconds.timestamp(1427316488)?;
    let milliseconds = TimeUnit::Milliseconds.timestamp(1427316488123)?;
    let microseconds = TimeUnit::Microseconds.timestamp(1427316488123456)?;
    assert!(seconds < milliseconds && milliseconds < microseconds);

    let machine = client.create_data_store(&["rpm", "running", "state"])?;
    machine.add(
        now,
        [("rpm", Reading::from(1450)), ("running", true.into()), ("state", "warming up".into())],
    )?;

    for (column, wrong) in
        [("rpm", Reading::from("fast")), ("rpm", f64::INFINITY.into()), ("speed", 5.into())]
    {
        if let Err(error) = machine.add(now, [(column, wrong)]) {
            eprintln!("{error}");
        }
    }

    match client.send_within(Duration::from_secs(30)) {
        Ok(rows) => eprintln!("{rows} rows are stored"),
        Err(error) if error.remedy() == Remedy::Retry => eprintln!("later: {error}"),
        Err(error) => eprintln!("the operator is needed: {error}"),
    }
    for batch in client.rejected()? {
        eprintln!("never: {} rows: {}", batch.rows, batch.message);
    }

    Client::builder(project, &token).register_or_set_id("leaf-7").build()?;

    let leaf = client.create_data_store_for(&"leaf-7".parse()?, &["soil"])?;
    leaf.add(client.now(), [("soil", 31.5)])?;
    client.send()?;

    let times = vec![1427316488000000, 1427316489000000];
    let power = Column::new("power".parse()?, Values::Double(vec![5.5, 6.5]), None)?;
    client.write(Batch::new(NamespaceName::input(), times, vec![power])?)?;
    client.send()?;

    let newest = client.query(&Query::data("input", Some("temperature")).param("limit", 3))?;
    eprintln!("{newest}");
    client.close(Duration::from_secs(5))?;
    Ok(())
}

fn getting_started() -> Result<(), Box<dyn Error>> {
    let project = std::env::var("IOBEAM_PROJECT")?.parse()?;
    let token = std::env::var("IOBEAM_TOKEN")?;
    let client =
        iobeam::Client::builder(project, &token).save_to_disk(".").register_device().build()?;
    let conditions = client.create_data_store(&["temperature", "humidity"])?;
    conditions.add(client.now(), [("temperature", 21.5), ("humidity", 40.0)])?;
    client.send()?;
    drop((conditions, client));
    let client = iobeam::Client::builder(project, &token)
        .save_to_disk(".")
        .register_device()
        .spool("spool")
        .auto_send(Duration::from_secs(10))
        .build()?;
    client.close(Duration::from_secs(5))?;
    Ok(())
}

fn offline() -> Result<(), Box<dyn Error>> {
    use iobeam::Client;
    let project = std::env::var("IOBEAM_PROJECT")?.parse()?;
    let token = std::env::var("IOBEAM_TOKEN")?;
    let client = Client::builder(project, &token)
        .save_to_disk(".")
        .register_device()
        .spool("spool")
        .spool_limit(64 << 20)
        .when_full(WhenFull::DropOldest)
        .auto_send(Duration::from_secs(10))
        .build()?;
    let store = client.create_data_store(&["temperature"])?;
    store.add(client.now(), [("temperature", 21.5)])?;
    client.flush()?;
    let status = client.status();
    eprintln!("{} rows wait, the oldest for {:?}", status.waiting_rows, status.oldest);
    eprintln!(
        "{} sent, {} dropped, {} refused",
        status.sent_rows, status.dropped_rows, status.rejected_rows
    );
    client.close(Duration::from_secs(5))?;
    Ok(())
}
