//! Scores in other programs' formats, as those programs read and play them; credits in films' own tags.

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{Home, ffmpeg, samples, small_film};

const QUICK: &str = "--steps 20 --no-live --net tcn,memory";
const RATE: f64 = 44_100.0;

/// Eight seconds of film, a brain of it, and a library of three recordings: a bell-like tone, a noise, and
/// chords in stereo.
fn studio() -> Home {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 8);
    home.run(&format!("train @film.mp4 -o @b {QUICK}"));
    std::fs::create_dir_all(home.at("sounds")).unwrap();
    for (name, source, more) in [
        ("bell ä.wav", "aevalsrc=0.5*sin(2*PI*700*t)*exp(-4*mod(t\\,1.3)):s=44100", &["-ac", "2"][..]),
        ("rain.flac", "anoisesrc=a=0.2:r=44100:seed=4,tremolo=f=2:d=0.9", &["-ac", "2"]),
        (
            "chords.wav",
            "aevalsrc=0.2*sin(2*PI*220*t)+0.1*sin(2*PI*(331+20*floor(t))*t)|0.2*sin(2*PI*277*t)*mod(t\\,1):s=44100",
            &[],
        ),
    ] {
        let file = home.at("sounds").join(name);
        let words = ["-f", "lavfi", "-i", source, "-t", "5"];
        ffmpeg(&[&words[..], more, &[file.to_str().unwrap()]].concat());
    }
    home.run("sounds @sounds -o @lib --licence CC0-1.0 --author A.Toner --source https://example.org");
    home
}

fn score(home: &Home, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(home.at(name)).unwrap()).unwrap()
}

