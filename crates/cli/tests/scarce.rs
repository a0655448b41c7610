//! Films with next to nothing in them, and brains that want what a film or corpus does not have: what can be
//! learned is learned, what is missing is said.

mod support;

use kinophone::etude::{Etude, EtudeConfig};
use kinophone::media::Ffmpeg;
use kinophone::task::{Cancel, Quiet, Task};
use serde_json::Value;
use std::path::Path;
use std::process::Output;
use support::{Home, decode_sound, kinophone, small_film};

const MOVING: &str = "testsrc2=size=128x96:rate=25";
const BEEPS: &str = "sine=frequency=330:beep_factor=3:sample_rate=22050";
const QUICK: &str = "--steps 6 --no-live --net tcn";

fn loudest(sound: &[f32]) -> f32 {
    sound.iter().fold(0.0, |most, x| x.abs().max(most))
}

#[test]
fn films_with_little_in_them_make_brains_that_say_so() {
    let home = Home::new();
    small_film(&home.at("other.mp4"), 3);
    let still = format!("{MOVING},select=eq(n\\,0),loop=-1:1,setpts=N/25/TB");
    for (name, picture, sound, lack) in [
        ("still.mkv", &*still, BEEPS, "hardly anything moves"),
        ("grey.mkv", "color=gray:size=128x96:rate=25", BEEPS, "hardly anything moves"),
        ("silent.mkv", MOVING, "anullsrc=r=22050", "hardly anything is to be heard"),
        ("steady.mkv", MOVING, "sine=frequency=330:sample_rate=22050", "their loudness never changes"),
        ("nothing.mkv", "color=gray:size=128x96:rate=25", "anullsrc=r=22050", "hardly anything moves"),
    ] {
        home.draw(name, picture, sound, "8");
        let (said, told) = home.run(&format!("train @{name} -o @{name}.brain {QUICK}"));
        assert!(told.contains("there is little to learn") && told.contains(lack), "{name}: {told}");
        assert!(said["lacks"].as_array().unwrap().contains(&lack.into()), "{name}: {said}");
        let sound = home.play(&format!("{name}.brain"), "other.mp4", "");
        assert!(sound.len().abs_diff(3 * 22_050) < 900, "{name}: {}", sound.len());
        if matches!(name, "silent.mkv" | "nothing.mkv") {
            assert_eq!(loudest(&sound), 0.0, "{name}");
        }
        let facts = String::from_utf8(home.succeed(&format!("inspect @{name}.brain")).stdout).unwrap();
        assert!(facts.contains(lack), "{facts}");
    }
    // A film that has everything is not complained about.
    home.draw("lively.mkv", MOVING, BEEPS, "8");
    let (said, told) = home.run(&format!("train @lively.mkv -o @lively.brain {QUICK}"));
    assert_eq!((said["lacks"].as_array().unwrap().len(), told.as_str()), (0, ""));
}

#[test]
fn films_of_a_moment_are_learned_from_and_played_to() {
    let home = Home::new();
    home.draw("long.mkv", MOVING, BEEPS, "12");
    home.run("train @long.mkv -o @long.brain --steps 6");
    for seconds in ["0.04", "0.12", "0.4"] {
        // Shorter than any look-ahead, down to a single picture.
        let film = format!("{seconds}.mkv");
        home.draw(&film, MOVING, BEEPS, seconds);
        let wanted = (seconds.parse::<f64>().unwrap() * 22_050.0) as usize;
        for more in ["", " --live", " --live --delay 30", " --synth spectral"] {
            let sound = home.play("long.brain", &film, more);
            assert!(sound.len().abs_diff(wanted) < 2, "{seconds}{more}: {} for {wanted}", sound.len());
        }
        if seconds == "0.04" {
            assert!(home.refuse(&format!("train @{film} -o @{seconds}.brain")).contains("no two pictures"));
            continue;
        }
        let (said, told) = home.run(&format!("train @{film} -o @{seconds}.brain {QUICK}"));
        assert!(told.contains("longer than half a second") && said["prospects"].is_null(), "{told}");
        let sound = home.play(&format!("{seconds}.brain"), "long.mkv", "");
        assert!(sound.len().abs_diff(12 * 22_050) < 900);
    }
}

#[test]
fn films_of_one_block_hold_nothing_out_or_all_of_it() {
    let home = Home::new();
    home.draw("film.mkv", MOVING, BEEPS, "9");
    home.draw("other.mkv", MOVING, BEEPS, "4");
    let text = |output: Output| String::from_utf8(output.stdout).unwrap();
    let said = text(home.succeed(&format!("train @film.mkv -o @a.brain {QUICK}")));
    assert!(said.contains("It was not evaluated: no film is long enough"), "{said}");
    let said = text(home.succeed(&format!("train @film.mkv -o @none.brain {QUICK} --hold-out none")));
    assert!(said.contains("no block was held out of the training"), "{said}");
    for preset in ["", " --preset classic --epochs 1"] {
        let said = home.refuse(&format!("train @film.mkv -o @b.brain --hold-out fold0{preset}"));
        assert!(said.contains("all pictures lie in held-out blocks") && said.contains("--hold-out none"));
    }
    assert!(home.refuse("eval @a.brain -o @report").contains("no block of ten seconds of it was held out"));
    assert!(home.refuse("eval @none.brain -o @report").contains("was learned whole by this brain"));
    // On a film that it never saw it can be judged all the same.
    let (said, _) = home.run("eval @none.brain @other.mkv -o @report");
    assert_eq!(said["films"][0]["learned"], false);
    assert!(!home.at("b.brain").exists());
}

