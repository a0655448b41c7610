//! Finds the network in what theanets saved.
//!
//! theanets saved in five ways. Every release up to 0.7 is covered, and the state of its repository between 23 July and
//! 4 August 2015, with which the networks of the published renderings were trained:
//!
//! | version | pickle | hidden units, unless said otherwise |
//! |---|---|---|
//! | 0.1, 0.2 | `{weights: [array…], biases: [array…]}` | logistic |
//! | 0.3, 0.4 | the same, and `kwargs` (0.4: and `klass`) | logistic |
//! | 0.5 | `{klass, kwargs, 'hid1-values': [weights, biases], …, 'out-values': […]}` | logistic |
//! | 0.6 | the `Regressor` itself, its state a dictionary with `layers` | logistic, said by every layer |
//! | repository, 0.7 | the `Regressor` itself, its state `(layers, loss)` | relu, said by every layer |
//!
//! From 0.6 on, numbers are inside of Theano's shared variables: `_params[i].container.storage[0]`. Weights are always
//! `[inputs, outputs]`, and a layer is f(x · weights + biases).

use crate::classic::import::file::malformed;
use crate::classic::import::nonlinearity::Nonlinearity;
use crate::classic::import::numpy::{self, Array};
use crate::classic::import::pickle::Pickle;
use crate::classic::import::pickle::node::{Id, Node, shown};
use crate::{Error, Kind, Result};

/// Beyond this no network of 2015 went; the deepest one had 4.
const MAX_LAYERS: usize = 64;

/// The class of the networks of 2015.
const REGRESSOR: &str = "theanets.feedforward.Regressor";

/// A chain of fully connected layers, the last one linear.
#[derive(Debug)]
pub(crate) struct TheanetsNetwork {
    /// From the first to the last.
    pub(crate) layers: Vec<Affine>,
    /// Activations of the hidden layers, one fewer than layers; `None` where the file does not say.
    pub(crate) units: Vec<Option<Nonlinearity>>,
    /// Which versions save like this.
    pub(crate) writer: &'static str,
}

/// y = x · weights + biases, in the precision in which layers are joined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// `[inputs, outputs]`, row by row.
    pub(crate) weights: Vec<f64>,
    pub(crate) biases: Vec<f64>,
}

/// True if a pickle of theanets may name this class or function: those of numpy, Theano and theanets itself, and Python's
/// own plain ones. Nothing is called; names beyond them are refused so that a file that is meant to do harm is called so.
pub(crate) fn known(name: &str) -> bool {
    const PACKAGES: [&str; 5] = ["numpy.", "theano.", "theanets.", "downhill.", "collections."];
    const PLAIN: [&str; 16] = [
        "object",
        "set",
        "frozenset",
        "list",
        "dict",
        "tuple",
        "int",
        "long",
        "float",
        "complex",
        "bool",
        "str",
        "unicode",
        "bytes",
        "bytearray",
        "slice",
    ];
    const HELPERS: [&str; 3] = ["copy_reg._reconstructor", "copyreg._reconstructor", "_codecs.encode"];
    let plain = name.strip_prefix("__builtin__.").or(name.strip_prefix("builtins."));
    PACKAGES.iter().any(|package| name.starts_with(package))
        || plain.is_some_and(|plain| PLAIN.contains(&plain))
        || HELPERS.contains(&name)
}

/// The network in `pickle`, which was read from `bytes` bytes.
pub(crate) fn network(pickle: &Pickle<'_>, bytes: usize) -> Result<TheanetsNetwork> {
    let root = pickle.root();
    let mut reader = TheanetsReader { pickle, left: bytes };
    let mut network =
        if let (Some(weights), Some(biases)) = (pickle.get(root, "weights"), pickle.get(root, "biases")) {
            reader.lists(root, weights, biases)
        } else if pickle.get(root, "out-values").is_some() {
            reader.by_name(root)
        } else if let Some(class) = pickle.class(root).filter(|class| class.starts_with("theanets.")) {
            check_class(class)?;
            reader.whole(root)
        } else {
            Err(stranger(pickle, root))
        }?;
    network.check()?;
    // Whatever is said of the output is checked where it is said.
    network.units.truncate(network.layers.len() - 1);
    Ok(network)
}