/// Events of a score as another library reads it.
fn read(home: &Home, kind: &str, name: &str) -> usize {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/scores.py");
    let mut command = Command::new("python3");
    command.args([script.to_str().unwrap(), kind]).args([home.at(name), home.at("s.json")]);
    let output = command.output().expect("python3 is needed: scripts/setup --tests");
    assert!(
        output.status.success(),
        "{name} (scores.py needs what scripts/setup --tests installs): {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// By how many dB Csound's sound of `s.csd` differs from that of `out.wav`.
fn csound_differs(home: &Home) -> f64 {
    support::csound_differs(home, "s.csd", "out.wav")
}

#[test]
fn csound_plays_what_was_rendered() {
    let home = studio();
    for synth in [
        "--tone 0 --attack 0",
        "--tone 0 --attack 0 --loudness -24",
        "--tone 0 --attack 0 --superimpose 2",
        // At their own level short grains of a bell reach the limiter, of which no score knows.
        "--synth granular --loudness -24",
        "--synth granular --drive 0",
        "--synth granular --pitch 0.8 --pitch-spread 3 --children 1 --density 3 --loudness -24",
    ] {
        for sounds in [" --sounds @lib", ""] {
            let line = format!(
                "render @b @film.mp4 -o @out.wav --force {synth}{sounds} --score @s.csd --score @s.json"
            );
            home.run(&line);
            let off = csound_differs(&home);
            println!("{synth}{sounds}: Csound differs by {off:.1} dB");
            assert!(off < -50.0, "{synth}{sounds}: {off:.1} dB");
        }
    }
}

/// Sounds that were brought to the film's pitches have speeds of their own, and each splice another place.
#[test]
fn csound_plays_what_was_tuned() {
    let home = studio();
    home.run("revoice @film.mp4 --sounds @lib -o @out.wav --tune 6 --weights pitch=0 --tone 0 --attack 0 --loudness -24 --score @s.csd --score @s.json");
    let score = score(&home, "s.json");
    let speeds =
        score["pieces"].as_array().unwrap().iter().map(|piece| piece["speed"].as_f64().unwrap().abs());
    let tuned = speeds.filter(|speed| *speed != 1.0).count();
    let off = csound_differs(&home);
    println!("{tuned} pieces tuned, Csound differs by {off:.1} dB");
    assert!(tuned >= 5 && off < -50.0, "{tuned} pieces tuned, {off:.1} dB");
}

/// Pieces of textures have places from left to right, and other speeds.
#[test]
fn csound_plays_textures() {
    let home = studio();
    home.run("sounds @sounds/rain.flac @sounds/chords.wav -o @stereo");
    ffmpeg(&[
        "-i",
        home.at("sounds/chords.wav").to_str().unwrap(),
        "-ac",
        "1",
        home.at("mono.wav").to_str().unwrap(),
    ]);
    home.run("sounds @mono.wav -o @mono");
    for (preset, library) in
        [("strings", "stereo"), ("strings", "mono"), ("drone", "mono"), ("inverse", "stereo")]
    {
        home.run(&format!(
            "texture @film.mp4 --sounds @{library} --preset {preset} -o @out.wav --force --score @s.csd --score @s.json"
        ));
        let places = score(&home, "s.json");
        let moved = places["pieces"].as_array().unwrap().iter().filter(|piece| piece["pan"] != 0.0).count();
        let off = csound_differs(&home);
        println!("{preset}, {library}: {moved} pieces aside, Csound differs by {off:.1} dB");
        assert!(off < -50.0, "{preset}, {library}: {off:.1} dB");
    }
}

#[test]
fn other_programs_read_the_same_pieces() {
    let home = studio();
    for (synth, grains) in [("", false), (" --synth granular", true)] {
        let scores =
            "--score @s.json --score @s.csv --score @s.rpp --score @s.mid --score @s.edl --score @s.csd";
        home.run(&format!("render @b @film.mp4 -o @out.wav --force --sounds @lib{synth} {scores}"));
        let score = score(&home, "s.json");
        let pieces = score["pieces"].as_array().unwrap();
        let whole = pieces.iter().filter(|piece| piece["seconds"].as_f64().unwrap() > 0.0).count();
        assert!(whole > 5 && score["version"] == 2, "{score}");
        assert!(pieces.iter().all(|piece| piece["why"].is_object() || piece["seconds"] == 0.0), "{pieces:?}");
        let counts = ["csv", "rpp", "mid", "edl"].map(|kind| read(&home, kind, &format!("s.{kind}")));
        println!("{synth}: {whole} pieces, {counts:?} as csv, rpp, mid, edl");
        assert_eq!(counts[..3], [pieces.len(), whole, whole]);
        assert!(if grains { counts[3] < whole } else { counts[3] > whole / 2 }, "{counts:?}");
        // What a mosaic's filter does is not in there, and they say so.
        for name in ["s.csd", "s.rpp", "s.edl"] {
            let text = std::fs::read_to_string(home.at(name)).unwrap();
            assert_eq!(text.contains("filtered afterwards"), !grains, "{name}");
        }
        let list = std::fs::read_to_string(home.at("s.sources/sources.txt")).unwrap();
        assert!(list.contains(" by A.Toner (CC0-1.0)"), "{list}");
    }
    // Nothing is replaced that nobody asked to have replaced, and no foreign folder ever is.
    let line = "render @b @film.mp4 -o @new.wav --sounds @lib --score";
    assert!(home.refuse(&format!("{line} @s.csd")).contains("s.csd exists"));
    std::fs::create_dir_all(home.at("t.sources")).unwrap();
    std::fs::write(home.at("t.sources/mine"), "x").unwrap();
    let said = home.refuse(&format!("{line} @t.csd --force"));
    assert!(said.contains("other things in it"), "{said}");
    assert!(!home.at("new.wav").exists() && !home.at("new.wav.credits.txt").exists());
}

#[test]
fn every_sample_that_sounds_is_accounted_for() {
    let home = studio();
    for line in [
        "render @b @film.mp4 --tone 0 --attack 0",
        "render @b @film.mp4 --synth granular",
        "texture @film.mp4 --preset strings",
        "revoice @film.mp4 --tone 0 --attack 0",
    ] {
        home.run(&format!("{line} -o @out.wav --force --sounds @lib --score @s.json"));
        let score = score(&home, "s.json");
        let sound = samples(&home.at("out.wav"));
        let mut owned = vec![false; sound.len() / 2];
        for piece in score["pieces"].as_array().unwrap() {
            let points = piece["envelope"].as_array().unwrap();
            let frame = |point: &Value| {
                ((piece["at"].as_f64().unwrap() + point[0].as_f64().unwrap()) * RATE).round() as usize
            };
            let (from, to) = (frame(&points[0]), frame(points.last().unwrap()));
            let to = to.min(owned.len() - 1);
            owned[from..=to].fill(true);
        }
        let least = 10f32.powf(-90.0 / 20.0);
        let sounding = sound.chunks_exact(2).map(|frame| frame.iter().any(|x| x.abs() > least));
        let orphans = sounding.clone().zip(&owned).filter(|(sounds, owned)| *sounds && !**owned).count();
        println!("{line}: {} of {} samples sound", sounding.filter(|sounds| *sounds).count(), owned.len());
        assert_eq!(orphans, 0, "{line}");
    }
}

#[test]
fn every_container_says_who_sounds() {
    let home = studio();
    let line = "render @b @film.mp4 --sounds @lib --score @s.json --force";
    let mut said = Vec::new();
    ffmpeg(&[
        "-i",
        home.at("film.mp4").to_str().unwrap(),
        "-c:v",
        "libvpx",
        home.at("f.webm").to_str().unwrap(),
    ]);
    ffmpeg(&[
        "-i",
        home.at("film.mp4").to_str().unwrap(),
        "-c:v",
        "mpeg4",
        home.at("f.avi").to_str().unwrap(),
    ]);
    for extension in ["mp4", "mov", "mkv", "wav", "flac", "webm", "avi"] {
        let film = if home.at(&format!("f.{extension}")).exists() {
            format!("@f.{extension}")
        } else {
            "@film.mp4".to_owned()
        };
        let (rendered, _) = home.run(&format!("{} -o @out.{extension}", line.replace("@film.mp4", &film)));
        let (ours, _) = home.run(&format!("credits @out.{extension}"));
        let (theirs, _) = home.run("credits @s.json");
        let credits = |value: &Value| value["credits"].as_array().unwrap().clone();
        assert!(credits(&ours).len() > 1, "{extension}: {ours}");
        let share: f64 = credits(&theirs).iter().map(|credit| credit["share"].as_f64().unwrap()).sum();
        assert!((share - 1.0).abs() < 1e-9, "{theirs}");
        // Shares are sums of energies, which a score holds rounded.
        for (one, other) in credits(&rendered).iter().zip(credits(&theirs)) {
            let share = |credit: &Value| credit["share"].as_f64().unwrap();
            assert!((share(one) - share(&other)).abs() < 1e-12, "{one} {other}");
            assert_eq!((&one["source"], &one["times"]), (&other["source"], &other["times"]));
        }
        for (one, other) in credits(&ours).iter().zip(credits(&theirs)) {
            assert_eq!(one["source"], other["source"], "{extension}");
            for (key, step) in [("seconds", 1e-3), ("first", 1e-3), ("share", 1e-6)] {
                let off = one[key].as_f64().unwrap() - other[key].as_f64().unwrap();
                assert!(off.abs() < step, "{extension}: {key} of {one} and {other}");
            }
        }
        let beside = std::fs::read_to_string(home.at(&format!("out.{extension}.credits.txt"))).unwrap();
        assert!(
            beside.contains("by A.Toner (CC0-1.0), https://example.org") && beside.contains(" from 0:00:0"),
            "{beside}"
        );
        said.push(String::from_utf8(home.succeed(&format!("credits @out.{extension}")).stdout).unwrap());
    }
    assert!(
        said[0].contains("of the sound, first at") && said[..5].iter().all(|text| *text == said[0]),
        "{said:?}"
    );

    // The brain's own sound has sources, too; a spectral sound has none.
    home.run("render @b @film.mp4 -o @own.mkv --no-credits");
    assert!(!home.at("own.mkv.credits.txt").exists());
    let (own, _) = home.run("credits @own.mkv");
    assert_eq!(own["credits"][0]["source"]["name"], "film.mp4", "{own}");
    home.run("render @b @film.mp4 -o @spectral.wav --synth spectral");
    assert!(!home.at("spectral.wav.credits.txt").exists());
    assert!(home.refuse("credits @spectral.wav").contains("names no sources"));
    // What lies beside an output is not ours to replace.
    std::fs::write(home.at("other.wav.credits.txt"), "mine").unwrap();
    assert!(home.refuse("render @b @film.mp4 -o @other.wav").contains("other.wav.credits.txt exists"));
    assert!(!home.at("other.wav").exists());
}

/// Csound takes some characters for code, and lines only up to a length.
#[test]
fn csound_plays_scores_of_any_name() {
    let home = studio();
    for name in ["a$b", "{{a}}\"c\\d", "a\nb"] {
        for (folder, stem) in [("", name), (name, "s")] {
            let folder = home.at(&format!("in/{folder}"));
            std::fs::create_dir_all(&folder).unwrap();
            let place = |file: String| folder.join(file).to_str().unwrap().to_owned();
            let (score, out) = (place(format!("{stem}.csd")), place(format!("{stem}.wav")));
            let mut words = home.words("texture @film.mp4 --sounds @lib --preset drone --force --quiet -o");
            words.extend([out.clone(), "--score".to_owned(), score.clone()]);
            support::succeed(home.0.path(), &words);
            let off = support::csound_differs(&home, &score, &out);
            println!("{score:?}: Csound differs by {off:.1} dB");
            assert!(off < -50.0, "{score:?}: {off:.1} dB");
        }
    }
}

/// Notes of clips that sound together, of more sources than there are channels.
#[test]
fn a_note_at_a_time_sounds_on_each_pitch() {
    let home = studio();
    for k in 0..20 {
        let source = format!("aevalsrc=0.4*sin(2*PI*{}*t)*exp(-3*mod(t\\,0.7)):s=44100", 180 + 41 * k);
        let file = home.at("sounds").join(format!("tone {k}.wav"));
        ffmpeg(&["-f", "lavfi", "-i", &source, "-t", "2", file.to_str().unwrap()]);
    }
    home.run("sounds @sounds -o @many");
    for line in [
        "revoice @film.mp4 --sounds @many --superimpose 3",
        "revoice @film.mp4 --sounds @lib --superimpose 3",
        "texture @film.mp4 --sounds @many --preset strings",
        "texture @film.mp4 --sounds @many --preset percussion",
    ] {
        home.run(&format!("{line} -o @out.wav --force --score @s.mid --score @s.json"));
        let score = score(&home, "s.json");
        let pieces = score["pieces"].as_array().unwrap();
        let whole = pieces.iter().filter(|piece| piece["seconds"].as_f64().unwrap() > 0.0).count();
        println!("{line}: {whole} pieces");
        assert_eq!(read(&home, "mid", "s.mid"), whole, "{line}");
    }
}

/// In rates that editors have, on the film's own timecode, and what was changed is said.
#[test]
fn edit_decision_lists_suit_editors() {
    let home = studio();
    let film = |name: &str, rate: &str, filter: &str, timecode: &[&str]| {
        let source = format!("testsrc2=size=64x64:rate={rate}");
        let words = ["-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", "sine=330", "-t", "6", "-vf", filter];
        let more = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        ffmpeg(&[&words[..], &more, timecode, &[home.at(name).to_str().unwrap()]].concat());
    };
    // Six pictures of seven, each at its own time, which ffmpeg writes into an .mp4 only out of another file.
    let uneven = "select=mod(n\\,7)";
    for (name, rate, filter, timecode, clock, said) in [
        ("plain.mp4", "25", "null", None, "* 25 PICTURES", None),
        ("variable.mp4", "30", uneven, None, "* 25 PICTURES", Some("on average")),
        (
            "fast.mp4",
            "100",
            "null",
            None,
            "* 50 PICTURES",
            Some("the film's 100 pictures a second are counted at 50"),
        ),
        ("faster.mkv", "120", "null", None, "* 60 PICTURES", Some("counted at 60")),
        ("hour.mp4", "25", "null", Some("01:00:00:00"), " 01:00:0", None),
        ("hour.mkv", "25", "null", Some("10:00:00:00"), " 10:00:0", None),
        ("drop.mov", "30000/1001", "null", Some("00:59:58;00"), " 01:00:0", None),
        ("even.mov", "30000/1001", "null", Some("00:59:58:00"), " 01:00:0", None),
    ] {
        let drawn = if filter == uneven { "variable.mkv" } else { name };
        film(drawn, rate, filter, &timecode.map_or(vec![], |label| vec!["-timecode", label]));
        if drawn != name {
            let [from, to] = [drawn, name].map(|name| home.at(name).to_str().unwrap().to_owned());
            ffmpeg(&["-i", &from, "-c", "copy", &to]);
        }
        let line = "--sounds @lib --preset percussion -o @out.wav --force --score @s.edl --score @s.json";
        let (_, warned) = home.run(&format!("texture @{name} {line}"));
        let events = read(&home, "edl", "s.edl");
        let text = std::fs::read_to_string(home.at("s.edl")).unwrap();
        println!("{name}: {events} events; {warned}");
        assert!(events > 0 && text.contains(clock), "{name}: {text}");
        assert_eq!(warned.contains("edit decision list: "), said.is_some(), "{name}: {warned}");
        assert!(
            said.is_none_or(|said| warned.contains(said) && text.contains(said)),
            "{name}: {warned} {text}"
        );
        assert_eq!(text.contains("FCM: DROP FRAME"), name == "drop.mov", "{text}");
    }
}

#[test]
fn credits_are_read_whatever_the_other_tags_say() {
    let home = studio();
    home.run("texture @film.mp4 --sounds @lib --preset drone -o @out.mp4");
    let description = "description=About\n[CHAPTER]\n;this\n#and=that\\";
    let words =
        ["-i", &*home.at("out.mp4").to_string_lossy(), "-map", "0", "-c", "copy", "-metadata", description]
            .map(str::to_owned);
    ffmpeg(&[&words[..], &[home.at("told.mp4").to_string_lossy().into_owned()]].concat());
    assert_eq!(home.run("credits @told.mp4").0, home.run("credits @out.mp4").0);
}

/// The picture may begin after the sound: by the 23 ms of AAC's priming after a remux, or by seconds. Sound, scores and credits
/// begin with the picture.
#[test]
fn scores_and_credits_are_on_the_clock_of_their_sound() {
    let home = studio();
    let film = home.at("film.mp4").to_str().unwrap().to_owned();
    let copied = ["-map", "0:v", "-map", "1:a", "-c", "copy"];
    let (remuxed, late) = (home.at("remuxed.mkv"), home.at("late.mkv"));
    ffmpeg(&["-i", &film, "-c", "copy", remuxed.to_str().unwrap()]);
    let shifted = ["-itsoffset", "2", "-i", &film, "-i", &film];
    ffmpeg(&[&shifted[..], &copied, &[late.to_str().unwrap()]].concat());
    for (name, later) in [("film.mp4", None), ("remuxed.mkv", Some(" ms")), ("late.mkv", Some("2.0 s"))] {
        let scores = "--score @s.csd --score @s.json --score @s.mid --score @s.edl";
        let line = format!(
            "revoice @{name} --sounds @lib -o @out.wav --force --tone 0 --attack 0 --loudness -24 {scores}"
        );
        let said = String::from_utf8(home.succeed(&line).stderr).unwrap();
        let told = said.contains("begins with the first picture, ");
        assert!(told == later.is_some() && later.is_none_or(|later| said.contains(later)), "{name}: {said}");
        let off = csound_differs(&home);
        println!("{name}: Csound differs by {off:.1} dB; {said}");
        assert!(off < -50.0, "{name}: {off:.1} dB");
        read(&home, "mid", "s.mid");
        read(&home, "edl", "s.edl");

        let score = score(&home, "s.json");
        let length = score["seconds"].as_f64().unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        let pieces = score["pieces"].as_array().unwrap();
        let last = pieces.iter().map(|p| number(&p["at"]) + number(&p["seconds"])).fold(0.0, f64::max);
        assert!(
            pieces.iter().all(|p| number(&p["at"]) >= 0.0) && (last - length).abs() < 0.1,
            "{last} of {length}"
        );
        let (credits, _) = home.run("credits @s.json");
        let (of_sound, _) = home.run("credits @out.wav");
        assert!((length - number(&of_sound["seconds"])).abs() < 1e-3, "{of_sound}");
        let seconds = |credits: &Value| -> Vec<f64> {
            credits["credits"].as_array().unwrap().iter().map(|credit| number(&credit["seconds"])).collect()
        };
        for (one, other) in seconds(&credits).iter().zip(seconds(&of_sound)) {
            assert!(*one > 0.0 && (one - other).abs() < 1e-3, "{name}: {credits} {of_sound}");
        }
        // One sound at a time, from the beginning to the end.
        let sum: f64 = seconds(&credits).iter().sum();
        assert!((sum - length).abs() < 0.1, "{name}: {sum} of {length} seconds: {credits}");
    }
}
