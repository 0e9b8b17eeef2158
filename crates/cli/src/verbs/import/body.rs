//! One row of the command line as the body of an import, in the form that the original command sent.

use serde_json::{Value, json};

use super::Target;

/// Writes one row whose first field is the time in microseconds.
pub(super) fn of_row(target: &Target<'_>, fields: &[String], row: &[Value]) -> Vec<u8> {
    let project = target.project;
    let body = if let Some(device) = &target.device {
        // In this form the server checks the device; labels are columns there.
        let names: Vec<&String> = fields.iter().chain(target.labels.keys()).collect();
        let cells: Vec<&Value> = row.iter().chain(target.labels.values()).collect();
        json!({"project_id": project, "device_id": device, "timefmt": "usec",
            "sources": {"fields": names, "data": [cells]}})
    } else {
        json!({"project_id": project, "namespace": target.namespace, "timefmt": "usec", "labels": target.labels,
            "data": {"fields": fields, "values": [row]}})
    };
    body.to_string().into_bytes()
}
