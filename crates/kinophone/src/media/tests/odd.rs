//! Odd files: sound whose format changes, timestamps that jump, channels without places, several tracks. The truth is that of the parts
//! out of which each file is made.

use crate::Kind;
use crate::media::AudioTracks;
use crate::media::tests::*;
use std::f64::consts::TAU;

const RATE: u32 = 48_000;

/// Joins files byte by byte.
fn join(parts: &[PathBuf], whole: &Path) {
    let bytes: Vec<u8> = parts.iter().flat_map(|part| std::fs::read(part).unwrap()).collect();
    std::fs::write(whole, bytes).unwrap();
}

/// Amplitude of a sine of `hz` in mono sound from one second to another.
fn amplitude(sound: &[f32], hz: f64, from: f64, to: f64) -> f64 {
    let at = |secs: f64| ((secs * f64::from(RATE)) as usize).min(sound.len());
    let part = &sound[at(from)..at(to)];
    let sum = |phase: f64| -> f64 {
        let turn = |k: usize| (TAU * hz * k as f64 / f64::from(RATE) + phase).sin();
        part.iter().enumerate().map(|(k, x)| f64::from(*x) * turn(k)).sum()
    };
    2.0 * sum(0.0).hypot(sum(TAU / 4.0)) / part.len().max(1) as f64
}

/// Longest run of samples below −80 dB, in seconds.
fn longest_silence(sound: &[f32]) -> f64 {
    let runs = sound.split(|x| x.abs() > 1e-4).map(<[f32]>::len);
    runs.max().unwrap_or(0) as f64 / f64::from(RATE)
}

/// Two parts of five seconds, a sine each, of which the second has another format: nothing is put in, nothing comes late.
#[test]
fn sound_whose_format_changes_goes_on_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (extension, codec, first, second) in [
        ("ac3", "ac3", "-ar 48000 -ac 2", "-ar 48000 -ac 6"),
        ("mp3", "libmp3lame", "-ar 44100 -ac 1", "-ar 44100 -ac 2"),
        ("mp3", "libmp3lame", "-ar 44100 -ac 2", "-ar 48000 -ac 2"),
        ("ogg", "libvorbis", "-ar 44100 -ac 1", "-ar 48000 -ac 2"),
        ("ts", "aac", "-ar 44100 -ac 1", "-ar 48000 -ac 2"),
    ] {
        let parts = [at(&format!("one.{extension}")), at(&format!("two.{extension}"))];
        for (part, options) in parts.iter().zip([first, second]) {
            make(&format!("-f lavfi -i sine=330:d=5 {options} -c:a {codec} {{}}"), &[part]);
        }
        let whole = at(&format!("both.{extension}"));
        join(&parts, &whole);
        let sound = sound_of(&whole, RATE);
        let secs = sound.len() as f64 / f64::from(RATE);
        let name = format!("{extension}: {first}, then {second}");
        // Encoders pad their last frame.
        assert!((9.99..10.15).contains(&secs), "{name}: {secs} s");
        assert!(longest_silence(&sound[4800..sound.len() - 4800]) < 0.08, "{name}");
        for (from, to) in [(1.0, 4.0), (6.0, 9.0)] {
            let [own, other] = [330.0, 330.0 * 48.0 / 44.1].map(|hz| amplitude(&sound, hz, from, to));
            assert!(own > 0.02 && other < 0.1 * own, "{name}: {own} and {other} from {from} s on");
        }
    }
}

