//! Odd films: each goes through prepare and render, or gets its one clear error.

use crate::footage::{find, needs};
use crate::support::{check_rendition, refuse, shards, succeed, tiny_brain};
use Fate::{Goes, Refused};
use libtest_mimic::Trial;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Outcome of an odd film: a shard with sound or without, or an error that contains this.
#[derive(Clone, Copy)]
enum Fate {
    Goes { sound: bool },
    Refused(&'static str),
}

const TABLE: &[(&str, Fate)] = &[
    ("VP9-tractor_noaudio.webm", Goes { sound: false }),
    ("ae_SAR-2by3.mp4", Goes { sound: true }),
    ("ae_h264-png.mkv", Goes { sound: true }),
    ("ae_man.mp4", Goes { sound: true }),
    ("ae_mov_text.mp4", Goes { sound: true }),
    ("ae_test_yuv422p.mp4", Goes { sound: true }),
    ("ae_testsrc-hevc.mp4", Goes { sound: true }),
    ("ae_testsrc_with_attachment.mkv", Goes { sound: true }),
    ("bbb_51ch_25fps.mp4", Goes { sound: true }),
    ("bear-vp9-opus.webm", Goes { sound: true }),
    ("bitmap_1x1_yuv444_1fps_noaudio.mp4", Goes { sound: false }),
    ("cursed-vfr_noaudio.mp4", Goes { sound: false }),
    ("fire2_vfr_rot180_mono.mp4", Goes { sound: true }),
    ("multiple-aac-tracks_novideo.mp4", Refused("picture")),
    ("nasa_13013_2video_2audio.mp4", Goes { sound: true }),
    ("no-initial-keyframe.ts", Goes { sound: true }),
    ("no_duration_vp9_opus.webm", Goes { sound: true }),
    ("os_test1_ac3_0.7s.mp4", Goes { sound: true }),
    ("rotate-buck-bunny_51.mp4", Goes { sound: true }),
    ("tc_av1_video.mkv", Goes { sound: false }),
    ("tc_h264_10bits.mp4", Goes { sound: false }),
    ("tc_h265_10bits.mp4", Goes { sound: false }),
    ("transparent_vp9.webm", Goes { sound: true }),
];

/// A brain that all of them are rendered with, made when it is first needed.
#[derive(Clone, Default)]
struct Shared(Arc<OnceLock<(tempfile::TempDir, PathBuf)>>);

impl Shared {
    fn brain(&self) -> &Path {
        let make = || {
            let home = tempfile::tempdir().unwrap();
            let brain = tiny_brain(home.path());
            (home, brain)
        };
        &self.0.get_or_init(make).1
    }
}

pub fn trials() -> Vec<Trial> {
    let shared = Shared::default();
    let trial = |&(name, fate): &(&'static str, Fate)| {
        let (shared, path) = (shared.clone(), format!("edge/{name}"));
        needs(&[&path.clone()], format!("edge::{name}"), move || check(shared.brain(), &find(&path), fate))
    };
    TABLE
        .iter()
        .map(trial)
        .chain([needs(&["edge"], "edge::every_odd_film_is_in_the_table", all_are_known)])
        .collect()
}

fn all_are_known() {
    for entry in std::fs::read_dir(find("edge")).unwrap().map(|entry| entry.unwrap()) {
        assert!(TABLE.iter().any(|(name, _)| entry.file_name() == *name), "{:?} is not", entry.file_name());
    }
}

fn check(brain: &Path, film: &Path, fate: Fate) {
    let home = tempfile::tempdir().unwrap();
    let (corpus, out) = (home.path().join("corpus"), home.path().join("out.mkv"));
    let prepare = ["prepare".as_ref(), film.as_os_str(), "-o".as_ref(), corpus.as_os_str()];
    let prepare_words = [&prepare[..], &["--json", "--quiet"].map(OsStr::new)].concat();
    let render = [
        "render".as_ref(),
        brain.as_os_str(),
        film.as_os_str(),
        "-o".as_ref(),
        out.as_os_str(),
        "--quiet".as_ref(),
    ];
    match fate {
        Refused(why) => {
            assert!(refuse(home.path(), &prepare).contains(why));
            assert!(refuse(home.path(), &render).contains(why));
            assert!(!out.exists() && shards(&corpus).is_empty(), "something was left behind");
        }
        Goes { sound } => {
            succeed(home.path(), &prepare_words);
            let facts = kinophone::dataset::Shard::open(&shards(&corpus).pop().expect("no shard")).unwrap();
            assert!(facts.pictures() > 0);
            assert_eq!(facts.sound().is_some(), sound);
            succeed(home.path(), &render);
            check_rendition(&out);
        }
    }
}
