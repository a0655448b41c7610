//! One odd film, its truth, and the commands that are tried on it.

use crate::support::{Home, kinophone};
use kinophone::dataset::Shard;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Half a tick of 1/30 s, in seconds, and a picture's rounding to whole milliseconds.
const TOLERANCE: f64 = 1.0 / 60.0 + 0.001;
/// A frame of a lossy codec, in seconds, by which sound may end late.
const CODEC_FRAME: f64 = 0.09;

/// Seconds of its beginning that are cut off a longer file.
const CUT_AT: f64 = 0.33;

/// Random numbers that are the same everywhere (G. Marsaglia, "Xorshift RNGs", 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % n as u64) as usize
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A way in which a film is odd.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Oddity {
    /// The sound lies this much later (or earlier) than it belongs, in milliseconds.
    SoundLate(i32),
    /// The whole file begins at this time, in seconds.
    BeginsAt(i32),
    /// Pictures are left out where nothing happens.
    VariableRate,
    /// Cut out of a longer file without encoding again.
    CutBetweenKeys,
    /// Two files, one after the other, byte by byte; the second begins this many seconds later on their clock.
    Joined(i32),
    /// The second of two joined files has another number of channels.
    OtherChannels,
    /// Turned by a player, in degrees.
    Rotation(i32),
    /// Cut off at this share of its bytes, in percent.
    CutOff(usize),
    /// A stretch of zeros in its middle.
    Hole,
    /// A silent track before the one that is marked as default.
    SilentTrackFirst,
    /// The right channel has the opposite polarity of the left one.
    OppositePolarity,
    /// A constant offset.
    Offset,
    /// Level of the sound in dB, in a codec that holds it.
    Level(i32),
    /// Channels without places.
    Discrete(usize),
    /// Titles and names with control characters and quotes.
    Names,
    /// Many chapters.
    Chapters,
    /// A cover picture.
    Cover,
    /// No sound at all.
    Mute,
    /// Nothing but sound.
    NoPicture,
}

/// See the module.
pub struct Case {
    extension: &'static str,
    /// Pictures a second.
    rate: (u32, u32),
    side: (u32, u32),
    sound_hz: u32,
    channels: u32,
    oddities: Vec<Oddity>,
    /// Numbers of the pictures that are white.
    flashes: [u32; 3],
    pictures: u32,
}

/// Outcome of a command.
pub enum Verdict {
    /// As it should be.
    True,
    /// Otherwise, with a warning.
    Said,
    /// An error: exit code 1, one message with help.
    Refused,
    /// Neither.
    Wrong(String),
}

