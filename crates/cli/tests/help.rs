//! Help, version, completions, manual pages of the program.

mod support;

use std::io::pipe;
use std::path::Path;
use std::process::Stdio;
use support::{kinophone, matches, succeed};

const COMMANDS: [&str; 16] = [
    "prepare",
    "sounds",
    "train",
    "import",
    "render",
    "revoice",
    "texture",
    "credits",
    "ledger",
    "eval",
    "gallery",
    "inspect",
    "demo",
    "doctor",
    "completions",
    "man",
];

fn said(args: &[&str]) -> String {
    String::from_utf8(succeed(Path::new("."), args).stdout).unwrap()
}

#[test]
fn the_program_has_help() {
    matches("kinophone", &said(&["--help"]));
}

#[test]
fn every_command_has_help_with_examples() {
    for command in COMMANDS {
        let help = said(&[command, "--help"]);
        let examples = help.matches(&format!("\n    kinophone {command} ")).count()
            + help.matches(&format!("\n    kinophone {command}\n")).count();
        assert!((2..=4).contains(&examples), "{command} has {examples} examples");
        matches(command, &help);
    }
}

#[test]
fn every_example_is_a_command_line_that_parses() {
    for command in COMMANDS {
        let help = said(&[command, "--help"]).replace("\\\n", " ");
        for line in help.lines().map(str::trim).filter(|l| l.starts_with("kinophone ")) {
            // Up to a pipe or a redirection; quotes only ever hold a word with a space.
            let line = line.split(['|', '>']).next().unwrap();
            let words: Vec<String> = line
                .split('\'')
                .enumerate()
                .flat_map(|(i, part)| match i % 2 {
                    0 => part.split_whitespace().map(String::from).collect(),
                    _ => vec![part.to_owned()],
                })
                .skip(1)
                .chain(["--help".to_owned()])
                .collect();
            succeed(Path::new("."), &words);
            let known = said(&[command, "--help"]);
            for option in words.iter().filter(|w| w.starts_with("--")) {
                assert!(known.contains(option.as_str()), "{line}: {option}");
            }
        }
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&said(&["completions", "fish", "--json"])).unwrap();
    assert_eq!(json["shell"], "fish");
    assert_eq!(json["script"].as_str(), Some(&*said(&["completions", "fish"])));
}

#[test]
fn every_command_has_a_manual_page() {
    let main = said(&["man"]);
    assert!(main.contains(".TH KINOPHONE 1"), "{main}");
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("new/man1");
    succeed(home.path(), &["man", "--quiet", "-o", folder.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(folder.join("kinophone.1")).unwrap(), main);
    for command in COMMANDS {
        let page = std::fs::read_to_string(folder.join(format!("kinophone-{command}.1"))).unwrap();
        assert!(page.contains("Examples:") && page.contains(".SH OPTIONS"), "{command}: {page}");
    }
    // Commands of commands have pages, too.
    assert!(folder.join("kinophone-ledger-show.1").exists());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1 + COMMANDS.len() + 4);
}

#[test]
fn a_reader_that_goes_away_gets_no_message_but_the_exit_code_tells() {
    for args in [&["completions", "zsh"][..], &["man"], &["--help"], &["completions", "zsh", "--json"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output =
            kinophone(Path::new(".")).args(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.is_empty(), "{args:?}: {:?} {said}", output.status);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = kinophone(Path::new(".")).args(["completions", "zsh"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the disk is full"));
}
