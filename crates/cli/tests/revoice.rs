//! A film's own sound in the voice of other sounds, and what counts when these are chosen.

mod support;

use kinophone_dsp::pitch::PitchFinder;
use kinophone_dsp::units::SampleRate;
use serde_json::Value;
use support::{Home, decode_sound, ffmpeg};

const RATE: u32 = 44_100;

/// Twelve seconds: notes of unequal length, each with a pitch of its own, over a picture.
fn notes(home: &Home) {
    let sound = "aevalsrc=0.4*sin(2*PI*(200+37*floor(t*2.5)+90*mod(floor(t*2.5)\\,4))*t)*exp(-4*mod(t\\,0.4)):s=44100";
    home.draw("notes.mkv", "testsrc2=size=64x64:rate=25", sound, "12");
}

fn record(home: &Home, name: &str, source: &str, seconds: &str) {
    let file = home.at(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    ffmpeg(&["-f", "lavfi", "-i", source, "-t", seconds, file.to_str().unwrap()]);
}

fn pieces(home: &Home, name: &str) -> Vec<Value> {
    let score: Value = serde_json::from_slice(&std::fs::read(home.at(name)).unwrap()).unwrap();
    score["pieces"].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn power(sound: &[f32]) -> f64 {
    sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len().max(1) as f64
}

#[test]
fn a_film_in_its_own_sound_is_itself() {
    let home = Home::new();
    notes(&home);
    home.run("sounds @notes.mkv -o @lib");
    for more in ["", " --tone 0 --attack 0", " --delay 4"] {
        let line = format!("revoice @notes.mkv --sounds @lib -o @out.wav --score @s.json --force{more}");
        let (said, _) = home.run(&line);
        let (own, ours) =
            (decode_sound(&home.at("notes.mkv"), RATE), decode_sound(&home.at("out.wav"), RATE));
        let error: Vec<f32> = own.iter().zip(&ours).map(|(a, b)| a - b).collect();
        let db = 10.0 * (power(&error) / power(&own)).log10();
        println!("{more}: {db:.1} dB, {said}");
        assert!(db < -30.0, "{more}: {db} dB");
        let (mut all, mut at_home) = (0.0, 0.0);
        for piece in pieces(&home, "s.json") {
            let seconds = number(&piece["seconds"]);
            all += seconds;
            if (number(&piece["at"]) - number(&piece["source_at"])).abs() < 1e-3 {
                at_home += seconds;
            }
        }
        assert!(at_home > 0.99 * all, "{more}: {at_home} of {all} seconds at their own place");
        assert_eq!(said["latency_ms"].is_null(), !more.contains("delay"), "{said}");
    }
    // The picture is the film's, and the credits name the film.
    let (said, _) = home.run("revoice @notes.mkv --sounds @lib -o @out.mkv");
    assert_eq!(
        support::packets_md5(&home.at("out.mkv"), "v"),
        support::packets_md5(&home.at("notes.mkv"), "v")
    );
    assert_eq!(said["credits"]["credits"][0]["source"]["name"], "notes.mkv", "{said}");
    assert!(home.at("out.mkv.credits.txt").exists());
}

/// Sound fainter than the threshold of silence is kept where the sounds have it, and is not louder where they
/// have not.
#[test]
fn faint_sounds_are_sounds() {
    let home = Home::new();
    // −12 dB for three seconds, −66 dB for three more.
    let sound = "aevalsrc=if(lt(t\\,3)\\,0.35\\,0.0007)*sin(2*PI*440*t):s=44100";
    home.draw("faint.mkv", "color=gray:size=64x64:rate=25", sound, "6");
    record(&home, "loud/tone.wav", "aevalsrc=0.3*sin(2*PI*440*t):s=44100", "3");
    home.run("sounds @faint.mkv -o @own");
    home.run("sounds @loud -o @other");
    for (library, least, most) in [("own", -67.0, -65.0), ("other", -300.0, -66.0)] {
        home.run(&format!("revoice @faint.mkv --sounds @{library} -o @out.wav --force --tone 0 --attack 0"));
        let sound = decode_sound(&home.at("out.wav"), RATE);
        let db = |from: f64, to: f64| {
            let at = |secs: f64| (secs * f64::from(RATE)) as usize;
            10.0 * power(&sound[at(from)..at(to)]).max(1e-30).log10()
        };
        let (loud, faint) = (db(0.5, 2.5), db(3.5, 5.5));
        println!("{library}: {loud:.1} and {faint:.1} dB");
        assert!(
            (loud + 12.1).abs() < 0.5 && (least..most).contains(&faint),
            "{library}: {loud} and {faint} dB"
        );
    }
}

#[test]
fn other_sounds_come_when_the_film_sounds() {
    let home = Home::new();
    let beeps = "aevalsrc=if(lt(mod(t\\,1)\\,0.5)\\,0.3*sin(2*PI*500*t)\\,0):s=44100";
    home.draw("beeps.mkv", "color=gray:size=64x64:rate=25", beeps, "8");
    record(&home, "noise/rain.wav", "anoisesrc=a=0.2:r=48000:seed=7", "6");
    home.run("sounds @noise -o @lib");
    home.run("revoice @beeps.mkv --sounds @lib -o @out.wav --tone 0 --attack 0");
    // At the rate at which sound is described: what lies above 11 kHz has no part in its loudness.
    let sound = decode_sound(&home.at("out.wav"), 22_050);
    for second in 0..8 {
        let at = |secs: f64| ((f64::from(second) + secs) * 22_050.0) as usize;
        let (on, off) = (power(&sound[at(0.1)..at(0.4)]), power(&sound[at(0.6)..at(0.9)]));
        assert!(10.0 * (on / off.max(1e-12)).log10() > 40.0, "second {second}: {on} and {off}");
        // As loud as the film: 0.3² / 2.
        assert!((10.0 * (on / 0.045).log10()).abs() < 1.0, "second {second}: {on}");
    }
    // A recording is as good as a film; its result is sound.
    home.run("revoice @noise/rain.wav --sounds @lib -o @rain.flac --force");
    assert_eq!(decode_sound(&home.at("rain.flac"), RATE).len(), 6 * RATE as usize);
}

#[test]
fn what_counts_is_heard() {
    let home = Home::new();
    notes(&home);
    // The same notes in another order, twice.
    let other = "aevalsrc=0.3*sin(2*PI*(1300-37*floor(t*2.5)+90*mod(floor(t*2.5)\\,4))*t)*exp(-3*mod(t\\,0.4)):s=44100";
    record(&home, "a/one.wav", other, "12");
    // Its waves are a quarter of a period late: two sounds in phase would be louder than one.
    record(&home, "a/two.wav", &other.replace("sin(", "cos("), "12");
    home.run("sounds @a -o @lib");
    let play = |more: &str| {
        home.run(&format!("revoice @notes.mkv --sounds @lib -o @out.wav --score @s.json --force{more}"));
        (pieces(&home, "s.json"), decode_sound(&home.at("out.wav"), RATE))
    };
    let (usual, sound) = play("");
    let (flowing, _) = play(" --weights flow=20");
    let (jumping, _) = play(" --weights flow=0");
    println!("pieces: {} flowing, {} usual, {} jumping", flowing.len(), usual.len(), jumping.len());
    assert!(flowing.len() < usual.len() && usual.len() < jumping.len());

    // Layers: two pieces at every moment, never the same one, together as loud as one.
    let (layered, both) = play(" --superimpose 2");
    let layer = |number: u64| layered.iter().filter(move |piece| piece["layer"] == number);
    let seconds = |number: u64| layer(number).map(number_of).sum::<f64>();
    assert!((seconds(0) - seconds(1)).abs() < 1e-6 && seconds(0) > 11.9, "{} {}", seconds(0), seconds(1));
    let louder = 10.0 * (power(&both) / power(&sound)).log10();
    assert!(louder.abs() < 2.0, "{louder} dB louder");
    for a in layer(0) {
        for b in layer(1).filter(|b| b["source"] == a["source"]) {
            let (at_a, at_b) = (number(&a["at"]), number(&b["at"]));
            let together = at_a < at_b + number_of(b) && at_b < at_a + number_of(a);
            let apart = (number(&a["source_at"]) - at_a) - (number(&b["source_at"]) - at_b);
            assert!(!together || apart.abs() > 0.05, "{a} and {b}");
        }
    }

    // Within three seconds of a moment it is not heard again where another recording has nearly the same.
    let heard_again = |pieces: &[Value]| {
        let runs: Vec<(f64, f64, u64)> = pieces
            .iter()
            .filter(|piece| number_of(piece) > 0.0)
            .map(|piece| {
                (number(&piece["at"]), number(&piece["source_at"]), piece["source"].as_u64().unwrap())
            })
            .collect();
        let again = |(k, run): (usize, &(f64, f64, u64))| {
            runs[..k]
                .iter()
                .any(|before| before.2 == run.2 && (before.1 - run.1).abs() < 0.02 && run.0 - before.0 < 3.0)
        };
        runs.iter().enumerate().filter(|(k, run)| again((*k, run))).count()
    };
    let (fresh, _) = play(" --repeat-after 3 --weights flow=0 --delay 0");
    let (stale, _) = play(" --weights flow=0 --delay 0");
    println!("heard again: {} and {}", heard_again(&fresh), heard_again(&stale));
    assert!(heard_again(&stale) > 5 && heard_again(&fresh) * 4 < heard_again(&stale));
}

/// A melody of triangles, out of a chromatic scale of saws whose notes are as loud and begin alike: to be the
/// same notes, an octave lower, they must be found by their pitch. Their attacks come when the melody's do.
#[test]
fn a_melody_is_played_in_its_notes() {
    const NOTES: [u32; 12] = [0, 7, 4, 11, 2, 9, 5, 0, 3, 10, 6, 8];
    let home = Home::new();
    let note = |wave: &str, every: &str| {
        format!("aevalsrc=0.3*exp(-3*mod(t\\,{every}))*(1-exp(-500*mod(t\\,{every})))*{wave}:s=44100")
    };
    let class = NOTES.iter().enumerate().map(|(k, n)| format!("{n}*eq(floor(t/0.5)\\,{k})"));
    let melody = class.collect::<Vec<_>>().join("+");
    let triangle = note(&format!("asin(sin(2*PI*t*523.25*pow(2\\,({melody})/12)))"), "0.5");
    home.draw("melody.mkv", "color=gray:size=64x64:rate=25", &triangle, "6");
    // From the highest to the lowest, each 0.41 seconds long: no note comes at the melody's time by chance.
    let saw = note("(mod(t*261.63*pow(2\\,(11-floor(t/0.41))/12)\\,1)-0.5)", "0.41");
    record(&home, "saws/scale.wav", &saw, "4.92");
    home.run("sounds @saws -o @lib");
    let right = |more: &str| -> (usize, usize) {
        home.run(&format!(
            "revoice @melody.mkv --sounds @lib -o @out.wav --score @s.json --force --tone 0 --attack 0{more}"
        ));
        let pieces = pieces(&home, "s.json");
        let (mut right, mut on_time) = (0, 0);
        for (k, note) in NOTES.iter().enumerate() {
            // What sounds a tenth of a second after the beginning of the note.
            let time = 0.5 * k as f64 + 0.1;
            let sounds = |p: &&Value| number(&p["at"]) <= time && time < number(&p["at"]) + number_of(p);
            let piece = pieces.iter().find(sounds).unwrap();
            let there = number(&piece["source_at"]) + time - number(&piece["at"]);
            right += usize::from(11 - (there / 0.41) as u32 == *note);
            on_time += usize::from((there.rem_euclid(0.41) - 0.1).abs() < 0.003);
        }
        println!("{more}: {right} of 12 notes, {on_time} on time");
        (right, on_time)
    };
    let (usual, melody, without) = (right(""), right(" --like melody"), right(" --weights pitch=0"));
    assert!(usual.0 >= 11 && melody.0 >= 11 && without.0 < usual.0, "{usual:?} {melody:?} {without:?}");
    assert!(usual.1 >= 11, "{usual:?}");

    // Two thirds of a semitone too high, the same scale is brought down to the melody; its attacks stay where
    // they were.
    let sharp = saw.replace("261.63", "271.9");
    record(&home, "sharp/scale.wav", &sharp.replace("0.3*", "0.31*"), "4.92");
    home.run("sounds @sharp -o @high");
    let cents_off = |more: &str| -> Vec<f64> {
        home.run(&format!(
            "revoice @melody.mkv --sounds @high -o @out.wav --score @s.json --force --tone 0 --attack 0{more}"
        ));
        let mut finder = PitchFinder::new(SampleRate::new(RATE).unwrap(), 4096);
        let sound = decode_sound(&home.at("out.wav"), RATE);
        let off = |(k, note): (usize, &u32)| {
            let found = finder.of(&sound, ((0.5 * k as f64 + 0.1) * f64::from(RATE)) as i64);
            let cents = 1200.0 * (found.hz / 261.63).log2() - 100.0 * f64::from(*note);
            cents - 1200.0 * (cents / 1200.0).round()
        };
        NOTES.iter().enumerate().map(off).collect()
    };
    let near = |cents: &[f64], of: f64| cents.iter().filter(|c| (**c - of).abs() < 12.0).count();
    let (tuned, as_it_is) = (cents_off(" --tune 1"), cents_off(""));
    println!("{tuned:.0?} {as_it_is:.0?}");
    assert!(near(&tuned, 0.0) >= 11, "{tuned:.0?}");
    assert!(near(&as_it_is, 66.7) + near(&as_it_is, -33.3) >= 11, "{as_it_is:.0?}");
}

fn number_of(piece: &Value) -> f64 {
    number(&piece["seconds"])
}

#[test]
fn what_can_not_be_revoiced_is_refused_with_advice() {
    let home = Home::new();
    notes(&home);
    home.run("sounds @notes.mkv -o @lib");
    record(&home, "silence.wav", "anullsrc=r=44100", "2");
    record(&home, "tone.wav", "sine=440:r=44100", "2");
    home.draw("mute.mkv", "testsrc2=size=64x64:rate=25", "anullsrc=r=44100", "2");
    for (line, what) in [
        ("revoice @silence.wav --sounds @lib -o @o.wav", "nothing sounds"),
        ("revoice @mute.mkv --sounds @lib -o @o.mkv", "nothing sounds"),
        ("revoice @notes.mkv --sounds @nowhere -o @o.mkv", "nowhere"),
        ("revoice @notes.mkv --sounds @lib -o @notes.mkv --force", "both the input and the output"),
        ("revoice @notes.mkv --sounds @lib -o @o.txt", "extension"),
        ("revoice @tone.wav --sounds @lib -o @o.mp4", "has no picture"),
    ] {
        let said = home.refuse(line);
        assert!(said.contains(what), "{line}: {said}");
        assert!(!home.at("o.wav").exists() && !home.at("o.mkv").exists() && !home.at("o.mp4").exists());
    }
}

/// A film of three shots, which sound mostly deep, mostly high and mostly deep, out of a deep and a high
/// recording.
#[test]
fn each_shot_stays_with_one_recording() {
    let home = Home::new();
    let tone = |hz: &str| format!("aevalsrc=0.3*sin(2*PI*{hz}*t)*(1-0.9*mod(t\\,0.5)):s=44100");
    // Deep and high ones sound by turns within each shot, but one of them more.
    let mixed = "if(lt(mod(t\\,1)\\,if(between(t\\,4\\,8)\\,0.2\\,0.8))\\,200\\,1500)";
    let picture = "testsrc2=size=64x64:rate=25:duration=4[a];color=white:size=64x64:rate=25:duration=4[b];\
                   smptebars=size=64x64:rate=25:duration=4[c];[a][b][c]concat=n=3";
    home.draw("film.mkv", picture, &tone(mixed), "12");
    record(&home, "a/deep.wav", &tone("200"), "6");
    record(&home, "a/high.wav", &tone("1500"), "6");
    home.run("sounds @a -o @lib");
    let sources = |more: &str| {
        home.run(&format!(
            "revoice @film.mkv --sounds @lib -o @out.wav --score @s.json --force --unmatched{more}"
        ));
        let score: Value = serde_json::from_slice(&std::fs::read(home.at("s.json")).unwrap()).unwrap();
        let names: Vec<String> = score["sources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["name"].as_str().unwrap().to_owned())
            .collect();
        let piece = |p: &Value| {
            (number(&p["at"]), number(&p["seconds"]), names[p["source"].as_u64().unwrap() as usize].clone())
        };
        score["pieces"].as_array().unwrap().iter().map(piece).collect::<Vec<_>>()
    };
    let shot = |at: f64| if (4.0..8.0).contains(&at) { "high.wav" } else { "deep.wav" };
    let everywhere = sources("");
    assert!(everywhere.iter().any(|(at, _, name)| name != shot(*at)), "both are wanted in every shot");
    // Cuts lie on pictures of 25 a second, choices on ticks of 30.
    let by_shot = sources(" --by-shot");
    // What fades out at the end of a recording is a piece of its own, of no length.
    for (at, seconds, name) in by_shot.iter().filter(|(_, seconds, _)| *seconds > 0.0) {
        let middle = at + seconds / 2.0;
        assert_eq!(name, shot(middle), "{at} for {seconds}");
        for cut in [4.0, 8.0] {
            assert!(
                *at > cut - 0.04 || at + seconds < cut + 0.04,
                "{at} for {seconds} over the cut at {cut}"
            );
        }
    }
    let said = home.refuse("revoice @a/deep.wav --sounds @lib -o @other.wav --by-shot");
    assert!(said.contains("no moving pictures"), "{said}");
    assert!(!home.at("other.wav").exists());
}
