use crate::dataset::Corpus;
use crate::dataset::prepare::provenance::tag;
use crate::dataset::prepare::*;
use crate::ledger::{Field, Terms};
use crate::media::{AudioTracks, DrawnFilm};
use crate::task::{Cancel, Quiet, Watcher};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use std::slice::from_ref;
use std::sync::Mutex;

fn ffmpeg() -> Ffmpeg {
    Ffmpeg::locate(None).unwrap()
}

fn options() -> PrepareOptions {
    PrepareOptions {
        size: 64,
        colour: false,
        audio_tracks: AudioTracks::Default,
        require_sound: true,
        terms: Terms::default(),
    }
}

fn said(field: Field, words: &str) -> Terms {
    let mut terms = Terms::default();
    terms.set(field, Some(words)).unwrap();
    terms
}

/// Two seconds at 25 pictures a second, black and silent but for one second from 0.8 s on: white, and a tone.
fn film(path: &Path) -> PathBuf {
    let (rate, sound_rate) = (FrameRate::new(25, 1).unwrap(), SampleRate::new(48_000).unwrap());
    let drawn = DrawnFilm { output: path.to_owned(), width: 32, height: 32, rate, sound_rate };
    let mut pictures = (0..50).map(|k| vec![if (20..45).contains(&k) { 255 } else { 0 }; 32 * 32 * 3]);
    let tone = |s: i32| if (38_400..86_400).contains(&s) { 0.5 * (s as f32 * 0.1).sin() } else { 0.0 };
    let sound: Vec<f32> = (0..96_000).map(tone).collect();
    let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
    ffmpeg().draw(&drawn, &mut pictures, &sound, task).unwrap();
    path.to_owned()
}

fn run(films: &[PathBuf], folder: &Path, options: &PrepareOptions) -> Result<Vec<Prepared>> {
    run_told(films, folder, options, &Quiet)
}

fn run_told(
    films: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    watcher: &dyn Watcher,
) -> Result<Vec<Prepared>> {
    prepare(&ffmpeg(), films, folder, options, Task { watcher, cancel: &Cancel::default() })
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[derive(Default)]
struct Listener {
    stages: Mutex<Vec<(String, &'static str, Option<u64>)>>,
    warnings: Mutex<Vec<String>>,
}

impl Watcher for Listener {
    fn stage(&self, name: &str, unit: &'static str, total: Option<u64>) {
        self.stages.lock().unwrap().push((name.to_owned(), unit, total));
    }
    fn advance(&self, _: u64) {}
    fn figure(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn warn(&self, text: &str) {
        self.warnings.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn a_film_becomes_a_shard_named_by_its_hash_once() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(&folder.path().join("a film.mp4"));
    let corpus = folder.path().join("new").join("corpus");
    let given = PrepareOptions { terms: said(Field::Licence, "CC0-1.0"), ..options() };
    let told = Listener::default();
    let prepared = run_told(&[film.clone(), film.clone()], &corpus, &given, &told).unwrap();
    assert_eq!(prepared.iter().map(|p| p.skipped).collect::<Vec<_>>(), [false, true]);
    assert_eq!((prepared[0].pictures, prepared[1].pictures), (50, 50));
    assert!((prepared[0].seconds - 2.0).abs() < 1e-6);
    assert!(told.stages.lock().unwrap().contains(&("reading a film.mp4".to_owned(), "pictures", Some(50))));

    let hash = blake3::hash(&std::fs::read(&film).unwrap()).to_hex().to_string();
    assert_eq!(names(&corpus), [format!("{hash}.safetensors")]);
    let shard = &Corpus::open(&corpus, false, &Cancel::default()).unwrap().0.shards[0];
    let source = shard.source();
    assert_eq!((&source.name[..], &source.blake3), ("a film.mp4", &hash));
    assert_eq!((source.terms.licence.as_deref(), &source.terms.origin), (Some("CC0-1.0"), &None));
    assert_eq!(source.facts.picture.as_ref().unwrap().width, 32);
    for k in 0..50 {
        assert_eq!(shard.time(k), MediaTime(40_000 * k as i64));
        let white = (20..45).contains(&k);
        assert!(shard.picture(k).iter().all(|p| if white { *p > 250 } else { *p < 5 }), "picture {k}");
    }
    // The tone begins with the first white picture, within the spread of the encoder's transform.
    let sound = shard.sound().unwrap();
    assert_eq!((sound.rate.hz(), sound.channels), (48_000, 1));
    assert!((sound.frames() as i64 - 96_000).abs() <= 2048, "{}", sound.frames());
    let loud = |s: &i16| (f32::from(*s) * sound.step()).abs() > 0.12;
    let begin = sound.samples.iter().position(loud).unwrap() as i64;
    assert!((begin - 38_400).abs() < 96, "{begin}");
}

#[test]
fn other_sizes_colours_and_tracks_do_not_collide() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(&folder.path().join("film.mkv"));
    let corpus = folder.path().join("corpus");
    for (size, colour) in [(64, false), (16, false), (64, true), (16, true)] {
        let prepared = run(from_ref(&film), &corpus, &PrepareOptions { size, colour, ..options() }).unwrap();
        let shard = Shard::open(&prepared[0].shard).unwrap();
        assert_eq!((shard.size(), shard.colour(), prepared[0].skipped), (size, colour, false));
    }
    let suffixes: Vec<String> = names(&corpus).iter().map(|name| name[64..].to_owned()).collect();
    assert_eq!(
        suffixes.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(),
        [".safetensors", "-16.safetensors", "-64c.safetensors", "-16c.safetensors"].into()
    );
    let name = shard_name(
        "h",
        &PrepareOptions { size: 128, colour: true, audio_tracks: AudioTracks::one(1), ..options() },
        false,
    );
    assert_eq!(name, "h-128c-track1.safetensors");
}

#[test]
fn a_damaged_shard_is_prepared_again() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(&folder.path().join("film.mp4"));
    let corpus = folder.path().join("corpus");
    let path = run(from_ref(&film), &corpus, &options()).unwrap().remove(0).shard;
    let whole = std::fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 4;
    for damage in [&bytes[..], &whole[..5000]] {
        std::fs::write(&path, damage).unwrap();
        let told = Listener::default();
        let prepared = run_told(from_ref(&film), &corpus, &options(), &told).unwrap();
        assert!(!prepared[0].skipped);
        assert!(told.warnings.lock().unwrap().iter().any(|w| w.contains("prepared again")));
        assert_eq!(std::fs::read(&path).unwrap(), whole, "the same film gives the same bytes");
    }
}

#[test]
fn a_film_kept_under_other_terms_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(&folder.path().join("film.mp4"));
    run(from_ref(&film), folder.path(), &options()).unwrap();
    let told = Listener::default();
    let given = PrepareOptions { terms: said(Field::Author, "somebody"), ..options() };
    assert!(run_told(&[film], folder.path(), &given, &told).unwrap()[0].skipped);
    assert!(told.warnings.lock().unwrap().iter().any(|w| w.contains("other terms")));
}

#[test]
fn several_workers_fill_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(&folder.path().join("film.mp4"));
    let corpus = folder.path().join("corpus");
    let films = [film];
    let results: Vec<Prepared> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| run(&films, &corpus, &options()))).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|p| !p.skipped).count(), 1);
    assert_eq!(names(&corpus).len(), 1);
    Corpus::open(&corpus, false, &Cancel::default()).unwrap();
}