impl Case {
    pub fn draw(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..8 {
            dice.below(2);
        }
        let extension = dice.one(&["mp4", "mkv", "mov", "avi", "ts", "webm", "mpg", "mp4", "mkv", "ts"]);
        let rates =
            [(24_000, 1001), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60, 1), (24, 1), (12, 1), (100, 1)];
        let rate =
            if extension == "mpg" { dice.one(&[(25, 1), (30_000, 1001), (50, 1)]) } else { dice.one(&rates) };
        let sound_hz = match extension {
            "webm" => 48_000,
            _ => dice.one(&[48_000, 44_100, 32_000, 48_000]),
        };
        let channels = dice.one(&[1, 2, 2, 6]);
        let fps = f64::from(rate.0) / f64::from(rate.1);
        let place = |seconds: f64| (seconds * fps).round() as u32;
        let seconds = 4.0;
        let jitter = dice.below(10) as f64 / 40.0;
        let flashes = [place(0.8 + jitter), place(1.7 + jitter), place(2.9 + jitter)];
        let mut case = Self {
            extension,
            rate,
            side: dice.one(&[(96, 64), (160, 120), (64, 64), (320, 180)]),
            sound_hz,
            channels,
            oddities: Vec::new(),
            flashes,
            pictures: place(seconds),
        };
        for _ in 0..1 + dice.below(3) {
            let oddity = case.oddity(&mut dice);
            if case.takes(oddity) {
                case.oddities.push(oddity);
            }
        }
        case
    }

    fn oddity(&self, dice: &mut Dice) -> Oddity {
        match dice.below(19) {
            0 | 1 => Oddity::SoundLate(dice.one(&[-400, -150, 80, 300, 600])),
            2 => Oddity::BeginsAt(dice.one(&[1, 10, 3600])),
            3 => Oddity::VariableRate,
            4 => Oddity::CutBetweenKeys,
            5 => Oddity::Joined(dice.one(&[0, 0, 21_600, 4])),
            6 => Oddity::OtherChannels,
            7 => Oddity::Rotation(dice.one(&[90, 180, 270])),
            8 => Oddity::CutOff(50 + dice.below(45)),
            9 => Oddity::Hole,
            10 => Oddity::SilentTrackFirst,
            11 => Oddity::OppositePolarity,
            12 => Oddity::Offset,
            13 => Oddity::Level(dice.one(&[-60, -40, 12])),
            14 => Oddity::Discrete(dice.one(&[3, 6, 10])),
            15 => Oddity::Names,
            16 => Oddity::Chapters,
            17 => Oddity::Cover,
            _ => {
                if dice.chance(50) {
                    Oddity::Mute
                } else {
                    Oddity::NoPicture
                }
            }
        }
    }

    /// True if this film can be odd in that way, too.
    fn takes(&self, oddity: Oddity) -> bool {
        let is = |extensions: &[&str]| extensions.contains(&self.extension);
        let has = |other: &dyn Fn(&Oddity) -> bool| self.oddities.iter().any(other);
        let same = has(&|o| std::mem::discriminant(o) == std::mem::discriminant(&oddity));
        let joined = has(&|o| matches!(o, Oddity::Joined(_) | Oddity::OtherChannels));
        let damaged = has(&|o| matches!(o, Oddity::CutOff(_) | Oddity::Hole));
        let silent = has(&|o| matches!(o, Oddity::Mute));
        !same
            && match oddity {
                // AVI has no start times, and program streams none that ffmpeg's muxer keeps.
                Oddity::SoundLate(_) => !is(&["avi", "mpg"]) && !silent,
                Oddity::BeginsAt(_) => is(&["mp4", "mkv", "ts"]) && !joined,
                Oddity::VariableRate => is(&["mkv", "mp4", "mov"]) && !joined,
                Oddity::CutBetweenKeys => is(&["mp4", "mov"]) && !damaged && !joined,
                Oddity::Joined(_) => is(&["ts"]) && !damaged && !joined && self.oddities.is_empty(),
                Oddity::OtherChannels => is(&["ts"]) && self.oddities.is_empty() && self.channels <= 2,
                Oddity::Rotation(_) => is(&["mp4", "mov"]),
                Oddity::CutOff(_) | Oddity::Hole => !damaged && !joined,
                Oddity::SilentTrackFirst => is(&["mkv", "mp4", "mov"]) && !silent && !joined,
                Oddity::OppositePolarity => self.channels == 2 && is(&["mkv", "mov"]) && !silent,
                Oddity::Offset => is(&["mkv", "mov"]) && !silent,
                Oddity::Level(_) => is(&["mkv", "mov"]) && !silent,
                Oddity::Discrete(_) => is(&["mov"]) && self.oddities.is_empty(),
                Oddity::Names => true,
                Oddity::Chapters => is(&["mkv", "mp4"]) && !joined,
                Oddity::Cover => is(&["mp4", "mkv"]) && !joined,
                Oddity::Mute => self.oddities.is_empty(),
                Oddity::NoPicture => is(&["mp4", "mkv", "mov"]) && self.oddities.is_empty(),
            }
    }

    fn find<T>(&self, pick: impl Fn(&Oddity) -> Option<T>) -> Option<T> {
        self.oddities.iter().find_map(pick)
    }

    fn has(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }

    fn is_damaged(&self) -> bool {
        self.oddities.iter().any(|o| matches!(o, Oddity::CutOff(_) | Oddity::Hole))
    }

    fn fps(&self) -> f64 {
        f64::from(self.rate.0) / f64::from(self.rate.1)
    }

    /// Seconds from a flash to its beep.
    fn beep_after(&self) -> f64 {
        self.find(|o| if let Oddity::SoundLate(ms) = o { Some(f64::from(*ms) / 1000.0) } else { None })
            .unwrap_or(0.0)
    }

    /// By how much a beep may be off: of what was cut without encoding again, players begin with a whole frame of the sound.
    fn tolerance(&self) -> f64 {
        let frame = 1024.0 / f64::from(self.sound_hz);
        TOLERANCE + if self.has(Oddity::CutBetweenKeys) { frame } else { 0.0 }
    }

    fn is_one_off(&self, distance: f64) -> bool {
        self.extension == "mpg" && distance.abs() <= 1.0 / self.fps() + 0.001
    }

    fn is_joined(&self) -> bool {
        self.oddities.iter().any(|o| matches!(o, Oddity::Joined(_) | Oddity::OtherChannels))
    }

    fn events(&self) -> usize {
        if self.is_joined() { 6 } else { 3 }
    }

    /// Makes the film; `None` where this ffmpeg can't.
    pub fn make(&self, folder: &Path) -> Option<PathBuf> {
        let stem = if self.has(Oddity::Names) { "a 'b' \"c\" $d {e} %03d ü\u{1b}[31m" } else { "film" };
        let film = folder.join(format!("{stem}.{}", self.extension));
        if self.is_joined() {
            let parts = [0, 1].map(|k| folder.join(format!("part{k}.{}", self.extension)));
            let late = self.find(|o| if let Oddity::Joined(s) = o { Some(*s) } else { None }).unwrap_or(0);
            let other = if self.has(Oddity::OtherChannels) { 3 - self.channels } else { self.channels };
            self.encode(&parts[0], 0, self.channels)?;
            self.encode(&parts[1], late, other)?;
            let bytes: Vec<u8> = parts.iter().flat_map(|part| std::fs::read(part).unwrap()).collect();
            std::fs::write(&film, bytes).ok()?;
        } else if self.has(Oddity::CutBetweenKeys) {
            let whole = folder.join(format!("whole.{}", self.extension));
            self.encode(&whole, 0, self.channels)?;
            let cut = Command::new("ffmpeg")
                .args(["-nostdin", "-v", "error", "-y", "-ss", &CUT_AT.to_string(), "-i"])
                .arg(&whole)
                .args(["-map", "0", "-c", "copy"])
                .arg(&film)
                .status();
            cut.ok()?.success().then_some(())?;
        } else {
            let begin = self.find(|o| if let Oddity::BeginsAt(s) = o { Some(*s) } else { None });
            self.encode(&film, begin.unwrap_or(0), self.channels)?;
        }
        let mut bytes = std::fs::read(&film).ok()?;
        if let Some(percent) = self.find(|o| if let Oddity::CutOff(p) = o { Some(*p) } else { None }) {
            bytes.truncate(bytes.len() * percent / 100);
        }
        if self.has(Oddity::Hole) {
            let middle = bytes.len() / 2;
            let end = (middle + 400).min(bytes.len());
            bytes[middle..end].fill(0);
        }
        std::fs::write(&film, bytes).ok()?;
        Some(film)
    }

    fn encode(&self, file: &Path, begin: i32, channels: u32) -> Option<()> {
        let (num, den) = self.rate;
        let (width, height) = self.side;
        let seconds = f64::from(self.pictures) / self.fps();
        let flashes = self.flashes.map(|n| format!("eq(n,{n})")).join("+");
        let mut picture = format!(
            "color=black:s={width}x{height}:r={num}/{den}:d={seconds:.6},drawbox=c=white:t=fill:enable='{flashes}'"
        );
        if self.has(Oddity::VariableRate) {
            let near =
                self.flashes.map(|n| format!("between(n,{},{})", n.saturating_sub(1), n + 1)).join("+");
            picture += &format!(",select='{near}+not(mod(n,3))+gte(n,{})'", self.pictures - 2);
        }
        let mut args: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| args.extend(words.iter().map(OsString::from));
        let mute = self.has(Oddity::Mute);
        if !self.has(Oddity::NoPicture) {
            add(&["-f", "lavfi", "-i", &picture]);
        }
        let late = format!("{:.3}", self.beep_after());
        if self.has(Oddity::SilentTrackFirst) {
            add(&["-f", "lavfi", "-i", &format!("anullsrc=r={}:cl=mono:d={seconds:.6}", self.sound_hz)]);
        }
        if !mute {
            add(&["-itsoffset", &late, "-f", "lavfi", "-i", &self.sound(channels, seconds)]);
        }
        let pictures = usize::from(!self.has(Oddity::NoPicture));
        let inputs = pictures + usize::from(self.has(Oddity::SilentTrackFirst)) + usize::from(!mute);
        (0..inputs).for_each(|k| add(&["-map", &k.to_string()]));
        if self.has(Oddity::SilentTrackFirst) {
            add(&["-disposition:a:0", "0", "-disposition:a:1", "default"]);
        }
        add(match self.extension {
            "webm" => &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"],
            "avi" => &["-c:v", "mpeg4", "-bf", "0", "-c:a", "pcm_s16le"],
            "mpg" => &["-c:v", "mpeg2video", "-c:a", "mp2"],
            "mov" => &["-c:v", "mpeg4", "-c:a", "pcm_f32le"],
            "mkv" => &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_f32le"],
            "ts" => &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"],
            _ => &["-c:v", "libx264", "-preset", "ultrafast", "-g", "12", "-c:a", "aac"],
        });
        if self.extension == "mpg" && channels > 2 {
            add(&["-ac", "2"]);
        }
        add(&["-pix_fmt", "yuv420p", "-fps_mode", "passthrough"]);
        if begin != 0 {
            add(&["-output_ts_offset", &begin.to_string()]);
        }
        if let Some(turn) = self.find(|o| if let Oddity::Rotation(r) = o { Some(*r) } else { None }) {
            add(&["-metadata:s:v:0", &format!("rotate={turn}")]);
        }
        if self.has(Oddity::Names) {
            add(&["-metadata", "title=a\u{1b}[31m\nb\u{7} [c] = \"d\"; 'e'", "-metadata", "copyright=mine"]);
        }
        let chapters = file.with_extension("chapters.txt");
        if self.has(Oddity::Chapters) {
            let mut text = ";FFMETADATA1\ntitle=The film\n".to_owned();
            for k in 0..200 {
                text += &format!(
                    "[CHAPTER]\nTIMEBASE=1/1000\nSTART={}\nEND={}\ntitle=Chapter {k}\n",
                    k * 10,
                    k * 10 + 10
                );
            }
            std::fs::write(&chapters, text).ok()?;
        }
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-y"]).args(&args);
        let plain = if self.has(Oddity::Chapters) || self.has(Oddity::Cover) {
            file.with_extension(format!("plain.{}", self.extension))
        } else {
            file.to_owned()
        };
        command.arg(&plain).status().ok()?.success().then_some(())?;
        if plain == file {
            return Some(());
        }
        let mut again = Command::new("ffmpeg");
        again.args(["-nostdin", "-v", "error", "-y", "-copyts", "-i"]).arg(&plain);
        let mut maps = vec!["-map", "0"];
        if self.has(Oddity::Chapters) {
            again.arg("-i").arg(&chapters);
            maps.extend(["-map_metadata", "1", "-map_chapters", "1"]);
        }
        if self.has(Oddity::Cover) {
            let cover = file.with_extension("cover.png");
            let drawn = Command::new("ffmpeg")
                .args([
                    "-nostdin",
                    "-v",
                    "error",
                    "-y",
                    "-f",
                    "lavfi",
                    "-i",
                    "testsrc=s=200x200:d=1",
                    "-frames:v",
                    "1",
                ])
                .arg(&cover)
                .status();
            drawn.ok()?.success().then_some(())?;
            again.arg("-i").arg(&cover);
            maps.extend(["-map", if self.has(Oddity::Chapters) { "2" } else { "1" }]);
            maps.extend(["-disposition:v:1", "attached_pic"]);
        }
        again.args(maps).args(["-c", "copy"]).arg(file).status().ok()?.success().then_some(())
    }

    /// The sound as a source of ffmpeg: a beep at each flash.
    fn sound(&self, channels: u32, seconds: f64) -> String {
        let beep = |n: u32| {
            let at = f64::from(n) / self.fps();
            format!("between(t\\,{at:.6}\\,{:.6})", at + 0.06)
        };
        let beeps = self.flashes.map(beep).join("+");
        let level = self.find(|o| if let Oddity::Level(db) = o { Some(*db) } else { None }).unwrap_or(0);
        let amplitude = 0.5 * 10f64.powf(f64::from(level) / 20.0);
        let offset = if self.has(Oddity::Offset) { 0.02 } else { 0.0 };
        let channels = self
            .find(|o| if let Oddity::Discrete(n) = o { Some(*n as u32) } else { None })
            .unwrap_or(channels);
        let one = |k: u32| {
            let sign = if k == 1 && self.has(Oddity::OppositePolarity) { "-" } else { "" };
            format!("{sign}({beeps})*{amplitude:.7}*sin(2*PI*1500*t)+{offset}")
        };
        let all: Vec<String> = (0..channels).map(one).collect();
        let layout = match channels {
            6 if self.find(|o| matches!(o, Oddity::Discrete(_)).then_some(())).is_none() => ":c=5.1",
            _ => "",
        };
        format!("aevalsrc={}{layout}:s={}:d={seconds:.6}", all.join("|"), self.sound_hz)
    }

    /// Every command, with its outcome.
    pub fn try_all(&self, home: &Home, folder: &Path, film: &Path) -> Vec<(&'static str, Verdict)> {
        let at = |name: &str| folder.join(name);
        let run = |words: &[&str], paths: &[&Path]| Run::of(home, words, paths);
        let brain = home.at("tiny.brain");
        let library = home.at("lib");
        let mut outcomes = Vec::new();
        let corpus = at("corpus");
        let prepared = run(&["prepare", "{}", "-o", "{}", "--quiet"], &[film, &corpus]);
        outcomes.push(("prepare", self.judge_corpus(&prepared, &corpus)));
        let sounds = at("sounds");
        let taken = run(&["sounds", "{}", "-o", "{}", "--quiet"], &[film, &sounds]);
        outcomes.push(("sounds", self.judge_sounds(&taken, &sounds)));
        for (name, words, extension) in [
            ("revoice", &["revoice", "{}", "--sounds", "{}", "-o", "{}", "--quiet"][..], "wav"),
            (
                "texture",
                &["texture", "{}", "--sounds", "{}", "-o", "{}", "--quiet", "--preset", "percussion"],
                "mkv",
            ),
        ] {
            let out = at(&format!("{name}.{extension}"));
            let done = run(words, &[film, &library, &out]);
            outcomes.push((name, self.judge_output(&done, film, &out, name == "revoice")));
        }
        let out = at("render.mkv");
        let done = run(&["render", "{}", "{}", "-o", "{}", "--quiet"], &[&brain, film, &out]);
        outcomes.push(("render", self.judge_output(&done, film, &out, false)));
        outcomes
    }

    /// What was heard and seen of a shard, against the truth.
    fn judge_corpus(&self, run: &Run, corpus: &Path) -> Verdict {
        if let Some(verdict) = run.refusal(self.has(Oddity::NoPicture)) {
            return verdict;
        }
        let Some(shard) = shard_in(corpus) else { return Verdict::Wrong("exit code 0 and no shard".into()) };
        let bright = |k: usize| {
            let picture = shard.picture(k);
            picture.iter().map(|p| u64::from(*p)).sum::<u64>() > 128 * picture.len() as u64
        };
        let flashes: Vec<f64> = (0..shard.pictures())
            .filter(|k| bright(*k) && (*k == 0 || !bright(*k - 1)))
            .map(|k| shard.time(k).as_secs_f64())
            .collect();
        let beeps = beeps(&shard);
        if !self.has(Oddity::Mute) && shard.sound().is_none() && !run.warned() {
            return Verdict::Wrong("no sound and no warning".into());
        }
        self.compare(run, &flashes, &beeps)
    }

    /// Flashes and beeps that belong together lie at their distance; none is missing without a warning.
    fn compare(&self, run: &Run, flashes: &[f64], beeps: &[f64]) -> Verdict {
        let wanted = self.events();
        let lost = |found: usize, what: &str| {
            (found != wanted && !run.warned()).then(|| format!("{found} {what} of {wanted} and no warning"))
        };
        let mute = self.has(Oddity::Mute);
        // A cut may fall into the first event.
        let wrong = if self.has(Oddity::CutBetweenKeys) { None } else { lost(flashes.len(), "flashes") };
        let silent = if mute || self.has(Oddity::CutBetweenKeys) { None } else { lost(beeps.len(), "beeps") };
        if let Some(why) = wrong.or(silent) {
            return Verdict::Wrong(format!("{why}: {flashes:?} {beeps:?}"));
        }
        for beep in beeps {
            let distances = flashes.iter().map(|flash| beep - flash - self.beep_after());
            let nearest = distances.min_by(|a, b| a.abs().total_cmp(&b.abs()));
            match nearest {
                // Nobody knows how a damaged stretch sounds, and of tiny pictures that share a packet of a program stream only the
                // first has a time: players count the others, and may be one off, or lose one. Either must be said.
                Some(distance)
                    if distance.abs() > self.tolerance()
                        && !(run.warned()
                            && (self.is_damaged()
                                || self.is_one_off(distance)
                                || flashes.len() < wanted)) =>
                {
                    return Verdict::Wrong(format!(
                        "a beep is {:.1} ms off: {flashes:?} {beeps:?}",
                        1e3 * distance
                    ));
                }
                _ => {}
            }
        }
        if run.warned() { Verdict::Said } else { Verdict::True }
    }

    fn judge_sounds(&self, run: &Run, library: &Path) -> Verdict {
        if let Some(verdict) = run.refusal(self.has(Oddity::Mute)) {
            return verdict;
        }
        let Some(shard) = shard_in(library) else { return Verdict::Wrong("exit code 0 and no sound".into()) };
        let beeps = beeps(&shard);
        if beeps.len() != self.events() && !self.has(Oddity::CutBetweenKeys) && !run.warned() {
            return Verdict::Wrong(format!("{} beeps and no warning: {beeps:?}", beeps.len()));
        }
        if !self.is_damaged() && !self.is_joined() {
            let wanted = self.flashes.windows(2).map(|w| f64::from(w[1] - w[0]) / self.fps());
            for (wanted, heard) in wanted.zip(beeps.windows(2).map(|w| w[1] - w[0])) {
                if (wanted - heard).abs() > TOLERANCE && !self.has(Oddity::CutBetweenKeys) {
                    return Verdict::Wrong(format!("beeps are {heard:.3} s apart, not {wanted:.3}"));
                }
            }
        }
        if run.warned() { Verdict::Said } else { Verdict::True }
    }

    /// A soundtrack is as long as its picture, which is the film's; revoiced sound sets in with the film's beeps.
    fn judge_output(&self, run: &Run, film: &Path, out: &Path, revoiced: bool) -> Verdict {
        // The sound file of a film without pictures is as long as its sound.
        let hopeless = self.has(if revoiced { Oddity::Mute } else { Oddity::NoPicture });
        if let Some(verdict) = run.refusal(hopeless) {
            if out.exists() {
                return Verdict::Wrong("an error, and a file is left".into());
            }
            return verdict;
        }
        let span = if self.has(Oddity::NoPicture) {
            let cut = if self.has(Oddity::CutBetweenKeys) { CUT_AT } else { 0.0 };
            Some((cut, f64::from(self.pictures) / self.fps()))
        } else {
            picture_span(film, self.has(Oddity::VariableRate))
        };
        let (Some((first, pictures_end)), Some(sound)) = (span, sound_of(out)) else {
            return Verdict::Wrong("exit code 0 and no soundtrack".into());
        };
        let seconds = sound.len() as f64 / f64::from(HEARD_HZ);
        let wanted = pictures_end - first;
        // The last picture of such a cut lasts longer than the others.
        let last = if self.has(Oddity::CutBetweenKeys) { 1.0 / self.fps() } else { 0.0 };
        if (seconds - wanted).abs() > CODEC_FRAME + last + TOLERANCE && !run.warned() {
            return Verdict::Wrong(format!("{seconds:.3} s of sound to {wanted:.3} s of picture"));
        }
        if revoiced && !self.is_damaged() && !self.is_joined() && !self.has(Oddity::CutBetweenKeys) {
            let heard = onsets_of(&sound, 0.1);
            for flash in self.flashes {
                // Without pictures the clock begins with the sound.
                let late = if self.has(Oddity::NoPicture) { 0.0 } else { self.beep_after() };
                let beep = f64::from(flash) / self.fps() + late;
                let near = heard.iter().map(|onset| onset - beep).min_by(|a, b| a.abs().total_cmp(&b.abs()));
                if near.is_none_or(|distance| distance.abs() > 0.05) && beep > 0.0 && beep < seconds - 0.1 {
                    return Verdict::Wrong(format!("nothing sounds at {beep:.3} s: {heard:.3?}"));
                }
            }
        }
        if run.warned() { Verdict::Said } else { Verdict::True }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { extension, rate, side, sound_hz, channels, oddities, flashes, pictures } = self;
        write!(
            f,
            "{extension}, {}x{}, {}/{} pictures a second ({pictures}; white: {flashes:?}), {channels} channels of {sound_hz} Hz, \
             {oddities:?}",
            side.0, side.1, rate.0, rate.1
        )
    }
}