impl TheanetsNetwork {
    fn check(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(malformed("has no layers"));
        }
        for (number, pair) in (1..).zip(self.layers.windows(2)) {
            let (says, takes) = (pair[0].outputs, pair[1].inputs);
            if says != takes {
                let what = format!(
                    "does not hold together: layer {number} says {says} numbers, layer {} takes {takes}",
                    number + 1
                );
                return Err(malformed(what));
            }
        }
        for (number, layer) in (1..).zip(&self.layers) {
            if layer.weights.iter().chain(&layer.biases).any(|x| !(*x as f32).is_finite()) {
                let what = format!("has weights in layer {number} that are no finite numbers");
                return Err(malformed(what).help("its training failed: import what was saved earlier in it"));
            }
        }
        Ok(())
    }
}

struct TheanetsReader<'p> {
    pickle: &'p Pickle<'p>,
    /// Bytes of arrays that may still come. An array that is used twice would let a small file ask for endless memory; a
    /// network uses each once.
    left: usize,
}

impl<'p> TheanetsReader<'p> {
    /// Up to 0.4.
    fn lists(&mut self, root: Id, weights: Id, biases: Id) -> Result<TheanetsNetwork> {
        let writer = match (self.pickle.get(root, "klass"), self.pickle.get(root, "kwargs")) {
            (Some(_), _) => "theanets 0.4",
            (None, Some(_)) => "theanets 0.3",
            (None, None) => "theanets 0.1 or 0.2",
        };
        let no_lists = || malformed("has weights or biases that are no list");
        let weights = self.pickle.elements(weights).ok_or_else(no_lists)?;
        let biases = self.pickle.elements(biases).ok_or_else(no_lists)?;
        if weights.len() != biases.len() {
            return Err(unfit("its layers share weights, or several of them lead to the output"));
        }
        check_count(weights.len())?;
        let units = self.settings(root, weights.len())?;
        let pairs = (1..).zip(weights.iter().zip(biases));
        let layers = pairs.map(|(number, (w, b))| self.layer(*w, *b, number)).collect::<Result<_>>()?;
        Ok(TheanetsNetwork { layers, units, writer })
    }

    /// 0.5: a list of arrays for every layer, by its name.
    fn by_name(&mut self, root: Id) -> Result<TheanetsNetwork> {
        let Node::Dict(entries) = self.pickle.node(root) else { return Err(stranger(self.pickle, root)) };
        let mut found: Vec<(usize, Id)> = Vec::new();
        for (key, value) in entries {
            match self.pickle.text(*key).and_then(|key| key.strip_suffix("-values")) {
                None | Some("in") => {}
                Some("out") => found.push((usize::MAX, *value)),
                Some(name) => found.push((place(name)?, *value)),
            }
        }
        found.sort_by_key(|(place, _)| *place);
        check_count(found.len())?;
        let units = self.settings(root, found.len())?;
        let lists = (1..).zip(&found);
        let layers = lists.map(|(number, (_, arrays))| self.pair(*arrays, number)).collect::<Result<_>>()?;
        Ok(TheanetsNetwork { layers, units, writer: "theanets 0.5" })
    }

    /// From 0.6 on: the object.
    fn whole(&mut self, root: Id) -> Result<TheanetsNetwork> {
        let no_layers = || malformed("is a network without layers");
        let state = self.pickle.state(root).ok_or_else(no_layers)?;
        let (layers, writer) = match self.pickle.get(state, "layers") {
            Some(layers) => (Some(layers), "theanets 0.6"),
            None => (
                self.pickle.elements(state).and_then(|s| s.first()).copied(),
                "theanets of July 2015 or later",
            ),
        };
        let [input, layers @ ..] = layers.and_then(|l| self.pickle.elements(l)).ok_or_else(no_layers)? else {
            return Err(no_layers());
        };
        check_count(layers.len())?;
        check_kind(self.pickle, *input, "Input")?;
        let mut network = TheanetsNetwork { layers: Vec::new(), units: Vec::new(), writer };
        let mut before = *input;
        for (number, &layer) in (1..).zip(layers) {
            check_kind(self.pickle, layer, "Feedforward")?;
            self.check_input(layer, before)?;
            let said = self.attribute(layer, "activation").and_then(|a| self.pickle.text(a));
            let said = said.ok_or_else(|| unfit("its units are of a kind of their own"))?;
            match (number == layers.len(), said) {
                (true, "linear") => {}
                (true, other) => return Err(unfit_output(other)),
                (false, name) => network.units.push(Some(nonlinearity(name)?)),
            }
            let arrays = self.attribute(layer, "_params");
            let arrays = arrays.ok_or_else(|| malformed(format!("has no weights in layer {number}")))?;
            network.layers.push(self.pair(arrays, number)?);
            before = layer;
        }
        Ok(network)
    }

