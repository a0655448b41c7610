//! Networks that theanets itself saved, in each of its ways (see `theanets/make.py`), say as brains what they said there.

use kinophone::classic::{ClassicBrain, ImportOptions, Nonlinearity, import};
use kinophone::storage::Overwrite;
use kinophone::{Error, Kind};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use kinophone_nn::activation::Activation;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const INPUTS: usize = 64;
const OUTPUTS: usize = 8;

fn saved(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/theanets").join(name)
}

/// Blocks of eight samples.
fn options(hidden: Option<Nonlinearity>) -> ImportOptions {
    let (tick, rate) = (FrameRate::new(1000, 1).unwrap(), SampleRate::new(8000).unwrap());
    ImportOptions { grid: TickGrid { tick, rate }, hidden }
}

fn refused(path: &Path, options: &ImportOptions) -> Error {
    let error = import(path, options).err().unwrap();
    assert!(error.place() == Some(path) && error.advice().is_some(), "{error}");
    error
}

/// Predictions of `brain` for the two pictures of `make.py`.
fn heard(brain: &ClassicBrain) -> Vec<f32> {
    let pixel = |k: usize, i: usize| ((7 * i + 13 * k) % 29) as f32 / 28.0;
    let pictures: Vec<f32> = (0..2).flat_map(|k| (0..INPUTS).map(move |i| pixel(k, i))).collect();
    let mut out = vec![0.0; 2 * OUTPUTS];
    brain.predict(&pictures, &mut out);
    out
}

#[test]
fn every_version_is_heard_as_it_was() {
    let said = std::fs::read_to_string(saved("said.json")).unwrap();
    let said: BTreeMap<String, Vec<Vec<f32>>> = serde_json::from_str(&said).unwrap();
    assert!(said.len() >= 20, "{} files", said.len());
    for (name, theirs) in &said {
        // Only this one does not say its nonlinearity where it is another one than usual.
        let hidden = (name == "0.2.0-relu.pkl").then_some(Nonlinearity::Relu);
        let brain = import(&saved(name), &options(hidden)).unwrap_or_else(|e| panic!("{e}"));
        let ours = heard(&brain);
        let mut worst = 0.0f32;
        for (ours, theirs) in ours.iter().zip(theirs.iter().flatten()) {
            // Single precision on both sides, doubled on ours.
            worst = worst.max((ours - (2.0 * theirs - 1.0)).abs());
        }
        println!("{name}: {worst:e}");
        assert!(worst < 1e-5, "{name}: {worst}");

        let dir = tempfile::tempdir().unwrap();
        brain.save(&dir.path().join("brain"), Overwrite::Refuse).unwrap();
        let again = ClassicBrain::load(&dir.path().join("brain")).unwrap();
        assert_eq!((heard(&again), again.id(), again.imported()), (ours, brain.id(), brain.imported()));
    }
}

#[test]
fn a_brain_says_where_it_comes_from_and_nothing_more() {
    for (name, writer) in [
        ("0.2.0.pkl", "theanets 0.1 or 0.2"),
        ("0.3.0.pkl", "theanets 0.3"),
        ("0.4.1.pkl", "theanets 0.4"),
        ("0.5.3.pkl", "theanets 0.5"),
        ("0.6.2.pkl", "theanets 0.6"),
        ("2015.08.03.pkl", "theanets of July 2015 or later"),
        ("0.7.3.pkl", "theanets of July 2015 or later"),
    ] {
        let brain = import(&saved(name), &options(None)).unwrap();
        let imported = brain.imported().unwrap();
        let hash = blake3::hash(&std::fs::read(saved(name)).unwrap()).to_hex();
        assert_eq!((&*imported.name, &*imported.writer, &*imported.blake3), (name, writer, hash.as_str()));
        assert!(brain.ledger().is_empty() && brain.verdict().is_none() && brain.training().is_none());
        assert!(brain.history().epochs.is_empty());
        assert_eq!((brain.config().layers.as_slice(), brain.config().size), (&[64, 5, 4, 8][..], 8));
    }
}

#[test]
fn the_nonlinearity_is_that_of_the_file_or_the_one_given() {
    let of = |name: &str, given| import(&saved(name), &options(given)).unwrap().config().activation;
    assert_eq!(of("0.4.1.pkl", None), Activation::Sigmoid);
    assert_eq!(of("0.4.1.pkl", Some(Nonlinearity::Relu)), Activation::Relu);
    assert_eq!(of("0.6.2.pkl", None), Activation::Sigmoid);
    assert_eq!(of("2015.08.03.pkl", None), Activation::Relu);
    assert_eq!(of("2015.08.03.pkl", Some(Nonlinearity::Relu)), Activation::Relu);
    let error = refused(&saved("2015.08.03.pkl"), &options(Some(Nonlinearity::Logistic)));
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().ends_with("says itself that its hidden layers are relu"), "{error}");
}

#[test]
fn another_rate_than_that_of_the_training_is_noticed() {
    let mut other = options(None);
    other.grid.rate = SampleRate::new(16_000).unwrap();
    let error = refused(&saved("0.4.1.pkl"), &other);
    assert!(error.kind() == Kind::Invalid && error.to_string().contains("says 8 numbers"), "{error}");
}

#[test]
fn files_that_are_no_network_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |bytes: &[u8]| {
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        refused(&path, &options(None)).kind()
    };
    let zipped = std::fs::read(saved("0.5.3-gzip.pkl.gz")).unwrap();
    assert_eq!(kind(&zipped[..zipped.len() - 9]), Kind::Damaged);
    assert_eq!(kind(b"\x1f\x8b nothing"), Kind::Damaged);
    assert_eq!(kind(b""), Kind::Damaged);
    assert_eq!(kind(b"text"), Kind::WrongKind);
    assert_eq!(refused(dir.path(), &options(None)).kind(), Kind::WrongKind);
    assert_eq!(refused(&dir.path().join("no"), &options(None)).kind(), Kind::NotFound);
    #[cfg(unix)]
    assert_eq!(refused(Path::new("/dev/zero"), &options(None)).kind(), Kind::WrongKind);
}

/// Sixty megabytes of zeros in sixty kilobytes are no network, and are not unpacked to the end.
#[test]
fn a_compressed_file_does_not_fill_the_memory() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb.pkl.gz");
    let mut zip =
        flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::best());
    zip.write_all(b"\x80\x02T\x00\x00\x00\x04").unwrap();
    for _ in 0..64 {
        zip.write_all(&vec![0; 1 << 20]).unwrap();
    }
    zip.write_all(b".").unwrap();
    drop(zip.finish().unwrap());
    let error = refused(&path, &options(None));
    assert!(error.to_string().contains("larger than any network"), "{error}");
}
