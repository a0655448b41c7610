//! The demo: what it makes, what it says of it, and what it leaves alone.

mod support;

use serde_json::Value;
use std::fs;
use support::Home;

/// With a film and a training that are too short for good figures: those are checked by `.ci/run` at their real length.
const SHORT: &str = "--seconds 40 --minutes 0.1";

#[test]
fn a_demo_is_whole_and_replaces_an_earlier_one() {
    let home = Home::new();
    fs::create_dir(home.at("d")).unwrap();
    for name in ["demo.json", "old"] {
        fs::write(home.at("d").join(name), "{}").unwrap();
    }
    let (said, notes) = home.run(&format!("demo -o @d {SHORT}"));
    assert_eq!(notes, "");
    let path = |name: &str| home.at("d").join(name).to_str().unwrap().to_owned();
    assert_eq!(said["folder"].as_str(), Some(home.at("d").to_str().unwrap()));
    assert_eq!(said["film"].as_str(), Some(&*path("etude-2-kinophone.mp4")));
    assert_eq!(said["report"].as_str(), Some(&*path("report/index.html")));
    assert_eq!(said["events"], 30);
    assert!(said["hits"].as_u64().unwrap() > 0 && said["contrast_db"].as_f64().unwrap() > 0.0, "{said}");
    assert!(said["invented"].is_u64(), "{said}");

    let mut names: Vec<_> =
        fs::read_dir(home.at("d")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let made = [
        "demo.json",
        "etude-1.json",
        "etude-1.mp4",
        "etude-2-kinophone.mp4",
        "etude-2-kinophone.png",
        "etude-2-own.png",
        "etude-2.json",
        "etude-2.mp4",
        "etude.brain",
        "report",
    ];
    assert_eq!(names, made);
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 1, "something was left beside the demo");
    let about: Value = serde_json::from_slice(&fs::read(home.at("d/demo.json")).unwrap()).unwrap();
    assert_eq!((&about["hits"], &about["seed"]), (&said["hits"], &0.into()));

    // The brain is the one that `train` makes by default, and nothing in the folder tells of its temporary name.
    let brain = home.run("inspect @d/etude.brain").0;
    assert!(brain["members"].is_array() || brain["config"]["members"].is_array(), "{brain}");
    let report = fs::read_to_string(home.at("d/report/report.json")).unwrap();
    assert!(report.contains("etude-2.mp4") && !report.contains(".kinophone-"));
}

#[test]
fn a_folder_that_no_demo_made_is_left_alone() {
    let home = Home::new();
    fs::create_dir(home.at("films")).unwrap();
    fs::write(home.at("films/etude-1.mp4"), "mine").unwrap();
    let said = home.refuse("demo -o @films");
    assert!(said.contains("a folder with other things in it (there is no demo.json)"), "{said}");
    assert_eq!(fs::read_to_string(home.at("films/etude-1.mp4")).unwrap(), "mine");
    fs::write(home.at("file"), "mine").unwrap();
    assert!(home.refuse("demo -o @file").contains("is no folder"));
    assert!(home.refuse("demo -o @films/..").contains("can't be replaced"));
    assert!(home.refuse("demo -o @none/demo").contains("the folder above it does not exist"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing() {
    use std::process::{Command, Stdio};
    let home = Home::new();
    let mut child = support::kinophone(home.0.path())
        .args(home.words("demo -o @d"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its temporary folder holds the first film when drawing is over and learning begins.
    let learning = || {
        let mut folders = fs::read_dir(home.0.path()).unwrap().map(|e| e.unwrap().path());
        folders.any(|folder| folder.join("etude-2.json").exists())
    };
    while !learning() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("the same command starts again"), "{said}");
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 0, "something was left");
}
