//! What the end-to-end tests share: the program, a judge, and small films made with ffmpeg.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod report;

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program under test, with its cache in `home`.
pub fn kinophone(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinophone"));
    command.env("KINOPHONE_CACHE", home.join("cache")).env_remove("KINOPHONE_FFMPEG");
    command
}

/// Runs it and insists on success.
pub fn succeed<S: AsRef<OsStr>>(home: &Path, args: &[S]) -> Output {
    let output = kinophone(home).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{:?} failed:\n{}",
        shown(args),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs it and insists on one clear error: exit code 1, no panic, advice; returns what it said.
pub fn refuse<S: AsRef<OsStr>>(home: &Path, args: &[S]) -> String {
    let output = kinophone(home).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{:?}:\n{said}", shown(args));
    assert!(!said.contains("panicked") && said.contains("help:"), "{:?}:\n{said}", shown(args));
    said
}

fn shown<S: AsRef<OsStr>>(args: &[S]) -> Vec<String> {
    args.iter().map(|a| a.as_ref().to_string_lossy().into_owned()).collect()
}

/// Insists on what `snapshots/NAME.txt` holds, to the letter; SNAPSHOTS=overwrite writes it anew.
pub fn matches(name: &str, said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.txt"));
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(snapbox::Data::text(said).raw(), snapbox::Data::read_from(&path, None).raw());
}

/// A place with films and brains.
pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Words of a command line in which names of files begin with '@'.
    pub fn words(&self, line: &str) -> Vec<String> {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.at(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        };
        line.split(' ').map(word).collect()
    }

    pub fn succeed(&self, line: &str) -> Output {
        succeed(self.0.path(), &self.words(line))
    }

    /// What it says as JSON, and what it says besides.
    pub fn run(&self, line: &str) -> (Value, String) {
        let output = self.succeed(&format!("{line} --json --quiet"));
        (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    pub fn refuse(&self, line: &str) -> String {
        refuse(self.0.path(), &self.words(line)).replace('\n', " ")
    }

    /// A film of these ffmpeg sources.
    pub fn draw(&self, name: &str, picture: &str, sound: &str, seconds: &str) {
        let words = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-t", seconds];
        let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac"];
        let film = self.at(name);
        ffmpeg(&[&words.map(OsStr::new)[..], &codecs.map(OsStr::new), &[film.as_os_str()]].concat());
    }

    /// Plays a brain to a film, and gives the sound.
    pub fn play(&self, brain: &str, film: &str, more: &str) -> Vec<f32> {
        let line = format!("render @{brain} @{film} -o @out.wav --loudness off --force --quiet{more}");
        self.succeed(&line);
        decode_sound(&self.at("out.wav"), 22_050)
    }
}

/// Runs ffmpeg, which the tests require, and returns its standard output.
pub fn ffmpeg<S: AsRef<OsStr>>(args: &[S]) -> Vec<u8> {
    let output = Command::new("ffmpeg").args(["-nostdin", "-v", "error", "-y"]).args(args).output().unwrap();
    assert!(output.status.success(), "ffmpeg {:?}: {}", shown(args), String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The figures of `bench/judge.py` for a soundtrack beside the film's own sound: a judge that shares no line with ours.
pub fn judge(reference: &Path, generated: &Path, more: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/judge.py");
    let output =
        Command::new("python3").arg(script).args(more).args([reference, generated]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "judge.py needs numpy (scripts/setup --tests): {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The figures of `bench/follow.py` for a film and a soundtrack, in full: how the sound follows what moves.
pub fn follow(film: &Path, soundtrack: &Path) -> Value {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench");
    let program = "import json, sys; sys.path.insert(0, sys.argv[1]); import follow; print(json.dumps(follow.follow(*sys.argv[2:])))";
    let output =
        Command::new("python3").args(["-c", program]).args([&bench, film, soundtrack]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "follow.py needs numpy (scripts/setup --tests): {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A small film with changing pictures and a tone, `seconds` long.
pub fn small_film(path: &Path, seconds: u32) {
    let length = seconds.to_string();
    ffmpeg(&[
        OsStr::new("-f"),
        OsStr::new("lavfi"),
        OsStr::new("-i"),
        OsStr::new("testsrc2=size=128x96:rate=25"),
        OsStr::new("-f"),
        OsStr::new("lavfi"),
        OsStr::new("-i"),
        OsStr::new("sine=frequency=330:beep_factor=3"),
        OsStr::new("-t"),
        OsStr::new(&length),
        OsStr::new("-c:v"),
        OsStr::new("libx264"),
        OsStr::new("-preset"),
        OsStr::new("ultrafast"),
        OsStr::new("-pix_fmt"),
        OsStr::new("yuv420p"),
        OsStr::new("-c:a"),
        OsStr::new("aac"),
        path.as_os_str(),
    ]);
}

/// A brain that has learned next to nothing, next to nothing being enough to render with.
pub fn tiny_brain(home: &Path) -> PathBuf {
    let (film, brain) = (home.join("tiny.mp4"), home.join("tiny.brain"));
    small_film(&film, 3);
    succeed(
        home,
        &[
            OsStr::new("train"),
            film.as_os_str(),
            OsStr::new("-o"),
            brain.as_os_str(),
            OsStr::new("--layers"),
            OsStr::new("50"),
            OsStr::new("--epochs"),
            OsStr::new("1"),
            OsStr::new("--quiet"),
        ],
    );
    brain
}

/// The shards in a folder.
pub fn shards(corpus: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(corpus) else { return Vec::new() };
    entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "safetensors")).collect()
}

/// MD5 of the packets of one kind ("v" or "a") of stream, untouched by any decoder.
pub fn packets_md5(path: &Path, kind: &str) -> String {
    // Raw packets in the stream's own framing differ between containers for H.264 and HEVC (length prefixes
    // against start codes); decoding both is the comparison that holds for every container.
    let map = format!("0:{kind}:0");
    let args =
        ["-i", path.to_str().unwrap(), "-map", &map, "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"];
    String::from_utf8(ffmpeg(&args)).unwrap().trim().to_owned()
}

/// Decodes the first sound of a file to mono.
pub fn decode_sound(path: &Path, rate: u32) -> Vec<f32> {
    let rate = rate.to_string();
    let args = [
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0:a:0",
        "-af",
        "aresample=async=1:first_pts=0",
        "-ac",
        "1",
        "-ar",
        &rate,
        "-f",
        "f32le",
        "-",
    ];
    ffmpeg(&args).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// When each packet of a stream begins and how long it lasts, in seconds, in the order of the file.
pub fn packets(path: &Path, stream: &str) -> Vec<(f64, f64)> {
    let words = ["-map", stream, "-c", "copy", "-f", "framecrc", "-"].map(OsStr::new);
    let text = ffmpeg(&[&[OsStr::new("-i"), path.as_os_str()], &words[..]].concat());
    let text = String::from_utf8(text).unwrap();
    let (num, den) = text.lines().find_map(|l| l.strip_prefix("#tb 0: ")).unwrap().split_once('/').unwrap();
    let base = num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap();
    let packet = |line: &str| {
        let field = |n: usize| line.split(',').nth(n).unwrap().trim().parse::<f64>().unwrap() * base;
        (field(2), field(3))
    };
    text.lines().filter(|l| !l.starts_with('#')).map(packet).collect()
}

/// When the packets of a stream begin, in seconds, ascending.
fn begins(path: &Path, stream: &str) -> Vec<f64> {
    let mut times: Vec<f64> = packets(path, stream).into_iter().map(|(begin, _)| begin).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The sound begins and ends with the picture, to within a frame. How long the last picture stands is the container's to say;
/// where pictures come at different intervals, it is somewhere between the shortest and the longest.
pub fn check_rendition(out: &Path) {
    let times = begins(out, "0:v:0");
    let sound = begins(out, "0:a:0");
    let intervals: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let shortest = intervals.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let longest = intervals.iter().copied().reduce(f64::max).unwrap_or(1.0);
    // One AAC frame at 22 050 Hz is 46 ms; packets say when a frame begins.
    let slack = 0.05 + shortest.min(0.05);
    assert!((times[0] - sound[0]).abs() < slack, "picture from {}, sound from {}", times[0], sound[0]);
    let (last, end) = (times[times.len() - 1], sound[sound.len() - 1]);
    assert!(
        (last + shortest - slack..last + longest + slack).contains(&end),
        "picture to {last}, sound to {end}"
    );
}

/// Interleaved samples of a sound file as they are.
pub fn samples(file: &Path) -> Vec<f32> {
    let bytes = ffmpeg(&["-i", file.to_str().unwrap(), "-f", "f32le", "-"]);
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// By how many dB Csound's sound of a score differs from that of a sound file.
pub fn csound_differs(home: &Home, score: &str, sound: &str) -> f64 {
    let csound = Command::new("csound")
        .args(["-f", "-o"])
        .args([home.at("again.wav"), home.at(score)])
        // Of a name with a backslash Csound takes the first part for a folder.
        .current_dir(home.at(score).parent().unwrap())
        .output()
        .expect("csound is needed: scripts/setup --tests");
    let said = String::from_utf8_lossy(&csound.stderr);
    assert!(csound.status.success() && said.contains("0 errors in performance"), "{said}");
    let (ours, theirs) = (samples(&home.at(sound)), samples(&home.at("again.wav")));
    assert!(theirs.len().abs_diff(ours.len()) <= 4, "{} samples, not {}", theirs.len(), ours.len());
    let pairs = || ours.iter().zip(&theirs).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let power = |sound: &mut dyn Iterator<Item = f64>| sound.map(|x| x * x).sum::<f64>();
    10.0 * (power(&mut pairs().map(|(a, b)| a - b)) / power(&mut pairs().map(|(a, _)| a))).log10()
}