#[test]
fn what_a_brain_wants_is_read_again_or_refused() {
    let home = Home::new();
    home.draw("film.mkv", MOVING, BEEPS, "6");
    home.run("prepare @film.mkv -o @grey --size 128");
    let said = home.refuse(&format!("train @grey -o @c.brain --see motion,colour {QUICK}"));
    assert!(said.contains("the brain wants colour") && said.contains("--colour"), "{said}");
    assert!(!home.at("c.brain").exists());

    // The film is in the cache in grey, and is read again for a brain that sees colour, and the other way
    // round.
    home.run(&format!("train @film.mkv -o @grey.brain {QUICK}"));
    home.run(&format!("train @film.mkv -o @colour.brain --see motion,colour {QUICK}"));
    for brain in ["grey.brain", "colour.brain"] {
        assert!(loudest(&home.play(brain, "film.mkv", "")) > 0.0, "{brain}");
    }
    // Another tick than that of the brains before, from the same corpus.
    let (said, _) = home.run(&format!("train @grey -o @slow.brain --tick 12.5 {QUICK}"));
    assert_eq!(said["verdict"], Value::Null);
    let sound = home.play("slow.brain", "film.mkv", "");
    assert!(sound.len().abs_diff(6 * 22_050) < 900 && loudest(&sound) > 0.0);
    home.draw("other.mkv", MOVING, BEEPS, "3");
    for brain in ["colour.brain", "slow.brain"] {
        let (said, _) = home.run(&format!("eval @{brain} @other.mkv -o @{brain}.report"));
        assert_eq!(said["films"][0]["name"], "other.mkv");
    }
}

#[test]
fn a_card_says_what_a_brain_is_and_on_what_terms() {
    let home = Home::new();
    home.draw("film.mkv", MOVING, BEEPS, "22");
    home.succeed(
        "prepare @film.mkv -o @corpus --size 128 --licence CC-BY-4.0 --author A|B --source example.org",
    );
    home.run(&format!("train @corpus -o @a.brain {QUICK} --hold-out fold1"));
    let text = String::from_utf8(home.succeed("inspect @a.brain --card").stdout).unwrap();
    for part in [
        "# a.brain",
        "| film.mkv | 22 seconds | unknown | A\\|B | CC-BY-4.0 | example.org |",
        "plays with it: the file, and every soundtrack that it makes, contain parts of it. Licence: CC-BY-4.0.",
        "| steps | 6 |",
        "| held out | fold1 |",
        "| attacks, correlation |",
        "| noise | ",
        "## Limitations",
        "- Live use: it has no members for it.",
        "it was trained on no more than 11 seconds",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    let black = text.split("| black | ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(black.parse::<f64>().unwrap() <= -60.0, "{black} dBFS");
    assert!(!text.contains("not all terms of its training films are known"), "{text}");

    // The same in a file, and as figures.
    let (said, _) = home.run("inspect @a.brain --card -o @a.md");
    assert_eq!(std::fs::read_to_string(home.at("a.md")).unwrap(), text);
    let card = &said["card"];
    assert_eq!(card["sound"]["licences"], serde_json::json!(["CC-BY-4.0"]));
    assert_eq!((&card["kind"], &card["stillness"][0]["picture"]), (&"ensemble".into(), &"black".into()));
    assert!(card["stillness"][0]["dbfs"].as_f64().unwrap() < -60.0, "{card}");
    assert!(home.refuse("inspect @a.brain --card -o @a.md").contains("exists already"));
    home.succeed("inspect @a.brain --card -o @a.md --force");
    assert!(home.refuse("inspect @film.mkv --card").contains("is not a brain"));
    assert!(home.refuse("inspect @corpus --card -o @b.md").contains("is not a brain"));
    assert!(home.refuse("inspect @a.brain --card -o @a.brain --force").contains("a.brain"));

    // A network of 2015, whose film came without terms.
    home.run("train @film.mkv -o @classic.brain --layers 20 --epochs 1");
    let text = String::from_utf8(home.succeed("inspect @classic.brain --card").stdout).unwrap();
    for part in ["| layers | 4096-20-735 |", "| white | ", "- Fidelity", "carries no sound", "not all terms"]
    {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

#[test]
fn a_live_choice_may_wait_a_little() {
    let home = Home::new();
    let (ffmpeg, cancel) = (Ffmpeg::locate(None).unwrap(), Cancel::default());
    let etude = Etude::new(EtudeConfig::shapes(40, 11)).unwrap();
    etude.write(&ffmpeg, &home.at("film.mkv"), Task { watcher: &Quiet, cancel: &cancel }).unwrap();
    home.run("train @film.mkv -o @a.brain --steps 60 --hold-out none --net tcn");
    let rendered = |more: &str| {
        let (said, _) = home.run(&format!("render @a.brain @film.mkv -o @out.wav --force{more}"));
        (said["latency_ms"].clone(), decode_sound(&home.at("out.wav"), 22_050))
    };
    let (none, whole) = rendered("");
    let (usual, live) = rendered(" --live");
    let (least, greedy) = rendered(" --live --delay 0");
    let (most, patient) = rendered(" --live --delay 30");
    // The ticks that are waited for and the next one, of a thirtieth of a second each.
    assert_eq!((none, usual, least), (Value::Null, 166.7.into(), 33.3.into()));
    assert_eq!(most, 1033.3);
    assert_eq!((whole != live, greedy != live, greedy != patient), (true, true, true));
    assert!([&live, &greedy, &patient].iter().all(|sound| sound.len() == whole.len()));
    assert_eq!(rendered(" --live --delay 4").1, live);
    let output =
        kinophone(home.0.path()).args(home.words("render @a.brain @film.mkv -o @b.wav --delay 2")).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
    assert!(!Path::new(&home.at("b.wav")).exists());
}