/// A flash and a beep in each of two transport streams, the second of which is six hours late, or begins at the same time again.
#[test]
fn streams_with_a_jump_between_them_are_joined_as_players_do() {
    let folder = tempfile::tempdir().unwrap();
    for late in [21_600, 0] {
        let parts = [folder.path().join("near.ts"), folder.path().join(format!("far{late}.ts"))];
        for (part, offset) in parts.iter().zip([0, late]) {
            let flash = "color=black:s=96x64:r=25:d=2,drawbox=c=white:t=fill:enable='eq(n,25)'";
            let beep = "aevalsrc=if(between(t\\,1\\,1.02)\\,0.8*sin(2*PI*3000*t)\\,0):s=48000:d=2";
            make(
                &format!(
                    "-f lavfi -i {flash} -f lavfi -i {beep} -output_ts_offset {offset} -pix_fmt yuv420p -c:v libx264 -c:a aac {{}}"
                ),
                &[part],
            );
        }
        let whole = folder.path().join("both.ts");
        join(&parts, &whole);
        let (pictures, decoded) = decode(&whole, &grey(8)).unwrap();
        assert!((3.9..4.2).contains(&decoded.end.as_secs_f64()), "{late}: {}", decoded.end);
        let bright: Vec<f64> =
            pictures.iter().filter(|p| p.pixels[0] > 128).map(|p| p.time.as_secs_f64()).collect();
        let sound = sound_of(&whole, RATE);
        let mut beeps: Vec<f64> = Vec::new();
        for (k, _) in sound.iter().enumerate().filter(|(_, x)| x.abs() > 0.2) {
            let time = k as f64 / f64::from(RATE);
            if beeps.last().is_none_or(|last| time - last > 0.5) {
                beeps.push(time);
            }
        }
        assert_eq!((bright.len(), beeps.len()), (2, 2), "{late}: {bright:?} {beeps:?}");
        for (flash, beep) in bright.iter().zip(&beeps) {
            assert!((flash - beep).abs() < 0.016, "{late}: flash at {flash}, beep at {beep}");
        }
    }
}

/// The same jump in a container whose times are one clock is damage, and the error says where.
#[test]
fn a_jump_of_hours_elsewhere_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("jump.mkv");
    let jump = "setpts='if(gt(N,49),PTS+21600/TB,PTS)'";
    make(&format!("-f lavfi -i testsrc2=s=96x64:r=25:d=4,{jump} {} -c:v ffv1 {{}}", uneven()), &[&film]);
    let error = decode(&film, &grey(8)).unwrap_err();
    assert_eq!(error.kind(), Kind::Damaged, "{error}");
    assert!(error.to_string().contains("from 0:00:01.960 to 6:00:02"), "{error}");
}

#[test]
fn pictures_that_go_back_in_time_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let part = folder.path().join("part.mkv");
    make("-f lavfi -i testsrc2=s=96x64:r=25:d=2 -c:v mjpeg {}", &[&part]);
    let whole = folder.path().join("whole.mkv");
    join(&[part.clone(), part], &whole);
    let (pictures, decoded) = decode(&whole, &grey(8)).unwrap();
    let said = decoded.complaints.iter().any(|line| line.contains("times do not come after"));
    assert!(pictures.len() == 100 || said, "{} pictures: {:?}", pictures.len(), decoded.complaints);
}

#[test]
fn a_film_that_is_shorter_than_it_claims_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole.mkv"), folder.path().join("cut.mkv"));
    make(
        "-f lavfi -i testsrc2=s=160x120:r=25:d=10 -f lavfi -i sine=330:d=10 -c:v mpeg4 -c:a flac {}",
        &[&whole],
    );
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let (_, decoded) = decode(&cut, &grey(8)).unwrap();
    assert!(
        decoded.complaints.iter().any(|line| line.contains("it claims to end at 0:00:10.0")),
        "{decoded:?}"
    );
    let (_, whole) = decode(&whole, &grey(8)).unwrap();
    assert!(whole.complaints.is_empty(), "{:?}", whole.complaints);
}

/// Ten channels of 100, 200 … Hz without places, and six of which one would be taken for a subwoofer.
#[test]
fn channels_without_places_are_all_heard() {
    let folder = tempfile::tempdir().unwrap();
    for count in [3usize, 6, 10] {
        let film = folder.path().join(format!("{count}.wav"));
        let sines: Vec<String> = (1..=count).map(|k| format!("0.5*sin(2*PI*{}*t)", 100 * k)).collect();
        // The filter leaves the channels without a layout, as recorders do.
        make(&format!("-f lavfi -i aevalsrc={}:s=48000:d=1 -c:a pcm_s16le {{}}", sines.join("|")), &[&film]);
        let mut bytes = std::fs::read(&film).unwrap();
        // The mask of an extensible WAV says which loudspeakers the channels belong to: to none.
        if bytes[20..22] == [0xfe, 0xff] {
            bytes[40..44].fill(0);
        }
        std::fs::write(&film, bytes).unwrap();
        assert_eq!(ffmpeg().probe(&film).unwrap().sounds[0].layout, None);
        let (stereo, _) = sound(&film, AudioTracks::Default, RATE, 2);
        let sides: [Vec<f32>; 2] =
            std::array::from_fn(|side| stereo.iter().skip(side).step_by(2).copied().collect());
        for k in 1..=count {
            let hz = 100.0 * k as f64;
            let (own, other) = (&sides[(k - 1) % 2], &sides[k % 2]);
            let share = 0.5 / if k % 2 == 1 { count.div_ceil(2) } else { count / 2 } as f64;
            assert!((amplitude(own, hz, 0.1, 0.9) - share).abs() < 0.02 * share, "{count}: {k}");
            assert!(amplitude(other, hz, 0.1, 0.9) < 1e-3, "{count}: {k}");
        }
        let mono = sound_of(&film, RATE);
        assert!((amplitude(&mono, 400.0, 0.1, 0.9) > 0.04) == (count >= 4), "{count}");
    }
}

