//! Films out of pictures and samples that we made ourselves.

use crate::media::process::{Guarded, Launch, Process};
use crate::media::{DrawnFilm, Ffmpeg, SoundCodec, arguments, containers, encode, input};
use crate::storage::{self, AtomicFile, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ChildStdin;

pub(crate) fn draw(
    ffmpeg: &Ffmpeg,
    film: &DrawnFilm,
    pictures: &mut dyn Iterator<Item = Vec<u8>>,
    sound: &[f32],
    task: Task<'_>,
) -> Result<()> {
    let (extension, codec) = kind_of(film)?;
    let whole = AtomicFile::create(&film.output, Overwrite::Replace)?;
    let folder = whole.temporary_path().parent().unwrap_or(Path::new("."));
    let samples = storage::scratch(folder)?;
    write_samples(samples.as_file(), sound).map_err(|e| Error::io("written", samples.path(), e))?;
    let mut args = inputs(ffmpeg, film, codec, &extension, samples.path())?;
    args.extend(picture_codec(ffmpeg, &extension)?);
    args.extend(encode::sound_codec(ffmpeg, codec, &extension, 1)?);
    // Without dates and version names in it, the same film is the same file.
    args.extend(input::words(&["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]));
    args.extend(encode::container(ffmpeg, codec, &extension, film.sound_rate));
    args.push(input::url(whole.temporary_path())?);
    let grows = Some(whole.temporary_path().to_owned());
    let launch = Launch { program: &ffmpeg.program, args, input: true, stall: ffmpeg.stall, grows };
    let (mut process, stdin, _) = Process::start(launch)?;
    let fed = stdin.map_or(Ok(()), |pipe| feed(pipe, film, pictures, task));
    if matches!(&fed, Err(e) if e.kind() != Kind::Io) {
        return fed;
    }
    // A broken pipe only says that ffmpeg ended; its own words say why.
    if let Some(error) = process.wait()?.error("drawing it") {
        return Err(error.at(&film.output));
    }
    fed?;
    whole.commit()
}

/// The extension and its usual sound codec.
fn kind_of(film: &DrawnFilm) -> Result<(String, SoundCodec)> {
    let extension = film.output.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let holds_pictures = containers::holds_pictures(&extension);
    let Some(codec) = SoundCodec::default_for(&extension).filter(|_| holds_pictures) else {
        return Err(Error::new(Kind::Invalid, "has an extension that no drawn film can have")
            .at(&film.output)
            .help("choose mp4, m4v, mov, mkv, webm or avi"));
    };
    if film.width == 0 || film.height == 0 || film.width % 2 == 1 || film.height % 2 == 1 {
        return Err(Error::new(Kind::Invalid, format!("can't be {} × {} pixels", film.width, film.height))
            .at(&film.output)
            .help("width and height must be even"));
    }
    Ok((extension, codec))
}

fn inputs(
    ffmpeg: &Ffmpeg,
    film: &DrawnFilm,
    codec: SoundCodec,
    extension: &str,
    samples: &Path,
) -> Result<Vec<OsString>> {
    let mut args = input::common();
    args.extend(input::words(&["-nostdin", "-nostats", "-v", "error", "-y"]));
    args.extend(input::words(&["-f", "rawvideo", "-pixel_format", "rgb24"]));
    args.extend(input::words(&["-video_size", &format!("{}x{}", film.width, film.height)]));
    args.extend(input::words(&["-framerate", &format!("{}/{}", film.rate.num(), film.rate.den())]));
    args.extend(input::words(&["-protocol_whitelist", "pipe", "-i", "pipe:0"]));
    args.extend(input::words(&[
        "-itsoffset",
        &arguments::seconds(encode::early_opus(ffmpeg, codec, extension)),
    ]));
    args.extend(encode::raw_sound(film.sound_rate, 1));
    args.extend(input::words(&["-protocol_whitelist", "file", "-i"]));
    args.push(input::url(samples)?);
    args.extend(input::words(&["-map", "0:0", "-map", "1:0"]));
    Ok(args)
}

/// The threads are counted because encoders divide their work, and thus their bits, by them.
fn picture_codec(ffmpeg: &Ffmpeg, extension: &str) -> Result<Vec<OsString>> {
    const VP9: &[&str] = &[
        "-c:v",
        "libvpx-vp9",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-crf",
        "20",
        "-b:v",
        "0",
        "-threads",
        "2",
    ];
    const VP8: &[&str] = &[
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-crf",
        "8",
        "-b:v",
        "8M",
        "-threads",
        "2",
    ];
    const H264: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", "-threads", "4"];
    const MPEG4: &[&str] = &["-c:v", "mpeg4", "-q:v", "2", "-bf", "0", "-threads", "1"];
    let chosen = match extension {
        "webm" if ffmpeg.has_encoder("libvpx-vp9")? => VP9,
        "webm" if ffmpeg.has_encoder("libvpx")? => VP8,
        "webm" => {
            return Err(Error::new(Kind::Tool, "can't draw a .webm: it has no VP9 encoder")
                .at(&ffmpeg.program)
                .help("draw an .mp4, or install an ffmpeg with libvpx"));
        }
        "mp4" | "m4v" | "mov" | "mkv" if ffmpeg.has_encoder("libx264")? => H264,
        _ => MPEG4,
    };
    let mut args = input::words(chosen);
    args.extend(input::words(&["-pix_fmt", "yuv420p"]));
    Ok(args)
}

fn write_samples(file: &std::fs::File, sound: &[f32]) -> std::io::Result<()> {
    let mut file = BufWriter::new(file);
    sound.iter().try_for_each(|sample| file.write_all(&sample.to_le_bytes()))?;
    file.flush()
}

fn feed(
    mut pipe: Guarded<ChildStdin>,
    film: &DrawnFilm,
    pictures: &mut dyn Iterator<Item = Vec<u8>>,
    task: Task<'_>,
) -> Result<()> {
    let bytes = film.width as usize * film.height as usize * 3;
    for (done, picture) in (1..).zip(pictures) {
        task.cancel.check()?;
        if picture.len() != bytes {
            let what = format!("can't be drawn: a picture has {} bytes instead of {bytes}", picture.len());
            return Err(Error::new(Kind::Invalid, what).at(&film.output));
        }
        pipe.write_all(&picture).map_err(|e| {
            Error::new(Kind::Io, "could not be drawn: ffmpeg took no more pictures")
                .at(&film.output)
                .help("`kinophone doctor` checks ffmpeg; another version of it may do better")
                .because(e)
        })?;
        task.watcher.advance(done);
    }
    Ok(())
}

impl Ffmpeg {
    /// True where this ffmpeg was built with an encoder, by ffmpeg's name of it.
    pub(crate) fn has_encoder(&self, name: &str) -> Result<bool> {
        let args = input::words(&["-hide_banner", "-encoders"]);
        let (said, outcome) = crate::media::process::run(&self.program, args, self.stall, 1 << 20)?;
        if let Some(error) = outcome.error("listing its encoders") {
            return Err(error.at(&self.program));
        }
        Ok(String::from_utf8_lossy(&said).lines().any(|line| line.split_whitespace().nth(1) == Some(name)))
    }
}
