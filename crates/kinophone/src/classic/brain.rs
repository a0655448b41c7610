//! A brain in memory and in its file.
//!
//! The file is a safetensors file (see [`tensors`](crate::tensor_file)) with `layers.I.weight` `[inputs, outputs]` and
//! `layers.I.bias` `[outputs]`. Its description holds the complete configuration, the ledger of sources, the verdict
//! and the history of the losses.

use crate::classic::config::{ClassicConfig, ClassicTraining, ClassicVerdict, Imported, LossHistory, Origin};
use crate::ledger::{Source, Terms};
use crate::storage::Overwrite;
use crate::tensor_file::{self, Form};
use crate::{Error, Kind, Result};
use kinophone_nn::layer::Layer;
use kinophone_nn::perceptron::{Dense, Perceptron, Workspace};
use kinophone_nn::tensors::Tensors;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Rows that are predicted at a time: enough to use the cache well, few enough to need little memory.
const CHUNK: usize = 256;

/// A trained (or new) brain.
pub struct ClassicBrain {
    about: ClassicDescription,
    id: String,
    net: Perceptron,
    /// The layers row by row, made on first use.
    rows: OnceLock<Vec<Layer>>,
    /// Workspaces of predictions that have ended. A list rather than one behind a lock: a thread that waits for
    /// others within a prediction may be given another prediction to do meanwhile.
    idle: Mutex<Vec<Workspace>>,
}

/// Description of a brain in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassicDescription {
    /// Its configuration.
    pub config: ClassicConfig,
    /// Its origin: the key `training` or `imported`.
    #[serde(flatten)]
    pub origin: Origin,
    /// The films that it learned from; empty where it was imported.
    pub ledger: Vec<Source>,
    /// Its scores.
    pub verdict: Option<ClassicVerdict>,
    /// Its losses.
    pub history: LossHistory,
}

impl ClassicBrain {
    /// From layers as described; an error of [`Kind::Diverged`] where a weight is not finite.
    pub(crate) fn new(about: ClassicDescription, layers: &[Layer]) -> Result<Self> {
        check_finite(layers).map_err(|what| Error::diverged(&what))?;
        let mut numbers = Tensors::default();
        numbers.put_layers("layers", layers);
        let (_, id) = tensor_file::describe(Form::Brain, &about, &numbers);
        Ok(Self::assemble(about, id, layers))
    }

    fn assemble(about: ClassicDescription, id: String, layers: &[Layer]) -> Self {
        let net = Perceptron::new(layers, about.config.activation);
        Self { about, id, net, rows: OnceLock::new(), idle: Mutex::new(Vec::new()) }
    }

    /// Reads and checks a brain file: structure, checksum, finite weights.
    pub fn load(path: &Path) -> Result<Self> {
        let contents = tensor_file::read(path, Form::Brain)?;
        Self::check(contents).map_err(|e| e.at(path))
    }

    pub(crate) fn check(contents: tensor_file::Contents<ClassicDescription>) -> Result<Self> {
        let about = contents.content;
        let damaged = |what: &str| Error::new(Kind::Damaged, what).help("make or copy the brain again");
        check_config(&about.config).map_err(|what| damaged(&what))?;
        let shapes: Vec<_> = about.config.layers.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let layers = contents.tensors.layers("layers", &shapes)?;
        if contents.tensors.iter().len() != 2 * layers.len() {
            return Err(damaged("has more in it than its layers"));
        }
        check_finite(&layers).map_err(|what| damaged(&what))?;
        Ok(Self::assemble(about, contents.checksum, &layers))
    }

