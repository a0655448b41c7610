//! Odd films and usual ones: each goes through every command, or gets its one clear error.

use crate::footage::{find, needs};
use crate::support::{check_rendition, ffmpeg, packets, refuse, samples, shards, succeed, tiny_brain};
use Fate::{Refused, Says, Well};
use kinophone::dataset::Shard;
use libtest_mimic::Trial;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Outcome of a command.
#[derive(Clone, Copy)]
enum Fate {
    /// Exit code 0, and nothing to be said.
    Well,
    /// Exit code 0, with a warning that contains this.
    Says(&'static str),
    /// An error that contains this.
    Refused(&'static str),
}

/// Outcomes of `prepare`, `sounds`, `train`, `render`, `revoice`, `texture`, `inspect` and `eval`.
type Fates = [Fate; 8];

const USUAL: Fates = [Well; 8];
const NO_SOUND: Fate = Refused("has no sound to take in");
const MUTE: Fates = [
    Well,
    NO_SOUND,
    Refused("nothing can be learned from it"),
    Well,
    NO_SOUND,
    Well,
    Well,
    Refused("has no sound to compare"),
];
const NOTHING_SOUNDS: Fate = Refused("in which nothing sounds");
/// A sound track of zeros.
const SILENT: Fates = [
    Says("nothing sounds in it"),
    Says("nothing sounds in it"),
    Says("digital silence"),
    Well,
    NOTHING_SOUNDS,
    Well,
    Well,
    Says("is silent where"),
];

const NO_PICTURE: Fate = Refused("has sound but no moving pictures");
const NOT_RENDERED: Fate = Refused("has no picture to be rendered");
const TWO_TRACKS: Fate = Says("of 2 sound tracks number 0 is used");
const SECOND_PICTURE: Fate = Says("1 picture whose times do not come after those of others");
/// What an .mkv does not keep.
const TURN: Fate = Says("does not keep the film's turn by");
const SUBTITLES: Fate = Says("does not carry the film's 1 subtitle track");
const ATTACHED: Fate = Says("does not carry the film's 1 attached file");
const SECOND_VIEW: Fate = Says("does not carry the film's 1 picture track, 2 subtitle tracks");
const DATE: Fate = Says("does not carry the film's tag creation_time");
const NO_KEY: Fate = Says("non-existing PPS 0 referenced");

const TABLE: &[(&str, Fates)] = &[
    ("edge/VP9-tractor_noaudio.webm", MUTE),
    ("edge/ae_SAR-2by3.mp4", USUAL),
    (
        "edge/ae_h264-png.mkv",
        [
            SECOND_PICTURE,
            Well,
            SECOND_PICTURE,
            SECOND_PICTURE,
            Well,
            SECOND_PICTURE,
            SECOND_PICTURE,
            SECOND_PICTURE,
        ],
    ),
    ("edge/ae_man.mp4", USUAL),
    (
        "edge/ae_mov_text.mp4",
        [Well, Well, Well, SUBTITLES, Says("20 pictures a second are counted at 60"), SUBTITLES, Well, Well],
    ),
    ("edge/ae_test_yuv422p.mp4", USUAL),
    ("edge/ae_testsrc-hevc.mp4", USUAL),
    ("edge/ae_testsrc_with_attachment.mkv", [Well, Well, Well, ATTACHED, Well, ATTACHED, Well, Well]),
    ("edge/bbb_51ch_25fps.mp4", [Well, Well, Well, DATE, Well, DATE, Well, Well]),
    ("edge/bear-vp9-opus.webm", USUAL),
    ("edge/bitmap_1x1_yuv444_1fps_noaudio.mp4", MUTE),
    ("edge/cursed-vfr_noaudio.mp4", MUTE),
    (
        "edge/fire2_vfr_rot180_mono.mp4",
        [Well, Well, Well, TURN, Says("10.505 pictures a second on average"), TURN, Well, Well],
    ),
    (
        "edge/multiple-aac-tracks_novideo.mp4",
        [NO_PICTURE, TWO_TRACKS, NO_PICTURE, NOT_RENDERED, TWO_TRACKS, NOT_RENDERED, Well, NO_PICTURE],
    ),
    (
        "edge/nasa_13013_2video_2audio.mp4",
        [TWO_TRACKS, TWO_TRACKS, TWO_TRACKS, SECOND_VIEW, TWO_TRACKS, SECOND_VIEW, Well, TWO_TRACKS],
    ),
    // Its pictures begin 2.1 s after its sound, and last for half a second.
    (
        "edge/no-initial-keyframe.ts",
        [NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, NO_KEY, Refused("too short to evaluate")],
    ),
    ("edge/no_duration_vp9_opus.webm", SILENT),
    // Of its sound 38 samples are not zero, but one step away from it.
    (
        "edge/os_test1_ac3_0.7s.mp4",
        [Well, Well, Well, DATE, NOTHING_SOUNDS, DATE, Well, Refused("too short to evaluate")],
    ),
    ("edge/rotate-buck-bunny_51.mp4", [Well, Well, Well, TURN, Well, TURN, Well, Well]),
    ("edge/tc_av1_video.mkv", MUTE),
    ("edge/tc_h264_10bits.mp4", MUTE),
    ("edge/tc_h265_10bits.mp4", MUTE),
    ("edge/transparent_vp9.webm", SILENT),
    ("films/big-buck-bunny.mp4", USUAL),
    ("films/crystal.mp4", [Well, Well, Well, DATE, Well, DATE, Well, Well]),
    ("films/frog.mp4", [Well, Well, Well, DATE, Well, DATE, Well, Well]),
    ("films/piano-bach.mp4", USUAL),
    ("films/piano-furelise.mp4", USUAL),
    ("films/popeye_sinbad_T00-1.mkv", MUTE),
    ("films/popeye_sinbad_T01-2.mkv", MUTE),
    ("films/popeye_sinbad_T02-3.mkv", MUTE),
    ("films/popeye_sinbad_T03-4.mkv", MUTE),
];

/// Films of which the first ten seconds are enough.
const LONG: [&str; 7] = [
    "films/big-buck-bunny.mp4",
    "films/piano-bach.mp4",
    "films/piano-furelise.mp4",
    "films/popeye_sinbad_T00-1.mkv",
    "films/popeye_sinbad_T01-2.mkv",
    "films/popeye_sinbad_T02-3.mkv",
    "films/popeye_sinbad_T03-4.mkv",
];
/// Lengths of picture and sound may differ by as much, in seconds.
const TOLERANCE_SECS: f64 = 0.15;

/// What all of them are rendered with, made when it is first needed.
#[derive(Clone, Default)]
struct Shared(Arc<OnceLock<Tools>>);

/// A brain and a library.
struct Tools {
    _home: tempfile::TempDir,
    brain: PathBuf,
    library: PathBuf,
}

impl Shared {
    fn tools(&self) -> &Tools {
        self.0.get_or_init(|| {
            let home = tempfile::tempdir().unwrap();
            let brain = tiny_brain(home.path());
            let (recordings, library) = (home.path().join("recordings"), home.path().join("library"));
            fs::create_dir(&recordings).unwrap();
            for (name, hz) in [("low", 220), ("middle", 554), ("high", 1318)] {
                let source = format!("aevalsrc=0.6*exp(-9*t)*sin(2*PI*{hz}*t):s=48000:d=1");
                let file = recordings.join(format!("{name}.wav"));
                ffmpeg(&["-f", "lavfi", "-i", &source, file.to_str().unwrap()]);
            }
            succeed(home.path(), &words("sounds {} -o {} --quiet", &[&recordings, &library]));
            Tools { _home: home, brain, library }
        })
    }
}

pub fn trials() -> Vec<Trial> {
    let shared = Shared::default();
    let trial = |&(path, fates): &(&'static str, Fates)| {
        let shared = shared.clone();
        needs(&[path], path.replace('/', "::"), move || FilmTrial::new(path, &shared).run(&fates))
    };
    let films: Vec<&str> = TABLE.iter().map(|(path, _)| *path).collect();
    let together = shared.clone();
    TABLE
        .iter()
        .map(trial)
        .chain([
            needs(&["edge", "films"], "edge::every_film_is_in_the_table", all_are_known),
            needs(&films, "edge::all_films_that_sound_are_evaluated", move || evaluate(together.tools())),
        ])
        .collect()
}

fn all_are_known() {
    for folder in ["edge", "films"] {
        for entry in fs::read_dir(find(folder)).unwrap().map(|entry| entry.unwrap()) {
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            assert!(path.ends_with(".mid") || TABLE.iter().any(|(name, _)| path == *name), "{path} is not");
        }
    }
}

/// Words of a command line in which {} stands for a path.
fn words(line: &str, paths: &[&Path]) -> Vec<OsString> {
    let mut paths = paths.iter();
    let word = |word: &str| if word == "{}" { paths.next().unwrap().into() } else { word.into() };
    line.split(' ').map(word).collect()
}

/// Insists on an outcome; true where the command did its work. `home` is its alone, so that nothing was prepared before.
fn meets(home: &Path, fate: Fate, line: &str, paths: &[&Path]) -> bool {
    let quiet = words(&format!("{line} --quiet"), paths);
    match fate {
        Refused(why) => {
            let said = refuse(home, &quiet).replace('\n', " ");
            assert!(said.contains(why), "{line}: {said}");
            return false;
        }
        Well => {
            let said = succeed(home, &quiet).stderr;
            assert!(said.is_empty(), "{line}: {}", String::from_utf8_lossy(&said));
        }
        Says(what) => {
            let said = String::from_utf8(succeed(home, &quiet).stderr).unwrap();
            assert!(said.contains(what), "{line}: {said}");
            assert!(said.lines().all(|said| said.starts_with("warning: ")), "{line}: {said}");
        }
    }
    true
}

/// A film, and a folder for what becomes of it.
struct FilmTrial<'a> {
    tools: &'a Tools,
    home: tempfile::TempDir,
    film: PathBuf,
}

impl<'a> FilmTrial<'a> {
    fn new(path: &str, shared: &'a Shared) -> Self {
        let home = tempfile::tempdir().unwrap();
        let film = part_of(path, home.path());
        Self { tools: shared.tools(), home, film }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a command with a cache of its own; see [`meets`].
    fn meets(&self, fate: Fate, line: &str, paths: &[&Path]) -> bool {
        let home = self.at(line.split(' ').next().unwrap());
        fs::create_dir_all(&home).unwrap();
        meets(&home, fate, line, paths)
    }

    fn run(&self, fates: &Fates) {
        let &[prepare, sounds, train, render, revoice, texture, inspect, eval] = fates;
        let (film, Tools { brain, library, .. }) = (&*self.film, self.tools);
        let [corpus, own_library, learned, rendered, revoiced, textured, score, list, report] = [
            "corpus",
            "own",
            "brain",
            "render.mkv",
            "revoice.wav",
            "texture.mkv",
            "s.csd",
            "s.edl",
            "report",
        ]
        .map(|name| self.at(name));
        if self.meets(prepare, "prepare {} -o {}", &[film, &corpus]) {
            let shard = Shard::open(&shards(&corpus).pop().expect("no shard")).unwrap();
            let heard = matches!(sounds, Well | Says(_));
            assert!(shard.pictures() > 0 && shard.sound().is_some() == heard);
        } else {
            assert!(shards(&corpus).is_empty(), "a shard was left behind");
        }
        if self.meets(sounds, "sounds {} -o {}", &[film, &own_library]) {
            assert_eq!(shards(&own_library).len(), 1);
        }
        let quick = "train {} -o {} --layers 50 --epochs 1 --silence 1";
        assert_eq!(self.meets(train, quick, &[film, &learned]), learned.exists());
        if self.meets(render, "render {} {} -o {}", &[brain, film, &rendered]) {
            check_rendition(&rendered);
            self.check_picture(&rendered);
            self.meets(Refused("names no sources"), "credits {}", &[&rendered]);
        }
        assert_eq!(matches!(render, Refused(_)), !rendered.exists());
        if self.meets(texture, "texture {} --sounds {} -o {}", &[film, library, &textured]) {
            check_rendition(&textured);
            self.check_picture(&textured);
            self.check_credits(&textured);
        }
        assert_eq!(matches!(texture, Refused(_)), !textured.exists());
        let line = "revoice {} --sounds {} -o {} --score {} --score {}";
        if self.meets(revoice, line, &[film, library, &revoiced, &score, &list]) {
            let pictures = Some(&*textured).filter(|file| file.exists());
            self.check_sound(&revoiced, pictures);
            self.check_credits(&revoiced);
            assert!(self.at("s.sources").is_dir() && self.at("revoice.wav.credits.txt").is_file());
            assert!(fs::read_to_string(&score).unwrap().contains("<CsScore>"));
            assert!(fs::read_to_string(&list).unwrap().starts_with("TITLE: "));
        } else {
            let left = [&revoiced, &score, &list].map(|file| file.exists());
            assert_eq!(left, [false; 3], "something was left behind");
        }
        self.meets(inspect, "inspect {} --json", &[film]);
        if let Refused(_) = eval {
            self.meets(eval, "eval {} {} -o {}", &[brain, film, &report]);
            assert!(!report.exists());
        }
    }

    /// The film's pictures are those of `out`, bit for bit.
    fn check_picture(&self, out: &Path) {
        let film = &self.film;
        let stream = if film.to_str().unwrap().contains("2video") { "0:v:1" } else { "0:v:0" };
        // A transport stream frames its packets otherwise.
        let codec = if film.extension().is_some_and(|e| e == "ts") { "rawvideo" } else { "copy" };
        let hash = |file: &Path, stream: &str| {
            // What is damaged in the film is not this test's business.
            let line = format!("-v fatal -i {{}} -map {stream} -c {codec} -f streamhash -hash md5 -");
            String::from_utf8(ffmpeg(&words(&line, &[file]))).unwrap()
        };
        assert_eq!(hash(film, stream), hash(out, "0:v:0"));
    }

    /// A sound lasts as long as the pictures, or, without pictures, as the film's own sound.
    fn check_sound(&self, sound: &Path, pictures: Option<&Path>) {
        let seconds = samples(sound).len() as f64 / rate_and_channels(sound);
        let (shortest, longest) = match pictures {
            Some(file) => {
                let mut times: Vec<f64> = packets(file, "0:v:0").iter().map(|(time, _)| *time).collect();
                times.sort_by(f64::total_cmp);
                let shown = times[times.len() - 1] - times[0];
                let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
                (shown, shown + steps.fold(0.0, f64::max))
            }
            None => [samples(&self.film).len() as f64 / rate_and_channels(&self.film); 2].into(),
        };
        let allowed = shortest - TOLERANCE_SECS..longest + TOLERANCE_SECS;
        assert!(allowed.contains(&seconds), "{seconds} s instead of {shortest} to {longest} s");
    }

    fn check_credits(&self, out: &Path) {
        let said = succeed(self.home.path(), &words("credits {} --json", &[out])).stdout;
        let said: Value = serde_json::from_slice(&said).unwrap();
        assert!(!said["credits"].as_array().unwrap().is_empty(), "{said}");
    }
}

/// Samples a second of all channels of a file's first sound.
fn rate_and_channels(file: &Path) -> f64 {
    let said = ffmpeg(&words("-v error -i {} -map 0:a:0 -t 0.001 -f framecrc -", &[file]));
    let said = String::from_utf8(said).unwrap();
    let number = |name: &str| -> f64 {
        let value = said.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.trim().parse().unwrap_or_else(|_| panic!("{name}{value}"))
    };
    number("#sample_rate 0: ") * channels_of(said.lines().find(|l| l.starts_with("#channel_layout_name 0: ")))
}

/// Channels of a layout's name.
fn channels_of(line: Option<&str>) -> f64 {
    match line.and_then(|line| line.split(": ").nth(1)) {
        Some("mono") => 1.0,
        Some("stereo") => 2.0,
        Some("5.1" | "5.1(side)") => 6.0,
        other => panic!("channels of {other:?}"),
    }
}

/// A film, or the beginning of a long one in `home`.
fn part_of(path: &str, home: &Path) -> PathBuf {
    let film = find(path);
    if !LONG.contains(&path) {
        return film;
    }
    let part = home.join(film.file_name().unwrap());
    ffmpeg(&words("-i {} -t 10 -c copy {}", &[&film, &part]));
    part
}

/// All films that can be evaluated, in one report.
fn evaluate(tools: &Tools) {
    let home = tempfile::tempdir().unwrap();
    let report = home.path().join("report");
    let rows =
        || TABLE.iter().map(|(path, fates)| (path, fates[7])).filter(|(_, fate)| !matches!(fate, Refused(_)));
    let mut args = words("eval {} -o {} --quiet", &[&tools.brain, &report]);
    args.extend(rows().map(|(path, _)| part_of(path, home.path()).into()));
    let said = String::from_utf8(succeed(home.path(), &args).stderr).unwrap();
    // Whoever prepares a silent film says so, as its row has it; here it is one thing more.
    let silent = |line: &&str| line.ends_with("nothing sounds in it");
    let mut warnings: Vec<&str> = said.lines().filter(|line| !silent(line)).collect();
    for (path, fate) in rows() {
        let name = path.split('/').nth(1).unwrap();
        let about = |line: &&str| line.starts_with(&format!("warning: {name}"));
        let found = warnings.iter().position(about);
        match fate {
            Says(what) => {
                let found = found.unwrap_or_else(|| panic!("nothing is said of {path}: {said}"));
                let warning = warnings.remove(found);
                assert!(warning.contains(what), "{path}: {warning}");
            }
            _ => assert!(found.is_none(), "{path}: {said}"),
        }
    }
    assert!(warnings.is_empty(), "{warnings:?}");
    let figures: Value = serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    assert_eq!(figures["films"].as_array().unwrap().len(), rows().count());
}
