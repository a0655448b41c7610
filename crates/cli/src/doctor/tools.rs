//! The programs that Kinophone uses: ffmpeg with its encoders and decoders, ffprobe, and the drivers of
//! graphics cards.

#![allow(clippy::disallowed_methods, reason = "asks other programs for their versions")]

use crate::context::Context;
use crate::doctor::finding::Finding;
use kinophone::media::Ffmpeg;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Encoders of the codecs that `--codec` offers, with advice where one is missing.
const ENCODERS: [(&str, &str); 3] = [
    ("aac", "choose --codec opus, flac or pcm"),
    ("libopus", "install an ffmpeg with libopus for .webm, or choose another container"),
    ("flac", "choose --codec aac, opus or pcm"),
];

/// The preferred encoder of the demo's films; without it another one is used.
const DEMO_ENCODER: &str = "libx264";

/// Decoders of the most common films.
const DECODERS: [&str; 3] = ["h264", "hevc", "aac"];

/// Checks programs and drivers.
pub(super) fn check(context: &Context) -> Vec<Finding> {
    let mut findings = match context.ffmpeg() {
        Ok(ffmpeg) => tools(&ffmpeg),
        Err(e) => vec![Finding::problem(
            "ffmpeg",
            e.to_string(),
            e.advice().unwrap_or("install ffmpeg 4.4 or later"),
        )],
    };
    findings.push(graphics());
    findings
}

fn tools(ffmpeg: &Ffmpeg) -> Vec<Finding> {
    let here = format!("{} at {}", ffmpeg.version(), ffmpeg.program().display());
    vec![
        Finding::ok("ffmpeg", here),
        ffprobe(ffmpeg.program()),
        encoders(ffmpeg.program()),
        decoders(ffmpeg.program()),
    ]
}

fn ffprobe(ffmpeg: &Path) -> Finding {
    let beside = ffmpeg.with_file_name(format!("ffprobe{}", std::env::consts::EXE_SUFFIX));
    match beside.is_file().then_some(beside).or_else(|| in_path("ffprobe")) {
        Some(place) => Finding::ok("ffprobe", place.display().to_string()),
        None => Finding::warning(
            "ffprobe",
            "missing; ffmpeg itself is asked instead",
            "install it for more exact facts",
        ),
    }
}

fn encoders(ffmpeg: &Path) -> Finding {
    let Some(names) = names(ffmpeg, "-encoders") else { return unlisted("encoders") };
    let missing: Vec<_> = ENCODERS.iter().filter(|(name, _)| !names.contains(*name)).collect();
    if let Some((_, advice)) = missing.first() {
        let list: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
        return Finding::warning("encoders", format!("missing: {}", list.join(", ")), *advice);
    }
    if !names.contains(DEMO_ENCODER) {
        let advice = "only the demo uses it, and encodes its films with another codec instead";
        return Finding::warning("encoders", format!("aac, libopus and flac, but no {DEMO_ENCODER}"), advice);
    }
    Finding::ok("encoders", format!("aac, libopus, flac, {DEMO_ENCODER}"))
}

fn decoders(ffmpeg: &Path) -> Finding {
    let Some(names) = names(ffmpeg, "-decoders") else { return unlisted("decoders") };
    let missing: Vec<_> = DECODERS.iter().filter(|name| !names.contains(**name)).copied().collect();
    if missing.is_empty() {
        Finding::ok(
            "decoders",
            format!("{} and {} others", DECODERS.join(", "), names.len() - DECODERS.len()),
        )
    } else {
        let found = format!("missing: {}", missing.join(", "));
        Finding::warning("decoders", found, "most films need these; install a complete ffmpeg")
    }
}

fn unlisted(topic: &'static str) -> Finding {
    Finding::warning(topic, "ffmpeg does not list them", "choose another ffmpeg with --ffmpeg PATH")
}

/// Second column of ffmpeg's list, which begins below a line of dashes: " A....D aac   AAC (Advanced Audio
/// Coding)".
fn names(ffmpeg: &Path, list: &str) -> Option<HashSet<String>> {
    let text = output(Command::new(ffmpeg).args(["-hide_banner", list]))?;
    let below = text.lines().skip_while(|line| !line.trim().starts_with("---")).skip(1);
    Some(below.filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned)).collect())
}

/// The devices that `train --device` can use: the compiled features, and the hardware of this machine.
fn graphics() -> Finding {
    let built = match (cfg!(feature = "wgpu"), cfg!(feature = "cuda")) {
        (false, false) => "this build computes on the CPU only",
        (true, false) => "this build can use wgpu",
        (false, true) => "this build can use cuda",
        (true, true) => "this build can use wgpu and cuda",
    };
    let card =
        output(Command::new("nvidia-smi").args(["--query-gpu=name,memory.total", "--format=csv,noheader"]))
            .and_then(|text| text.lines().next().map(|line| line.trim().to_owned()))
            .filter(|line| !line.is_empty());
    match (card, has_vulkan()) {
        (Some(card), _) if cfg!(feature = "cuda") => Finding::ok("graphics", format!("{card}; {built}")),
        (Some(card), _) => {
            Finding::ok("graphics", format!("{card}; {built} (--features cuda adds the card)"))
        }
        (None, true) => Finding::ok("graphics", format!("Vulkan drivers are installed; {built}")),
        (None, false) if cfg!(any(feature = "wgpu", feature = "cuda")) && !cfg!(target_os = "macos") => {
            Finding::warning(
                "graphics",
                format!("no graphics driver was found; {built}"),
                "leave --device at cpu",
            )
        }
        (None, false) => Finding::ok("graphics", format!("none needed; {built}")),
    }
}

/// True where a Vulkan driver is installed: loaders find drivers by the manifests in these folders.
fn has_vulkan() -> bool {
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .any(|folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

/// Standard output of a program that exits successfully.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn in_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_the_installed_ffmpeg_are_understood() {
        let ffmpeg = in_path("ffmpeg").expect("the tests need ffmpeg");
        let encoders = names(&ffmpeg, "-encoders").unwrap();
        let decoders = names(&ffmpeg, "-decoders").unwrap();
        assert!(encoders.contains("aac") && encoders.contains("flac"));
        assert!(decoders.contains("h264") && !decoders.contains("="));
    }

    #[test]
    fn a_program_that_is_not_there_gives_nothing() {
        assert_eq!(output(&mut Command::new("kinophone-has-no-such-program")), None);
        assert_eq!(names(Path::new("kinophone-has-no-such-program"), "-encoders"), None);
    }
}
