//! `iobeam device`: the devices of a project.

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::api::Call;
use crate::failure::Failure;
use crate::output::{Grid, date, moment, text};
use crate::session::{ProjectFlag, Session};

/// The verbs of devices.
#[derive(clap::Subcommand)]
pub(crate) enum Device {
    /// Register a device
    Create(Create),
    /// Show a device
    Get(Get),
    /// List the devices
    #[command(visible_alias = "ls")]
    List(List),
    /// Change a device's name or type
    Update(Update),
    /// Remove a device; its readings stay
    Delete(Delete),
}

/// A new device.
#[derive(clap::Args)]
pub(crate) struct Create {
    #[command(flatten)]
    project: ProjectFlag,
    /// Its id; made by the server when left out
    #[arg(long)]
    id: Option<String>,
    /// Its name; made by the server when left out
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What kind of device it is
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

/// Which device.
#[derive(clap::Args)]
pub(crate) struct Get {
    #[command(flatten)]
    project: ProjectFlag,
    /// The device's id
    #[arg(long, required_unless_present = "name", conflicts_with = "name")]
    id: Option<String>,
    /// The device's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Count its rows as well, and show the times of the first and the last
    #[arg(long)]
    stats: bool,
}

/// In which order.
#[derive(clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    project: ProjectFlag,
    /// The order; `-r` is the reverse
    #[arg(long, value_enum, default_value = "date")]
    order: Order,
    /// Count the rows of each as well
    #[arg(long)]
    stats: bool,
}

/// An order of devices.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Date,
    DateR,
    Id,
    IdR,
    Name,
    NameR,
}

/// What to change.
#[derive(clap::Args)]
pub(crate) struct Update {
    #[command(flatten)]
    project: ProjectFlag,
    /// The device's id
    #[arg(long)]
    id: String,
    /// New name
    #[arg(long, value_name = "NAME", required_unless_present = "kind")]
    name: Option<String>,
    /// New type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

/// Which device.
#[derive(clap::Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    project: ProjectFlag,
    /// The device's id
    #[arg(long)]
    id: String,
}

impl Device {
    /// Does what the verb says.
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session),
            Self::Get(get) => get.run(session),
            Self::List(list) => list.run(session),
            Self::Update(update) => update.run(session),
            Self::Delete(delete) => delete.run(session),
        }
    }
}

impl Create {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let request = members(project, self.id, self.name, self.kind);
        let device =
            session.as_project(project, Call::post(&["devices"]).json(&request)?)?.json()?;
        if session.out.wants_json() {
            return session.out.json(&device);
        }
        let (id, name) = (text(&device, "device_id"), text(&device, "device_name"));
        session.out.done(&format!("device {id} '{name}' registered in project {project}"))?;
        session.out.hint(&format!(
            "send a reading: iobeam import --device {id} --fields temperature --values 21.5"
        ));
        Ok(())
    }
}

impl Get {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let call = match (self.id, self.name) {
            (Some(id), _) => Call::get(&["devices", &valid(&id)?]),
            (None, name) => Call::get(&["devices"]).with_some("name", name),
        };
        let mut device = session.as_project(project, call)?.json()?;
        if self.stats {
            let call = Call::get(&["devices", &text(&device, "device_id"), "statistics"]);
            device["statistics"] = session.as_project(project, call)?.json()?;
        }
        if session.out.wants_json() {
            return session.out.json(&device);
        }
        let stats = &device["statistics"];
        session.out.record(&[
            ("device", text(&device, "device_id")),
            ("name", text(&device, "device_name")),
            ("type", text(&device, "device_type")),
            ("project", text(&device, "project_id")),
            ("created", date(&device["created"])),
            ("last seen", date(&device["last_seen"])),
            ("rows", text(stats, "rows")),
            ("first row", moment(&stats["first_time"])),
            ("last row", moment(&stats["last_time"])),
        ])
    }
}