    /// Writes it atomically: the same brain gives the same bytes.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        let mut numbers = Tensors::default();
        numbers.put_layers("layers", self.all_layers());
        tensor_file::write(path, overwrite, Form::Brain, &self.about, &numbers)?;
        Ok(())
    }

    /// Its configuration.
    pub fn config(&self) -> &ClassicConfig {
        &self.about.config
    }

    /// Settings of its training, where it was trained here.
    pub fn training(&self) -> Option<&ClassicTraining> {
        match &self.about.origin {
            Origin::Training(training) => Some(training),
            Origin::Imported(_) => None,
        }
    }

    /// The file of another program that it was taken from, where it was not trained here.
    pub fn imported(&self) -> Option<&Imported> {
        match &self.about.origin {
            Origin::Training(_) => None,
            Origin::Imported(file) => Some(file),
        }
    }

    /// The films it learned from; none are known of an imported one.
    pub fn ledger(&self) -> &[Source] {
        &self.about.ledger
    }

    /// Replaces the terms of a film of the ledger, where it has that many.
    pub fn set_terms(&mut self, film: usize, terms: Terms) {
        if let Some(source) = self.about.ledger.get_mut(film) {
            source.terms = terms;
        }
    }

    /// Its scores.
    pub fn verdict(&self) -> Option<&ClassicVerdict> {
        self.about.verdict.as_ref()
    }

    /// Its losses, epoch by epoch.
    pub fn history(&self) -> &LossHistory {
        &self.about.history
    }

    /// Short name of its content: BLAKE3 over description and weights, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Weights of layer `i`: `[inputs, outputs]` row by row, and biases.
    pub fn layer(&self, i: usize) -> (&[f32], &[f32]) {
        let layer = &self.all_layers()[i];
        (&layer.weights, &layer.biases)
    }

    fn all_layers(&self) -> &[Layer] {
        self.rows.get_or_init(|| self.net.layers().iter().map(Dense::layer).collect())
    }

    /// Predicts for several pictures at once: `pictures` holds n × `picture_len` numbers in 0..1, `out` n × output.
    /// The result for one picture does not depend on the others beside it (bit for bit).
    pub fn predict(&self, pictures: &[f32], out: &mut [f32]) {
        let sizes = &self.about.config.layers;
        let (inputs, outputs) = (sizes[0], sizes[sizes.len() - 1]);
        let mut workspace = self.workspaces().pop().unwrap_or_else(|| self.net.workspace());
        for (x, y) in pictures.chunks(CHUNK * inputs).zip(out.chunks_mut(CHUNK * outputs)) {
            self.net.predict(&mut workspace, x, y);
        }
        self.workspaces().push(workspace);
    }

    fn workspaces(&self) -> std::sync::MutexGuard<'_, Vec<Workspace>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sizes that fit each other; the words complete "the brain …".
pub fn check_config(config: &ClassicConfig) -> Result<(), String> {
    let sizes = &config.layers;
    if sizes.len() < 2 {
        return Err(format!("has {} layer sizes; at least input and output are needed", sizes.len()));
    }
    if let Some(size) = sizes.iter().find(|size| !(1..=1 << 24).contains(*size)) {
        return Err(format!("has a layer of {size} units; 1 to 16777216 are possible"));
    }
    if !(1..=2).contains(&config.hops) {
        return Err(format!("says {} hops of sound a tick; 1 and 2 are possible", config.hops));
    }
    let (input, output) = (config.picture_len(), config.target_len());
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    if (first, last) != (input, output) {
        return Err(format!(
            "has layers from {first} to {last}, but its pictures have {input} numbers and its sound {output}"
        ));
    }
    Ok(())
}

