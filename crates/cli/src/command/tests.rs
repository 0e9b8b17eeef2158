//! What people read first: the help of each verb, pinned word for word.

use clap::Command;

use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

/// What `--help` prints for each verb. The terminal's width is not what is pinned.
fn helps(command: &Command, path: &str, all: &mut Vec<(String, String)>) {
    let line = format!("{path} --help");
    let shown = tree().term_width(100).try_get_matches_from(words(&line)).expect_err("help");
    all.push((path.replace(' ', "-"), shown.to_string()));
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        helps(verb, &format!("{path} {}", verb.get_name()), all);
    }
}

#[test]
fn the_help_of_each_verb_is_as_it_was() {
    let mut all = Vec::new();
    helps(&tree(), "iobeam", &mut all);
    for (name, help) in all {
        // Settings are the server's to pin, and without it there is one verb less.
        let help = help.split("\nSettings:").next().unwrap_or_default();
        if name != "iobeam" || cfg!(feature = "server") {
            insta::assert_snapshot!(name, help);
        }
    }
}

#[test]
fn the_tree_is_sound() {
    tree().debug_assert();
}

/// Lines of scripts for the original command. Each must be understood, flags of one dash and all.
#[test]
fn scripts_for_the_original_are_understood() {
    for line in [
        "iobeam version",
        "iobeam whoami",
        "iobeam user create -username u -email a@b.c -firstname F -lastname=L -company C -url=http://x -invite=I",
        "iobeam user login -username=u",
        "iobeam user get -name a@b.c",
        "iobeam user update -password new -firstname X",
        "iobeam user verify-email -key=k",
        "iobeam user reset-pw -email=a@b.c",
        "iobeam user reset-pw -key k",
        "iobeam project create -name p",
        "iobeam project get -id 5",
        "iobeam project get -name=p",
        "iobeam project list",
        "iobeam project update -id=5 -name q",
        "iobeam project permissions -id 5",
        "iobeam project add-user -id 5 -userId=7 -read -write=false -admin=true",
        "iobeam project switch -id=5",
        "iobeam project token -id 5 -read -write -admin=false",
        "iobeam device create -projectId=5 -id d -name n -type t",
        "iobeam device get -id d",
        "iobeam device get -name=n",
        "iobeam device list -projectId 5 -order=name-r",
        "iobeam device update -id d -name n",
        "iobeam device delete -id=d",
        "iobeam import -projectId 5 -namespace=input -fields=time,temp -values=1427316488000,-21.5 -label device_id=d -label n=3 -dumpRequest -dumpResponse=true",
        "iobeam import -fields temp -values -21.5 -time -5",
        "iobeam query -projectId=5 -namespace input -field a -field=b -time=1,2 -where=eq(a,1) -where lt(b,2) -groupBy=time(1h) -operator mean -limitBy a,1 -limitPeriods=3 -limit=100 -timeFmt=usec -output csv -dumpRequest",
        "iobeam namespace create -name ns -partitioningField=a -field a:STRING -field=b:DOUBLE -label x=y",
        "iobeam namespace list -projectId=5",
        "iobeam namespace update -id=57 -field c:LONG -label x=z",
        "iobeam profile create -name=p -server http://h -active",
        "iobeam profile info",
        "iobeam profile list",
        "iobeam profile switch -name p",
        "iobeam profile delete -name=p",
    ] {
        let tree = tree();
        let rewritten = crate::args::rewrite(&tree, words(line));
        let matches = tree.try_get_matches_from(rewritten);
        if let Err(refusal) = matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
            panic!("{line}\n{refusal}");
        }
    }
}

#[test]
fn what_is_not_understood_is_said_and_has_status_two() {
    for (line, said) in [
        ("iobeam device list -ordre=id", "unexpected argument '--ordre'"),
        (
            "iobeam device list -order=size",
            "[possible values: date, date-r, id, id-r, name, name-r]",
        ),
        ("iobeam project create", "--name <NAME>"),
        ("iobeam trigger list", "unrecognized subcommand 'trigger'"),
        ("iobeam import -fields a", "--values <LIST>"),
        (
            "iobeam namespace create -name n -partitioningField a -field a:INT",
            "use DOUBLE, LONG, BOOLEAN or STRING",
        ),
    ] {
        let tree = tree();
        let rewritten = crate::args::rewrite(&tree, words(line));
        let refusal = tree.try_get_matches_from(rewritten).expect_err(line);
        let text = refusal.to_string();
        assert!(text.contains(said), "{line}\n{text}");
        assert_eq!(refusal.exit_code(), 2, "{line}");
    }
}