    /// Fails where a layer listens to another one than that before it.
    fn check_input(&self, layer: Id, before: Id) -> Result<()> {
        let Some(inputs) = self.attribute(layer, "inputs") else { return Ok(()) };
        let Node::Dict(entries) = self.pickle.node(inputs) else { return Ok(()) };
        let name = self.attribute(before, "name").and_then(|n| self.pickle.text(n));
        let from = |key: Id| self.pickle.text(key).and_then(|key| key.split_once(':')).map(|(from, _)| from);
        match entries[..] {
            [(key, _)] if from(key).is_none() || from(key) == name => Ok(()),
            _ => Err(unfit("its layers are no simple chain")),
        }
    }

    fn attribute(&self, object: Id, name: &str) -> Option<Id> {
        self.pickle.get(self.pickle.state(object)?, name)
    }

    /// Settings of the units in `kwargs`, where it is there; fails on what a brain can't be.
    fn settings(&self, root: Id, layers: usize) -> Result<Vec<Option<Nonlinearity>>> {
        if let Some(class) = self.pickle.get(root, "klass").and_then(|class| self.pickle.name(class)) {
            check_class(class)?;
        }
        let Some(kwargs) = self.pickle.get(root, "kwargs") else { return Ok(vec![None; layers]) };
        let said = |key: &str| self.pickle.get(kwargs, key);
        let text = |key: &str| said(key).and_then(|id| self.pickle.text(id));
        if let Some(output) = text("output_activation").filter(|output| *output != "linear") {
            return Err(unfit_output(output));
        }
        let decoded = said("decode_from").or(said("decode")).map(|n| self.pickle.node(n));
        if !matches!(decoded, None | Some(Node::Int(1))) {
            return Err(unfit("several of its layers lead to the output"));
        }
        let usual = text("hidden_activation").or(text("activation")).map(nonlinearity).transpose()?;
        let described = said("layers").and_then(|layers| self.pickle.elements(layers)).unwrap_or(&[]);
        // The first size is that of the input.
        (1..=layers)
            .map(|i| Ok(described.get(i).map_or(Ok(None), |&d| self.described(d))?.or(usual)))
            .collect()
    }

    /// The units of one layer, described by (size, name…) or {size, form, activation}.
    fn described(&self, layer: Id) -> Result<Option<Nonlinearity>> {
        let parts = self.pickle.elements(layer).unwrap_or(&[]);
        let form = self.pickle.get(layer, "form");
        let named = form.iter().chain(parts).filter_map(|part| self.pickle.text(*part));
        let named =
            self.pickle.get(layer, "activation").and_then(|a| self.pickle.text(a)).into_iter().chain(named);
        named.filter(|name| !name.eq_ignore_ascii_case("feedforward")).map(nonlinearity).next().transpose()
    }

    /// A layer from [weights, biases].
    fn pair(&mut self, arrays: Id, number: usize) -> Result<Affine> {
        match self.pickle.elements(arrays) {
            Some(&[weights, biases]) => self.layer(weights, biases, number),
            Some(other) => Err(unfit(&format!(
                "layer {number} has {} arrays instead of weights and biases",
                other.len()
            ))),
            None => Err(malformed(format!("has no weights in layer {number}"))),
        }
    }

