use super::*;

fn json<T: Serialize>(thing: &T) -> String {
    serde_json::to_string(thing).expect("plain data")
}

fn moment() -> Timestamp {
    date::parse("2016-07-29T08:19:47Z").expect("a date")
}

#[test]
fn dates_are_read_in_both_spellings_and_with_offsets() {
    for text in [
        "2016-07-29T08:19:47Z",
        "2016-07-29T08:19:47+00:00",
        "2016-07-29T10:19:47+02:00",
        "2016-07-29 08:19:47 +0000",
        "2016-07-29 08:19:47",
    ] {
        assert_eq!(
            date::parse(text),
            Some(Timestamp::from_micros(1_469_780_387_000_000)),
            "{text}"
        );
    }
    for text in ["", "yesterday", "2016-13-01T00:00:00Z", "2016-07-29"] {
        assert_eq!(date::parse(text), None, "{text}");
    }
}

#[test]
fn dates_have_no_fractions() {
    let time = moment().plus(std::time::Duration::from_micros(999_999));
    assert_eq!(date::format_created(time), "2016-07-29T08:19:47Z");
    assert_eq!(date::format_expires(time), "2016-07-29 08:19:47 +0000");
}

#[test]
fn a_moment_beyond_the_calendar_is_still_written() {
    for micros in [i64::MIN, i64::MAX] {
        assert!(!date::format_created(Timestamp::from_micros(micros)).is_empty());
    }
}

#[test]
fn a_device_is_written_without_blanks_and_with_the_members_that_clients_need() {
    let device = DeviceObject {
        device_id: "d:1".parse().expect("an id"),
        project_id: ProjectId::new(102).expect("positive"),
        device_name: "n".into(),
        device_type: None,
        created: moment(),
        last_seen: None,
        state: None,
        statistics: None,
    };
    insta::assert_snapshot!(json(&device), @r#"{"device_id":"d:1","project_id":102,"device_name":"n","created":"2016-07-29T08:19:47Z"}"#);
    assert_eq!(serde_json::from_str::<DeviceObject>(&json(&device)).expect("its own text"), device);
}

#[test]
fn a_user_token_has_no_project_and_a_project_token_has_all_of_it() {
    let mut reply = TokenReply {
        token: "t".into(),
        expires: moment(),
        created: moment(),
        user_id: 101,
        project: None,
    };
    insta::assert_snapshot!(json(&reply), @r#"{"token":"t","expires":"2016-07-29 08:19:47 +0000","created":"2016-07-29 08:19:47 +0000","user_id":101}"#);
    assert_eq!(serde_json::from_str::<TokenReply>(&json(&reply)).expect("its own text"), reply);
    reply.project = Some(TokenProject {
        project_id: ProjectId::new(6).expect("positive"),
        permissions: Permissions::ALL,
    });
    insta::assert_snapshot!(json(&reply), @r#"{"token":"t","expires":"2016-07-29 08:19:47 +0000","created":"2016-07-29 08:19:47 +0000","user_id":101,"project_id":6,"read":true,"write":true,"admin":true}"#);
    assert_eq!(serde_json::from_str::<TokenReply>(&json(&reply)).expect("its own text"), reply);
}

#[test]
fn permissions_are_truths_in_a_list_and_holders_in_a_project() {
    let user = UserId::new(101).expect("positive");
    let holders: Holders =
        [(user, Permissions { read: true, write: false, admin: true })].into_iter().collect();
    insta::assert_snapshot!(json(&PermissionsReply { permissions: holders }), @r#"{"permissions":{"read":[{"user_id":101}],"write":[],"admin":[{"user_id":101}]}}"#);
}

#[test]
fn a_time_before_1970_has_positive_microseconds() {
    let reply = TimevalReply { server_timestamp: Timestamp::from_micros(-1).into() };
    assert_eq!(json(&reply), r#"{"server_timestamp":{"sec":-1,"usec":999999}}"#);
}

#[test]
fn a_reply_tells_a_repeat_only_when_it_is_one() {
    assert_eq!(json(&ImportReply::on_disk(5, false)), r#"{"stored":5,"durable":"disk"}"#);
    assert_eq!(
        json(&ImportReply::on_disk(5, true)),
        r#"{"stored":5,"durable":"disk","repeat":true}"#
    );
}
