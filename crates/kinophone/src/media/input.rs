//! Restrictions on what is read: a film is one regular file in a format that holds pictures and sound itself.
//!
//! A hostile "film" could be a playlist that names other files or URLs, a pipe that never ends, or a name
//! that ffmpeg takes for an option, a protocol or a pattern. So every name goes in as `file:` plus an
//! absolute path, only the `file` protocol is open, and only the formats of [`FORMATS`] are (FFmpeg's
//! `format_whitelist`: checked after the content was recognised and before anything in it is followed).

use crate::file_kind::FileKind;
use crate::media::process::Outcome;
use crate::{Error, Kind, Result};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// ffmpeg's names of the formats that hold pictures or sound in themselves. Absent on purpose: hls, dash,
/// concat, sdp, imf and other lists of files; image sequences; devices; subtitles and text.
const FORMATS: &str = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,nut,mxf,gxf,rm,dv,ivf,h264,hevc,vvc,\
av1,obu,m4v,h261,h263,vc1,mjpeg,mpjpeg,cavsvideo,dirac,dnxhd,evc,gif,apng,yuv4mpegpipe,nsv,swf,wtv,pva,mtv,film_cpk,\
flic,roq,smk,bink,ea,4xm,ipmovie,idcin,mm,rpl,thp,vivo,xmv,c93,bfi,amv,\
wav,w64,mp3,flac,aac,ac3,eac3,ac4,dts,dtshd,truehd,mlp,aiff,au,caf,amr,ape,wv,tta,tak,voc,mpc,mpc8,oma,loas,latm,spdif,\
sox,ircam,pvf,dsf,iff,shn,adp,qcp,rso,sol,wsd";

/// ffmpeg's names of formats that name other files or addresses.
const PLAYLISTS: [&str; 10] =
    ["hls", "applehttp", "concat", "dash", "sdp", "rtsp", "sap", "imf", "webm_dash_manifest", "redir"];

/// No single allocation beyond this: an 8K picture in 16 bits takes 0.3 GB, a damaged header may ask for
/// anything.
const MAX_ALLOCATION_BYTES: &str = "1073741824";

/// Checks what can be checked before ffmpeg sees the file, and gives its size in bytes. Nothing here can
/// hang: a pipe or device is not opened.
pub(crate) fn check(path: &Path) -> Result<u64> {
    let facts = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?;
    if facts.is_dir() {
        return Err(a_folder(path));
    }
    if !facts.is_file() {
        return Err(Error::new(Kind::WrongKind, "is a device, pipe or socket, not a film")
            .at(path)
            .help("record it into a file first"));
    }
    File::open(path).map_err(|e| Error::io("read", path, e))?;
    if facts.len() == 0 {
        return Err(Error::new(Kind::Empty, "is empty (0 bytes)")
            .at(path)
            .help("was it copied or downloaded whole?"));
    }
    Ok(facts.len())
}

/// The error of a folder where one film is wanted.
pub(crate) fn a_folder(path: &Path) -> Error {
    let kind = FileKind::of(path);
    let help = match kind {
        FileKind::ShardFolder => {
            "name a film; 'kinophone train' learns from a corpus, and --sounds plays with a library"
        }
        _ => "name the films inside it, such as FOLDER/*.mp4",
    };
    let name = kind.name().unwrap_or("a folder");
    Error::new(Kind::WrongKind, format!("is {name}, not a film")).at(path).help(help)
}

/// The file as ffmpeg is to be told of it: no protocol, option or pattern can be read into it.
pub(crate) fn url(path: &Path) -> Result<OsString> {
    let whole = std::path::absolute(path).map_err(|e| Error::io("read", path, e))?;
    let mut url = OsString::from("file:");
    url.push(whole);
    Ok(url)
}

/// The options that every run begins with.
pub(crate) fn common() -> Vec<OsString> {
    words(&["-hide_banner", "-max_alloc", MAX_ALLOCATION_BYTES])
}

/// The options that stand before `-i` whenever a film is opened.
pub(crate) fn guards() -> Vec<OsString> {
    words(&["-protocol_whitelist", "file", "-format_whitelist", FORMATS])
}

/// Words of a command line.
pub(crate) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Why the file could not be opened as a film, from ffmpeg's complaints and the file's first bytes.
pub(crate) fn refusal(path: &Path, outcome: &Outcome) -> Error {
    let refused = outcome.lines.iter().find(|line| line.contains("Format not on whitelist"));
    let format =
        refused.and_then(|line| line.split(['[', ' ']).find(|word| !word.is_empty())).unwrap_or_default();
    let error = if PLAYLISTS.iter().any(|p| format.split(',').any(|f| f == *p)) {
        Error::new(Kind::WrongKind, format!("is a list of other files or addresses ({format}), not a film"))
            .help("playlists are not followed; name the films themselves")
    } else if let Some(error) = another_kind(path) {
        error
    } else if is_text(path) {
        Error::new(Kind::WrongKind, "is a text, not a film")
            .help("playlists are not followed; name a film itself")
    } else if !format.is_empty() {
        Error::new(Kind::WrongKind, format!("is not a film (ffmpeg calls its format '{format}')"))
            .help("a film is one file with moving pictures or sound in it: .mp4, .mkv, .mov, .webm, .avi …")
    } else {
        let said = outcome.complaints();
        // The last line only repeats the file's name; the one before it, if any, gives the reason.
        let reason =
            said.iter().rev().find(|line| !line.starts_with("file:") && !line.starts_with("Error opening"));
        let reason = reason.map(|r| format!(" ({r})")).unwrap_or_default();
        Error::new(Kind::WrongKind, format!("is not a film that ffmpeg can read{reason}"))
            .help("if it plays elsewhere, convert it first; if it was cut off while copying, copy it again")
    };
    error.at(path)
}

/// The error of a file that is known to be something else.
fn another_kind(path: &Path) -> Option<Error> {
    let kind = FileKind::of(path);
    let help = match kind {
        FileKind::Brain => "a brain plays films: kinophone render BRAIN FILM -o OUT.mp4".to_owned(),
        FileKind::Checkpoint => "name a film; `kinophone train --resume` finds checkpoints itself".to_owned(),
        FileKind::Shard => {
            "name the film or recording itself, or the folder as what it is: `kinophone inspect` tells"
                .to_owned()
        }
        FileKind::Score => "name the film; `kinophone credits` lists whose sounds a score plays".to_owned(),
        FileKind::Image => film_of_image(path),
        _ => return None,
    };
    Some(Error::new(Kind::WrongKind, format!("is {}, not a film", kind.name()?)).help(help))
}

/// The command that makes a film of an image. ffmpeg before 8 does not decode animated WebP.
fn film_of_image(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("webp")) {
        return format!(
            "make a film of it first: magick {name} film.mkv (ffmpeg does not decode animated WebP)"
        );
    }
    format!("make a film of it first: ffmpeg -loop 1 -i {name} -t 10 -pix_fmt yuv420p film.mkv")
}

fn is_text(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
    // The cut at 512 bytes may fall into a character, so only the byte classes are judged.
    read.is_ok() && head.iter().all(|&b| b >= 0x20 && b != 0x7f || matches!(b, b'\t' | b'\n' | b'\r'))
}