impl List {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let stats = self.stats.then_some("true");
        let call = Call::get(&["devices"]).with("project_id", project);
        let call = call.with_some("statistics", stats);
        let mut reply = session.as_project(project, call)?.json()?;
        if let Some(devices) = reply["devices"].as_array_mut() {
            self.order.sort(devices);
        }
        if session.out.wants_json() {
            return session.out.json(&reply);
        }
        let mut headings = vec!["id", "name", "type", "created", "last seen"];
        if self.stats {
            headings.extend(["rows", "first row", "last row"]);
        }
        let mut grid = Grid::with_headings(headings.into_iter().map(String::from).collect());
        for device in reply["devices"].as_array().into_iter().flatten() {
            let mut cells = vec![
                text(device, "device_id"),
                text(device, "device_name"),
                text(device, "device_type"),
                date(&device["created"]),
                date(&device["last_seen"]),
            ];
            let figures = &device["statistics"];
            if self.stats {
                let times = ["first_time", "last_time"].map(|member| moment(&figures[member]));
                cells.push(text(figures, "rows"));
                cells.extend(times);
            }
            grid.row(cells);
        }
        if grid.is_empty() {
            session.out.hint("register one: iobeam device create --id my-device");
        }
        session.out.table(&grid, "no devices")
    }
}

impl Order {
    fn sort(self, devices: &mut [Value]) {
        let member = match self {
            Self::Date | Self::DateR => "created",
            Self::Id | Self::IdR => "device_id",
            Self::Name | Self::NameR => "device_name",
        };
        devices.sort_by_cached_key(|device| (text(device, member), text(device, "device_id")));
        if matches!(self, Self::DateR | Self::IdR | Self::NameR) {
            devices.reverse();
        }
    }
}

impl Update {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let id = valid(&self.id)?;
        let request = members(project, Some(self.id), self.name, self.kind);
        let call = Call::patch(&["devices", &id]).json(&request)?;
        let changed = session.as_project(project, call)?.status != 204;
        if session.out.wants_json() {
            return session.out.json(&json!({"device_id": id, "changed": changed}));
        }
        let what = if changed { "changed" } else { "is so already" };
        session.out.done(&format!("device {id} {what}"))
    }
}

impl Delete {
    fn run(self, session: &Session) -> Result<()> {
        let project = session.project(self.project)?;
        let id = valid(&self.id)?;
        session.as_project(project, Call::delete(&["devices", &id]))?;
        if session.out.wants_json() {
            return session.out.json(&json!({"device_id": id, "deleted": true}));
        }
        session.out.done(&format!("device {id} removed; its readings stay"))
    }
}

/// The id, if it can be one: `.` and the like would name another path of the server.
fn valid(id: &str) -> Result<String> {
    match id.parse::<iobeam_model::DeviceId>() {
        Ok(id) => Ok(id.to_string()),
        Err(error) => Err(Failure::usage(format!("'{id}' is no device id: {error}")).into()),
    }
}

fn members(
    project: u32,
    id: Option<String>,
    name: Option<String>,
    kind: Option<String>,
) -> Map<String, Value> {
    let given = [("device_id", id), ("device_name", name), ("device_type", kind)];
    let mut members: Map<_, _> = given
        .into_iter()
        .filter_map(|(member, value)| Some((member.to_owned(), Value::String(value?))))
        .collect();
    members.insert(String::from("project_id"), project.into());
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_sorted_as_asked() {
        let device = |id: &str, name: &str, created: &str| json!({"device_id": id, "device_name": name, "created": created});
        let mut devices = [
            device("b", "x", "2016-01-02"),
            device("a", "z", "2016-01-03"),
            device("c", "y", "2016-01-01"),
        ];
        let mut ids = |order: Order| {
            order.sort(&mut devices);
            devices.iter().map(|device| text(device, "device_id")).collect::<String>()
        };
        assert_eq!(ids(Order::Date), "cba");
        assert_eq!(ids(Order::DateR), "abc");
        assert_eq!(ids(Order::Id), "abc");
        assert_eq!(ids(Order::IdR), "cba");
        assert_eq!(ids(Order::Name), "bca");
        assert_eq!(ids(Order::NameR), "acb");
    }

    #[test]
    fn an_id_that_would_change_the_path_is_refused_before_it_is_sent() {
        for id in [".", "..", "a/b", "", "a b"] {
            assert!(valid(id).is_err(), "{id:?}");
        }
        assert!(valid("my-dev:1_x").is_ok());
    }
}