fn check_finite(layers: &[Layer]) -> Result<(), String> {
    for (i, layer) in layers.iter().enumerate() {
        if layer.weights.iter().chain(&layer.biases).any(|x| !x.is_finite()) {
            return Err(format!("has weights in layer {i} that are not finite numbers"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FilmFacts;
    use kinophone_dsp::units::FrameRate;
    use kinophone_dsp::units::SampleRate;
    use kinophone_dsp::units::TickGrid;
    use kinophone_nn::activation::Activation;
    use kinophone_nn::layer;
    use proptest::prelude::*;

    fn about() -> ClassicDescription {
        let grid = TickGrid { tick: FrameRate::new(30, 1).unwrap(), rate: SampleRate::new(22_050).unwrap() };
        let config = ClassicConfig::new(grid, 4, &[6]);
        let facts = FilmFacts {
            container: "mp4".into(),
            duration: None,
            bytes: 1,
            picture: None,
            sounds: vec![],
            tags: vec![],
        };
        let source = Source {
            name: "a film.mp4".into(),
            blake3: "0".repeat(64),
            terms: Terms { licence: Some("CC0-1.0".into()), ..Terms::default() },
            facts,
        };
        ClassicDescription {
            config,
            origin: Origin::Training(ClassicTraining::default()),
            ledger: vec![source],
            verdict: None,
            history: LossHistory::default(),
        }
    }

    fn brain(seed: u8) -> ClassicBrain {
        let about = about();
        let layers = layer::initial(&about.config.layers, Activation::Relu, &vec![0.01; 735], [seed; 32]);
        ClassicBrain::new(about, &layers).unwrap()
    }

    #[test]
    fn a_file_that_does_not_say_what_it_says_says_samples() {
        let config = about().config;
        let mut json = serde_json::to_value(&config).unwrap();
        assert_eq!(json.as_object_mut().unwrap().remove("say"), Some("pcm".into()));
        assert_eq!(serde_json::from_value::<ClassicConfig>(json).unwrap(), config);
    }

    fn saved(brain: &ClassicBrain) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("brain");
        brain.save(&path, Overwrite::Refuse).unwrap();
        std::fs::read(path).unwrap()
    }

    fn load(bytes: &[u8]) -> Result<ClassicBrain> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("brain");
        std::fs::write(&path, bytes).unwrap();
        ClassicBrain::load(&path)
    }

    #[test]
    fn a_loaded_brain_is_the_saved_one() {
        let one = brain(1);
        let bytes = saved(&one);
        let two = load(&bytes).unwrap();
        assert_eq!((one.id(), one.config(), one.ledger()), (two.id(), two.config(), two.ledger()));
        assert_eq!(saved(&two), bytes);
        let pictures: Vec<f32> = (0..300 * 16).map(|i| (i % 97) as f32 / 97.0).collect();
        let (mut a, mut b) = (vec![0.0; 300 * 735], vec![0.0; 300 * 735]);
        one.predict(&pictures, &mut a);
        two.predict(&pictures, &mut b);
        assert_eq!(a, b);
        two.predict(&pictures[257 * 16..258 * 16], &mut b[..735]);
        assert_eq!(a[257 * 735..258 * 735], b[..735]);
        assert_ne!(one.id(), brain(2).id());
    }

    #[test]
    fn other_files_are_named_for_what_they_are() {
        let kind = |bytes: &[u8]| load(bytes).err().map(|e| (e.kind(), e.to_string()));
        for text in [&b"\0\0\0\x20ftypisom\0\0"[..], b"some text that is longer", b"x"] {
            assert_eq!(kind(text).unwrap().0, Kind::WrongKind);
        }
        assert_eq!(kind(b"").unwrap().0, Kind::Damaged);
        let view = || safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![1], &[1]).unwrap();
        let shard = safetensors::serialize([("pictures", view()), ("times_us", view())], None).unwrap();
        assert!(kind(&shard).unwrap().1.ends_with("is a corpus shard, not a brain"));
        let other = safetensors::serialize([("model", view())], None).unwrap();
        assert_eq!(kind(&other).unwrap().0, Kind::WrongKind);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ClassicBrain::load(dir.path()).err().unwrap().kind(), Kind::WrongKind);
        assert_eq!(ClassicBrain::load(&dir.path().join("no")).err().unwrap().kind(), Kind::NotFound);
    }

    /// Files that are whole and have a right checksum, but describe what can't be.
    #[test]
    fn impossible_brains_are_damaged() {
        let write = |about: &ClassicDescription, layers: &[Layer]| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("brain");
            let mut numbers = Tensors::default();
            numbers.put_layers("layers", layers);
            tensor_file::write(&path, Overwrite::Refuse, Form::Brain, about, &numbers).unwrap();
            ClassicBrain::load(&path).err().unwrap().kind()
        };
        let about = about();
        let layers = layer::initial(&about.config.layers, Activation::Relu, &vec![0.0; 735], [1; 32]);
        let mut poisoned = layers.clone();
        poisoned[1].weights[3] = f32::NAN;
        assert_eq!(write(&about, &poisoned), Kind::Damaged);
        for sizes in
            [vec![16], vec![16, usize::MAX, 735], vec![16, 0, 735], vec![16, 7, 735], vec![17, 6, 735]]
        {
            let mut wrong = about.clone();
            wrong.config.layers = sizes;
            assert_eq!(write(&wrong, &layers), Kind::Damaged);
        }
        let mut wrong = about.clone();
        wrong.config.size = u32::MAX;
        wrong.config.hops = usize::MAX;
        assert_eq!(write(&wrong, &layers), Kind::Damaged);
        assert_eq!(write(&about, &layers[..1]), Kind::Damaged);
    }

    #[test]
    fn a_brain_from_the_future_asks_for_an_update() {
        let mut bytes = saved(&brain(1));
        let at = bytes.windows(11).position(|w| w == b"\\\"version\\\"").unwrap() + 12;
        assert_eq!(bytes[at], b'1');
        bytes[at] = b'9';
        let error = load(&bytes).err().unwrap();
        assert_eq!((error.kind(), error.advice()), (Kind::WrongKind, Some("update Kinophone")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_mutation_panics_or_passes(at in 0usize..20_000, byte in any::<u8>(), cut in any::<bool>()) {
            static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
            let good = BYTES.get_or_init(|| saved(&brain(1)));
            let mut bytes = good.clone();
            // Half of the changes go to the header, where the structure is.
            let at = if byte % 2 == 0 { at % 3000 } else { at % bytes.len() };
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            let same = bytes == *good;
            match tensor_file::parse::<ClassicDescription>(&bytes, Form::Brain).and_then(ClassicBrain::check) {
                Ok(read) => prop_assert!(same || read.about == about()),
                Err(e) => prop_assert!(!same && matches!(e.kind(), Kind::Damaged | Kind::WrongKind)),
            }
        }
    }
}