/// Asks for a stop at the tenth picture.
struct Impatient(Cancel);

impl Watcher for Impatient {
    fn stage(&self, _: &str, _: &'static str, _: Option<u64>) {}
    fn advance(&self, done: u64) {
        if done == 10 {
            self.0.cancel();
        }
    }
    fn figure(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn warn(&self, _: &str) {}
}

#[test]
fn a_stop_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(&folder.path().join("film.mp4"));
    let corpus = folder.path().join("corpus");
    let cancel = Cancel::default();
    let task = Task { watcher: &Impatient(cancel.clone()), cancel: &cancel };
    let error = prepare(&ffmpeg(), &[film], &corpus, &options(), task).unwrap_err();
    assert_eq!((error.kind(), names(&corpus).len()), (Kind::Interrupted, 0));
}

#[test]
fn what_is_no_film_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty.mp4"), "").unwrap();
    std::fs::write(path("text.mp4"), "no film\n".repeat(1000)).unwrap();
    let corpus = path("corpus");
    for (film, kind) in [
        (path("none.mp4"), Kind::NotFound),
        (folder.path().to_owned(), Kind::WrongKind),
        (path("empty.mp4"), Kind::Empty),
        (path("text.mp4"), Kind::WrongKind),
    ] {
        let error = run(from_ref(&film), &corpus, &options()).unwrap_err();
        assert_eq!((error.kind(), error.place()), (kind, Some(film.as_path())), "{error}");
        assert!(error.advice().is_some(), "{error}");
    }
    assert!(names(&corpus).is_empty());
    let film = film(&path("film.mp4"));
    let error = run(from_ref(&film), &path("text.mp4"), &options()).unwrap_err();
    assert_eq!(error.kind(), Kind::Unwritable);
    for size in [0, MAX_SIZE + 1] {
        let error = run(from_ref(&film), &corpus, &PrepareOptions { size, ..options() }).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }
}

#[test]
fn a_film_that_changes_meanwhile_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mp4");
    std::fs::write(&film, "half").unwrap();
    let stamp = FileStamp::of(&film).unwrap();
    stamp.check(&film).unwrap();
    std::fs::write(&film, "the whole").unwrap();
    assert_eq!(stamp.check(&film).unwrap_err().kind(), Kind::Io);
}

#[test]
fn tags_stand_in_for_what_was_not_given() {
    let ours = "{\"kinophone_credits\":1,\"film\":null}";
    let shared = format!("O\n{ours}");
    let tags = [("ARTIST", "A"), ("Title", "T"), ("copyright", "C"), ("licence", ours), ("genre", &shared)];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let facts = FilmFacts {
        container: String::new(),
        duration: None,
        bytes: 0,
        picture: None,
        sounds: Vec::new(),
        tags,
    };
    assert_eq!(tag(&facts, &["artist", "title"]).as_deref(), Some("A"));
    assert_eq!(tag(&facts, &["license", "licence", "copyright"]).as_deref(), Some("C"));
    assert_eq!(tag(&facts, &["composer"]), None);
    assert_eq!(tag(&facts, &["licence", "copyright"]).as_deref(), Some("C"), "our credits are no licence");
    assert_eq!((tag(&facts, &["licence"]), tag(&facts, &["genre"]).as_deref()), (None, Some("O")));
}
