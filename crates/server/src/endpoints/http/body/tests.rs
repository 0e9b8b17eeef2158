use serde::Deserialize;

use super::query;

#[derive(Debug, Deserialize, PartialEq)]
struct Asked {
    project_id: u32,
    read: Option<bool>,
    name: Option<String>,
}

#[test]
fn booleans_are_read_as_every_client_writes_them() {
    for (text, read) in [("True", true), ("true", true), ("1", true), ("False", false)] {
        let asked: Asked = query::parse(&format!("read={text}&project_id=7")).expect("readable");
        assert_eq!(asked, Asked { project_id: 7, read: Some(read), name: None });
    }
}

#[test]
fn a_wrong_parameter_is_named() {
    let reasons: Vec<String> =
        ["", "project_id=x", "project_id=1&read=maybe", "project_id=1&project_id=2"]
            .iter()
            .map(|text| query::parse::<Asked>(text).expect_err("wrong").details)
            .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    the parameter 'project_id' is missing
    the parameter 'project_id': 'x' is not a whole number from 0 to 4294967295
    the parameter 'read': 'maybe' is neither true nor false
    the parameter 'project_id' stands twice
    ");
}

#[test]
fn blanks_and_escapes_are_decoded_and_strangers_ignored() {
    let asked: Asked = query::parse("project_id=1&name=a+b%3A&new=1").expect("readable");
    assert_eq!(asked.name.as_deref(), Some("a b:"));
}