    fn layer(&mut self, weights: Id, biases: Id, number: usize) -> Result<Affine> {
        let w = self.array(weights, &format!("weights in layer {number}"))?;
        let b = self.array(biases, &format!("biases in layer {number}"))?;
        match (&w.shape[..], &b.shape[..]) {
            (&[inputs, outputs], &[biases]) if outputs == biases && inputs > 0 && outputs > 0 => {
                Ok(Affine { inputs, outputs, weights: w.rows(), biases: b.rows() })
            }
            (w, b) => Err(malformed(format!(
                "has weights {w:?} and biases {b:?} in layer {number}, which do not fit"
            ))),
        }
    }

    fn array(&mut self, id: Id, what: &str) -> Result<Array<'p>> {
        let array = Array::at(self.pickle, self.value(id), what)?;
        self.left =
            self.left.checked_sub(array.size()).ok_or_else(|| malformed("uses the same numbers twice"))?;
        Ok(array)
    }

    /// The array inside of a shared variable, and that which would be copied to a graphics card; anything else is itself.
    fn value(&self, id: Id) -> Id {
        let shared =
            self.attribute(id, "container").and_then(|container| self.attribute(container, "storage"));
        let id = shared
            .and_then(|storage| self.pickle.elements(storage))
            .and_then(|s| s.first())
            .copied()
            .unwrap_or(id);
        match self.pickle.made(id) {
            Some((maker, [array, ..]))
                if maker.starts_with("theano.") && maker.ends_with("array_unpickler") =>
            {
                *array
            }
            _ => id,
        }
    }
}

/// Where a layer stands, by its name in 0.5: "hid1", "feedforward2".
fn place(name: &str) -> Result<usize> {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match name[kind.len()..].parse() {
        Ok(place) if ["hid", "feedforward"].contains(&kind) => Ok(place),
        _ => Err(unfit(&format!("it has a layer '{}'", shown(name)))),
    }
}

fn nonlinearity(name: &str) -> Result<Nonlinearity> {
    match name {
        "logistic" | "sigmoid" => Ok(Nonlinearity::Logistic),
        "relu" => Ok(Nonlinearity::Relu),
        "tanh" => Ok(Nonlinearity::Tanh),
        "linear" => Ok(Nonlinearity::Linear),
        other => Err(unfit(&format!("it has '{}' in a layer", shown(other)))),
    }
}

fn check_count(layers: usize) -> Result<()> {
    match layers {
        1..=MAX_LAYERS => Ok(()),
        0 => Err(malformed("has no layers")),
        more => Err(unfit(&format!("it has {more} layers; up to {MAX_LAYERS} are possible"))),
    }
}

fn check_class(class: &str) -> Result<()> {
    if class == REGRESSOR {
        Ok(())
    } else {
        Err(unfit(&format!("it is a {}, not a {REGRESSOR}", shown(class))))
    }
}

fn check_kind(pickle: &Pickle<'_>, layer: Id, expected: &str) -> Result<()> {
    let class = pickle.class(layer).unwrap_or("nothing");
    match class.strip_prefix("theanets.layers.").and_then(|class| class.split('.').next_back()) {
        Some(kind) if kind == expected => Ok(()),
        _ => Err(unfit(&format!("it has a layer of the kind {}", shown(class)))),
    }
}

fn unfit_output(units: &str) -> Error {
    unfit(&format!("its output is not linear but '{}'", shown(units)))
}

/// A network, but none that a classic brain can be.
fn unfit(why: &str) -> Error {
    Error::new(Kind::WrongKind, format!("holds a network that can't become a brain: {why}"))
        .help("import a plain chain of fully connected layers with a linear output, as in 2015")
}

fn stranger(pickle: &Pickle<'_>, root: Id) -> Error {
    let what = match pickle.class(root) {
        _ if numpy::is_array(pickle, root) => "holds an array, not a network".to_owned(),
        Some(class) => format!("holds a {}, not a network of theanets", shown(class)),
        None => "is a pickle, but holds no network of theanets".to_owned(),
    };
    Error::new(Kind::WrongKind, what)
        .help("name a file that theanets saved in 2015, such as theanet.py.net.pkl")
}
