//! The reference page of the settings says what the settings say.

use std::fmt::Write;
use std::path::Path;

use iobeam_server::config::SETTINGS;

const HEAD: &str = "# Settings

A flag of `iobeam serve` wins over the environment, the environment over the file that `--config` names, the file over the default. The file is TOML with a
line `name = value` each. An unknown name is refused, with the nearest one that there is. `iobeam serve --print-config` shows what is in force and where it comes from.

Sizes are bytes or end in `KiB`, `MiB`, `GiB`; times end in `s`, `m`, `h`, `d`.

| name | value | default | environment | |
| --- | --- | --- | --- | --- |
";

#[test]
fn the_page_of_the_settings_is_up_to_date() {
    let mut page = HEAD.to_owned();
    for setting in SETTINGS {
        let default = match setting.default {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let (name, value, help) = (setting.name, setting.value_name, setting.help);
        writeln!(page, "| `{name}` | {value} | {default} | `{}` | {help} |", setting.env())
            .expect("a text grows");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/settings.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, page, "run this test with UPDATE_DOCS=1 to write the page anew");
}