/// A command that was run.
struct Run {
    code: Option<i32>,
    said: String,
}

impl Run {
    fn of(home: &Home, words: &[&str], paths: &[&Path]) -> Self {
        let mut paths = paths.iter();
        let mut command = kinophone(home.0.path());
        for word in words {
            match *word {
                "{}" => command.arg(paths.next().unwrap()),
                word => command.arg(word),
            };
        }
        let output = command.output().unwrap();
        Self { code: output.status.code(), said: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    fn warned(&self) -> bool {
        self.said.contains("warning")
    }

    /// The verdict on a command that did not end with 0. Only a film that can't be used at all may be refused without damage; every
    /// refusal is one error with advice.
    fn refusal(&self, hopeless: bool) -> Option<Verdict> {
        let raw_escape = self.said.contains('\u{1b}') || self.said.contains('\u{7}');
        if raw_escape {
            return Some(Verdict::Wrong(format!("control characters on the terminal: {:?}", self.said)));
        }
        match self.code {
            Some(0) if hopeless => Some(Verdict::Wrong("exit code 0 for what can't be used".into())),
            Some(0) => None,
            Some(1) if self.said.contains("help:") && !self.said.contains("panicked") => {
                let known = hopeless
                    || [
                        "damaged",
                        "decode",
                        "cut off",
                        "no sound",
                        "jump",
                        "not one picture",
                        "film that ffmpeg can read",
                        "neither pictures nor sound",
                        "nothing sounds",
                    ]
                    .iter()
                    .any(|w| self.said.contains(w));
                if known {
                    Some(Verdict::Refused)
                } else {
                    Some(Verdict::Wrong(format!("refused: {}", self.said)))
                }
            }
            code => Some(Verdict::Wrong(format!("exit code {code:?}: {}", self.said))),
        }
    }
}

/// Rate at which soundtracks are judged.
const HEARD_HZ: u32 = 16_000;

fn shard_in(folder: &Path) -> Option<Shard> {
    let files = std::fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    let mut shards = files.filter(|path| path.extension().is_some_and(|e| e == "safetensors"));
    Shard::open(&shards.next()?).ok()
}

/// Seconds at which a shard's sound sets in.
fn beeps(shard: &Shard) -> Vec<f64> {
    let Some(sound) = shard.sound() else { return Vec::new() };
    let mut mono = Vec::new();
    sound.mix_down(sound.samples, &mut mono);
    onsets(&mono, sound.rate.hz(), 0.25)
}

fn onsets_of(sound: &[f32], share: f32) -> Vec<f64> {
    onsets(sound, HEARD_HZ, share)
}

/// Seconds at which sound rises over a share of its highest level after a tenth of a second below it.
fn onsets(sound: &[f32], hz: u32, share: f32) -> Vec<f64> {
    let peak = sound.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    if peak < 1e-6 {
        return Vec::new();
    }
    let pause = hz as usize / 10;
    let (mut found, mut quiet) = (Vec::new(), pause);
    for (k, x) in sound.iter().enumerate() {
        if x.abs() > share * peak {
            if quiet >= pause {
                found.push(k as f64 / f64::from(hz));
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    found
}

/// Beginning and end of the pictures of a file, joined as ffmpeg joins them. The last picture lasts as long as most do or, at a `variable` rate,
/// as the one before.
fn picture_span(film: &Path, variable: bool) -> Option<(f64, f64)> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(film)
        .args(["-map", "0:V:0", "-fps_mode", "passthrough", "-f", "framecrc", "-"])
        // As in a player, its sound lies on the same clock.
        .args(["-map", "0:V:0", "-map", "0:a?", "-c", "copy", "-f", "null", "-"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let base = text.lines().find_map(|line| line.strip_prefix("#tb 0: "))?;
    let (num, den) = base.trim().split_once('/')?;
    let tick = num.parse::<f64>().ok()? / den.parse::<f64>().ok()?;
    let times: Vec<f64> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(',').nth(2)?.trim().parse::<f64>().ok())
        .map(|pts| pts * tick)
        .collect();
    let mut intervals: Vec<f64> = times.windows(2).map(|w| w[1] - w[0]).collect();
    let last = intervals.last().copied();
    intervals.sort_by(f64::total_cmp);
    let typical = intervals.get(intervals.len() / 2).copied();
    let shown = if variable { last } else { typical }.unwrap_or(0.04);
    Some((*times.first()?, times.last()? + shown))
}

fn sound_of(file: &Path) -> Option<Vec<f32>> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:a:0", "-ac", "1", "-ar", &HEARD_HZ.to_string(), "-f", "f32le", "-"])
        .output()
        .ok()?;
    output.status.success().then_some(())?;
    Some(output.stdout.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}