/// Three tracks of one sine each: the marked one is the default, two together are left and right, three are mixed.
#[test]
fn tracks_are_chosen_by_their_mark_or_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    make(
        "-f lavfi -i testsrc2=s=96x64:r=25:d=2 -f lavfi -i sine=300:d=2:r=48000 -f lavfi -i sine=500:d=2:r=48000 -f lavfi \
         -i sine=700:d=2:r=48000 -map 0 -map 1 -map 2 -map 3 -c:v mpeg4 -c:a flac -disposition:a:0 0 -disposition:a:1 default \
         -disposition:a:2 0 {}",
        &[&film],
    );
    let heard = |tracks: AudioTracks| {
        let (stereo, _) = sound(&film, tracks, RATE, 2);
        [0, 1].map(|side| {
            let one: Vec<f32> = stereo.iter().skip(side).step_by(2).copied().collect();
            [300.0, 500.0, 700.0].map(|hz| (amplitude(&one, hz, 0.1, 1.9) * 80.0).round() / 10.0)
        })
    };
    // One channel spread over two has the power of one.
    assert_eq!(heard(AudioTracks::Default), [[0.0, 0.7, 0.0]; 2]);
    assert_eq!(heard(AudioTracks::one(2)), [[0.0, 0.0, 0.7]; 2]);
    assert_eq!(heard("2,0".parse().unwrap()), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    assert_eq!(heard("0,1,2".parse().unwrap()), [[0.2, 0.2, 0.2]; 2]);
}

/// Several recordings out of one process are the same to the bit; a damaged one among them sends each back to a process of its own.
#[test]
fn recordings_decoded_together_are_as_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let recordings = [
        ("a.wav", "-ar 22050 -ac 1"),
        ("b.flac", "-ar 44100 -ac 2"),
        ("c.wav", "-ar 96000 -ac 2 -c:a pcm_s24le"),
        ("d.mp3", "-ar 44100 -ac 1"),
        ("e.ogg", "-ar 48000 -ac 2"),
    ];
    for (k, (name, options)) in recordings.iter().enumerate() {
        make(&format!("-f lavfi -i anoisesrc=d=0.{}:seed={k}:a=0.3 {options} {{}}", k + 3), &[&at(name)]);
    }
    let paths: Vec<PathBuf> = recordings.iter().map(|(name, _)| at(name)).collect();
    let films: Vec<_> = paths.iter().map(|path| ffmpeg().open(path).unwrap()).collect();
    let requests: Vec<DecodeSound> = films
        .iter()
        .zip(&paths)
        .map(|(film, path)| {
            let tracks = AudioTracks::Default;
            let (rate, channels) = tracks.format(path, film.facts()).unwrap();
            DecodeSound { tracks, rate, channels }
        })
        .collect();
    let pairs: Vec<_> = films.iter().zip(&requests).collect();
    let all = |stream: &mut crate::media::SoundStream| {
        let (mut sound, mut part) = (Vec::new(), [0.0; 1000]);
        loop {
            match stream.read(&mut part).unwrap() {
                0 => return sound,
                got => sound.extend_from_slice(&part[..got]),
            }
        }
    };
    let mut streams = crate::media::Film::decode_together(&pairs, folder.path()).unwrap().unwrap();
    for ((stream, (film, request)), (name, _)) in streams.iter_mut().zip(&pairs).zip(&recordings) {
        let alone = all(&mut film.decode_sound(request).unwrap());
        assert!(alone.len() > 5000 && all(stream) == alone, "{name}");
    }
    let bytes = std::fs::read(&paths[1]).unwrap();
    std::fs::write(&paths[1], &bytes[..bytes.len() / 2]).unwrap();
    assert!(crate::media::Film::decode_together(&pairs, folder.path()).unwrap().is_none());
}
