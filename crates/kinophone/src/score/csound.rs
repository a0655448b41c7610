//! A score as a piece for Csound: every clip an event, its envelope in the event's own fields.
//!
//! Control runs at the rate of the samples, so that clips begin on their sample and read on whole samples where their speed is
//! a whole number; elsewhere between samples, with the same cubic as ours.

use crate::score::{ClipEvent, Score, wav};
use crate::wording::one_line;
use kinophone_dsp::concat::pan_gains;
use std::path::Path;

/// Points of an envelope that one event holds: Csound's reader of scores gives up on long lines, which it must find room for in
/// one piece (4096 bytes, the MARGIN of its sread.c). A point takes twenty bytes or less.
const MAX_POINTS: usize = 100;

/// The beginning of both instruments: the envelope.
const ENVELOPE: &str = "\
  ; p4 table of the first channel, p5 frame of it that sounds first, p6 speed, p7 and p8 what the left channel takes of
  ; left and right, p9 and p10 what the right one takes, p11 number of points of the envelope, p12 on: their frames and
  ; amplitudes in turn
  iCount = p11
  iTimes[] init iCount
  iLevels[] init iCount
  iN = 0
  while iN < iCount do
    iTimes[iN] pindex 12 + 2 * iN
    iLevels[iN] pindex 13 + 2 * iN
    iN += 1
  od
  kTimes[] = iTimes
  kLevels[] = iLevels
  kT init 0
  kI init 0
  while kI < iCount - 2 && kT >= kTimes[kI + 1] do
    kI += 1
  od
  kFrom = kTimes[kI]
  kLevel = kLevels[kI]
  kE = kLevel + (kLevels[kI + 1] - kLevel) * (kT - kFrom) / (kTimes[kI + 1] - kFrom)
  kPlace = p5 + kT * p6
  iEnd = ftlen(p4)
";

/// Code that reads on whole samples; beyond the ends there is silence.
fn on_samples(channel: usize) -> String {
    format!(
        "  kY{channel} table kPlace, p4 + {channel}\n  kY{channel} = (kPlace < 0 || kPlace >= iEnd) ? 0 : kY{channel}\n"
    )
}

/// Code that reads between samples, with the cubic of Catmull and Rom.
fn between(channel: usize) -> String {
    let reads: String = ["A", "B", "C", "D"]
        .iter()
        .zip(-1..)
        .map(|(name, after)| format!("  k{name} table kFrame + {after}, p4 + {channel}\n"))
        .collect();
    let cubic = "kB + kX * (0.5 * (kC - kA) + kX * (kA - 2.5 * kB + 2 * kC - 0.5 * kD + kX * (1.5 * (kB - kC) + 0.5 * (kD - kA))))";
    format!("{reads}  kY{channel} = (kPlace < 0 || kPlace >= iEnd) ? 0 : {cubic}\n")
}

/// Makes the document; `folder` is the name of the folder of sources beside it, `path` its own.
pub(crate) fn csd(score: &Score, folder: &str, path: &Path) -> String {
    let (rate, channels) = (score.about.rate.hz(), score.about.channels.max(1) as usize);
    let name = one_line(&path.file_name().unwrap_or_default().to_string_lossy());
    let mut text = String::from("<CsoundSynthesizer>\n");
    text += &format!(
        "; A soundtrack of Kinophone. To play it, beside its folder {folder}: csound -o out.wav {name}\n"
    );
    score.notes().iter().for_each(|note| text += &format!("; {note}\n"));
    // No line on the terminal for each of thousands of events.
    text += "<CsOptions>\n-W -m0 -d\n</CsOptions>\n<CsInstruments>\n";
    text += &format!("sr = {rate}\nksmps = 1\nnchnls = {channels}\n0dbfs = 1\n\n");
    for (number, read) in [(1, on_samples as fn(usize) -> String), (2, between)] {
        text += &format!("instr {number}\n{ENVELOPE}");
        if number == 2 {
            text += "  kFrame = floor(kPlace)\n  kX = kPlace - kFrame\n";
        }
        (0..channels).for_each(|channel| text += &read(channel));
        let takes = |c: usize| match channels {
            1 => "kY0 * p7".to_owned(),
            _ => format!("(kY0 * p{} + kY1 * p{})", 7 + 2 * c, 8 + 2 * c),
        };
        let outs: Vec<String> = (0..channels).map(|c| format!("a({} * kE)", takes(c))).collect();
        text += &format!("  out{} {}\n", if channels > 1 { "s" } else { "" }, outs.join(", "));
        text += "  kT += 1\nendin\n\n";
    }
    text += "</CsInstruments>\n<CsScore>\n";
    let mut tables = vec![0; score.sources.len()];
    let mut table = 1;
    for used in wav::used(score) {
        tables[used.source] = table;
        for channel in 1..=channels {
            text += &format!("f {table} 0 0 -1 \"{folder}/{}\" 0 0 {channel}\n", used.file);
            table += 1;
        }
    }
    let gain = 10f64.powf(score.about.gain_db / 20.0);
    for clip in &score.clips {
        let gains = pan_gains(clip.pan, score.about.source_channels as usize, channels);
        // The files have the soundtrack's channels, also where the recordings have one.
        let gains = if score.about.source_channels == 1 && channels > 1 {
            [[gains[0][0], 0.0], [0.0, gains[1][0]]]
        } else {
            gains
        };
        let gains = gains.map(|takes| takes.map(|part| gain * f64::from(part)));
        event(clip, tables[clip.source], f64::from(rate), gains, &mut text);
    }
    // The render is as long as its film, even where it ends in silence.
    text += &format!("f 0 {:.9}\ne\n</CsScore>\n</CsoundSynthesizer>\n", score.about.seconds);
    text
}

fn event(clip: &ClipEvent, table: usize, rate: f64, gains: [[f64; 2]; 2], text: &mut String) {
    let frame = |seconds: f64| (seconds * rate).round();
    let at = frame(clip.at);
    let mut points: Vec<(f64, f64)> = clip.envelope.iter().map(|point| (frame(point[0]), point[1])).collect();
    // Two points in one frame would be a line without a length.
    points.dedup_by_key(|point| point.0);
    // A frame alone is a line, too; the last frame sounds.
    let single = points.len() == 1;
    if let [(t, amplitude)] = points[..] {
        points.push((t + 1.0, amplitude));
    }
    let last = points.len() - 1;
    let [[a, b], [c, d]] = gains;
    // What is read between samples may begin between them.
    let (instrument, source_place) = match clip.speed.fract() == 0.0 {
        true => (1, frame(clip.source_at)),
        false => (2, clip.source_at * rate),
    };
    for begin in (0..last).step_by(MAX_POINTS - 1) {
        let end = (begin + MAX_POINTS - 1).min(last);
        let (from, to) = (points[begin].0, points[end].0);
        let frames = to - from + if end == last && !single { 1.0 } else { 0.0 };
        let place = source_place + from * clip.speed;
        *text += &format!(
            "i {instrument} {:.9} {:.9} {table} {place} {} {a:.7} {b:.7} {c:.7} {d:.7} {}",
            (at + from) / rate,
            frames / rate,
            clip.speed,
            // Fields that are missing would be those of the event before.
            end - begin + 1
        );
        for (t, amplitude) in &points[begin..=end] {
            *text += &format!(" {} {amplitude:.6}", t - from);
        }
        text.push('\n');
    }
}
