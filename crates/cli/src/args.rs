//! The original's way to write flags, turned into today's before the command is parsed.
//!
//! ```text
//! -projectId=5        ─▶ --projectId=5          (an alias of --project-id)
//! -values -12.5,3     ─▶ --values=-12.5,3       (a flag with a value takes the next word, whatever it is)
//! -read  -read=false  ─▶ --read  --read=false   (a boolean never takes the next word)
//! ```
//!
//! Only words that stand where a flag may stand are touched: not values, nothing after `--`, no one-letter flags.

use std::collections::HashMap;
use std::ffi::OsString;

use clap::Command;

/// What a flag does with the word after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
}

/// The flags that may stand at one place of the command line.
struct Flags {
    long: HashMap<String, Takes>,
    short: HashMap<char, Takes>,
}

impl Flags {
    fn of(command: &Command) -> Self {
        let mut long = HashMap::new();
        let mut short = HashMap::new();
        for flag in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let alone = !flag.get_action().takes_values() || flag.is_require_equals_set();
            let takes = if alone { Takes::Nothing } else { Takes::Value };
            let names = flag.get_long_and_visible_aliases().unwrap_or_default();
            let hidden = flag.get_all_aliases().unwrap_or_default();
            long.extend(names.into_iter().chain(hidden).map(|name| (name.to_owned(), takes)));
            short.extend(flag.get_short().map(|letter| (letter, takes)));
        }
        Self { long, short }
    }

    /// The word as a flag: its name, its value if it has one, and what it takes.
    fn read<'a>(&self, word: &'a str) -> Option<(&'a str, Option<&'a str>, Takes)> {
        let single = word.strip_prefix('-')?;
        let bare = single.strip_prefix('-').unwrap_or(single);
        let (name, value) =
            bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        if let Some(takes) = self.long.get(name) {
            return Some((name, value, *takes));
        }
        let letter = name.chars().next()?;
        let is_short = bare.len() == single.len() && self.short.contains_key(&letter);
        // An unknown word becomes a long flag too, so that clap names it whole in its refusal.
        (!is_short && name.len() > 1).then_some((name, value, Takes::Nothing))
    }

    /// Whether the word is a one-letter flag whose value is the next word.
    fn is_short_with_value(&self, word: &str) -> bool {
        let mut letters = word.chars();
        letters.next() == Some('-')
            && letters.next().is_some_and(|c| self.short.get(&c) == Some(&Takes::Value))
            && letters.next().is_none()
    }
}

/// Rewrites the words of a command line (the first is the program) to clap's form. `command` must have been built.
pub(crate) fn rewrite(command: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let mut here = command;
    let mut flags = Flags::of(here);
    let mut words = words.into_iter();
    let mut done: Vec<OsString> = words.next().into_iter().collect();
    while let Some(word) = words.next() {
        let Some(text) = word.to_str() else {
            done.push(word);
            continue;
        };
        if text == "--" {
            done.push(word);
            break;
        }
        if let Some((name, value, takes)) = flags.read(text) {
            let value = match value {
                Some(value) => Some(OsString::from(value)),
                None if takes == Takes::Value => words.next(),
                None => None,
            };
            let mut flag = OsString::from(format!("--{name}"));
            if let Some(value) = value {
                flag.push("=");
                flag.push(value);
            }
            done.push(flag);
        } else if flags.is_short_with_value(text) {
            done.push(word);
            done.extend(words.next());
        } else {
            if let Some(next) = here.find_subcommand(text) {
                here = next;
                flags = Flags::of(here);
            }
            done.push(word);
        }
    }
    done.extend(words);
    done
}

/// Reads a boolean as the original did: `true`, `T`, `1` and so on.
///
/// # Errors
/// When the text is neither.
pub(crate) fn truth(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err(String::from("use true or false")),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn tree() -> Command {
        let values = Arg::new("values").long("values").action(ArgAction::Append);
        let project = Arg::new("project").long("project-id").alias("projectId");
        let read = Arg::new("read")
            .long("read")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true");
        let file = Arg::new("file").short('o').long("output");
        let json = Arg::new("json").long("json").action(ArgAction::SetTrue).global(true);
        let import = Command::new("import").args([values, project, read, file]);
        let mut tree = Command::new("iobeam").arg(json).subcommand(import);
        tree.build();
        tree
    }

    fn rewritten(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        let words = rewrite(&tree(), words);
        words.iter().map(|word| word.to_str().expect("text")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_dash_becomes_two() {
        assert_eq!(rewritten("iobeam import -projectId=5"), "iobeam import --projectId=5");
        assert_eq!(rewritten("iobeam import -projectId 5"), "iobeam import --projectId=5");
        assert_eq!(rewritten("iobeam import --project-id 5"), "iobeam import --project-id=5");
    }

    #[test]
    fn a_value_may_begin_with_a_dash() {
        assert_eq!(rewritten("iobeam import -values -12.5,3"), "iobeam import --values=-12.5,3");
        assert_eq!(rewritten("iobeam import -values -read"), "iobeam import --values=-read");
    }

    #[test]
    fn a_boolean_leaves_the_next_word_alone() {
        assert_eq!(rewritten("iobeam import -read -json"), "iobeam import --read --json");
        assert_eq!(rewritten("iobeam import -read=false x"), "iobeam import --read=false x");
    }

    #[test]
    fn a_global_flag_is_known_at_each_place() {
        assert_eq!(rewritten("iobeam -json import -json"), "iobeam --json import --json");
    }

    #[test]
    fn one_letter_flags_and_what_follows_two_dashes_stay() {
        assert_eq!(rewritten("iobeam import -o -read"), "iobeam import -o -read");
        assert_eq!(rewritten("iobeam import -ofile"), "iobeam import -ofile");
        assert_eq!(rewritten("iobeam import -- -read"), "iobeam import -- -read");
        assert_eq!(rewritten("iobeam import -h"), "iobeam import -h");
    }

    #[test]
    fn an_unknown_word_is_refused_whole_and_numbers_are_values() {
        assert_eq!(rewritten("iobeam import -unknown"), "iobeam import --unknown");
        assert_eq!(rewritten("iobeam import -12.5"), "iobeam import -12.5");
    }

    #[test]
    fn a_missing_value_is_left_for_clap_to_miss() {
        assert_eq!(rewritten("iobeam import -values"), "iobeam import --values");
    }

    #[test]
    fn booleans_are_read_as_the_original_read_them() {
        assert_eq!(["T", "1", "true", "TRUE"].map(truth), [const { Ok(true) }; 4]);
        assert_eq!(["F", "0", "false"].map(truth), [const { Ok(false) }; 3]);
        assert!(truth("yes").is_err());
    }
}
