//! Hostile bytes: whatever a file holds, reading it ends soon, in little memory, with a network or an error.

use crate::classic::import::Nonlinearity::{Linear, Logistic, Relu, Tanh};
use crate::classic::import::pickle::Pickle;
use crate::classic::import::pickle::node::Node;
use crate::classic::import::theanets::{Affine, known, network};
use crate::classic::import::{Nonlinearity, fold};
use crate::{Error, Kind};
use proptest::prelude::*;
use std::time::{Duration, Instant};

macro_rules! saved {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/theanets/", $name)).as_slice()
    };
}

/// Small networks as theanets saved them, in each of its ways: 2 to 15 thousand bytes.
const SAVED: [&[u8]; 5] = [
    saved!("0.4.1.pkl"),
    saved!("0.4.1-protocol0.pkl"),
    saved!("0.5.3.pkl"),
    saved!("0.6.2-unused.pkl"),
    saved!("2015.08.03.pkl"),
];

fn layers(bytes: &[u8]) -> crate::Result<Vec<Affine>> {
    network(&Pickle::read(bytes, known)?, bytes.len()).map(|network| network.layers)
}

fn refused(bytes: &[u8]) -> Error {
    let error = layers(bytes).err().unwrap_or_else(|| panic!("{} was read", shown(bytes)));
    assert!(error.advice().is_some_and(|advice| !advice.is_empty()), "{error}");
    error
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().take(40).flat_map(|b| b.escape_ascii()).map(char::from).collect()
}

/// The root of a pickle, as far as it is one node.
fn root(bytes: &[u8]) -> Node<'_> {
    let pickle = Pickle::read(bytes, known).unwrap();
    pickle.node(pickle.root()).clone()
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    for bytes in SAVED {
        let marked = bytes[0] == 0x80;
        assert_eq!(layers(bytes).unwrap().len(), 3);
        for length in 0..bytes.len() {
            let error = refused(&bytes[..length]);
            if length > if marked { 1 } else { 40 } {
                assert!(
                    error.kind() == Kind::Damaged && error.to_string().contains("cut off"),
                    "{length}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_changed_byte_gives_a_sound_network_or_an_error() {
    let mut read = 0;
    for bytes in SAVED {
        for at in 0..bytes.len() {
            for change in [0x01, 0x20, 0xff] {
                let mut changed = bytes.to_vec();
                changed[at] ^= change;
                let Ok(layers) = layers(&changed) else { continue };
                read += 1;
                assert!(layers.windows(2).all(|pair| pair[0].outputs == pair[1].inputs));
                let finite = |l: &Affine| l.weights.iter().chain(&l.biases).all(|x| (*x as f32).is_finite());
                assert!(layers.iter().all(finite));
            }
        }
    }
    // Most bytes are those of weights.
    assert!(read > 15_000, "{read}");
}

/// Reads those bytes without a stack overflow, within a second (as a rule within a hundredth).
fn soon(bytes: &[u8]) -> crate::Result<Vec<Affine>> {
    let begin = Instant::now();
    let result = layers(bytes);
    assert!(begin.elapsed() < Duration::from_secs(1), "{} took {:?}", shown(bytes), begin.elapsed());
    result
}

#[test]
fn depth_costs_nothing() {
    const DEEP: usize = 100_000;
    let nested =
        |open: &[u8], close: &[u8]| [open.repeat(DEEP), close.repeat(DEEP - 1), b".".to_vec()].concat();
    let deep = [
        nested(b"]", b"a"),
        [b"N".to_vec(), b"\x85".repeat(DEEP), b".".to_vec()].concat(),
        [b"(".repeat(DEEP), b"t".repeat(DEEP), b".".to_vec()].concat(),
        [b"}".to_vec(), b"Nc__builtin__\nlist\n)Rs".repeat(DEEP), b".".to_vec()].concat(),
        [b"c__builtin__\nlist\n".to_vec(), b")R".repeat(DEEP), b".".to_vec()].concat(),
        [b"c__builtin__\nlist\n)R".to_vec(), b"2b".repeat(DEEP), b".".to_vec()].concat(),
    ];
    for bytes in deep {
        assert_eq!(soon(&bytes).unwrap_err().kind(), Kind::WrongKind, "{}", shown(&bytes));
    }
}

#[test]
fn what_is_shared_is_there_once() {
    // Each list holds the one before it ten times: written out, 10^200 elements.
    let mut bytes = b"\x80\x02]q\0".to_vec();
    for level in 0..200u8 {
        bytes.extend([b']', b'q', level + 1, b'(']);
        bytes.extend([b'h', level].repeat(10));
        bytes.push(b'e');
    }
    bytes.push(b'.');
    assert_eq!(soon(&bytes).unwrap_err().kind(), Kind::WrongKind);
    // A list that holds itself.
    assert_eq!(soon(b"\x80\x02]q\0h\0a.").unwrap_err().kind(), Kind::WrongKind);
    assert!(size_of::<Node<'_>>() <= 32);
}

/// A dictionary of weights and biases, both the list of what `arrays` pushes.
fn lists(arrays: &[u8]) -> Vec<u8> {
    [b"\x80\x02}(U\x07weights(", arrays, b"lU\x06biases(", arrays, b"lu."].concat()
}

/// A little-endian array of that type code and shape (as a pickled tuple).
fn array(code: &[u8; 2], shape: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_le_bytes();
    let begin = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01";
    let kind = [
        b"cnumpy\ndtype\nU\x02",
        &code[..],
        b"K\0K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
    ]
    .concat();
    [begin, shape, &kind, b"\x89T", &length, bytes, b"tb"].concat()
}

#[test]
fn an_array_is_used_once() {
    let square = array(b"f4", b"K\x02K\x02\x86", &[0; 16]);
    let twice = [&square[..], b"q\0h\0"].concat();
    assert!(refused(&lists(&twice)).to_string().contains("has weights [2, 2] and biases [2, 2]"));
    // Ten megabytes that are asked for sixty times.
    let large = array(b"f4", b"M\x0a\x0aM\x0a\x0a\x86", &vec![0; 2570 * 2570 * 4]);
    let pair = [&large[..], &array(b"f4", b"M\x0a\x0a\x85", &[0; 2570 * 4])].concat();
    let bytes = [
        &b"\x80\x02}(U\x0aout-values("[..],
        &pair,
        b"lq\x01",
        &(0..60)
            .flat_map(|i| [&[b'U', 12][..], format!("hid{i:02}-values").as_bytes(), b"h\x01"].concat())
            .collect::<Vec<u8>>(),
        b"u.",
    ]
    .concat();
    assert!(soon(&bytes).unwrap_err().to_string().contains("twice"));
}

#[test]
fn lengths_beyond_the_file_are_cut_off_and_shapes_beyond_the_bytes_damaged() {
    for length in
        [b"\x80\x04B\xff\xff\xff\xff".as_slice(), b"\x80\x04T\xff\xff\xff\x7f", b"\x80\x04X\xff\xff\xff\xff"]
    {
        assert!(refused(length).to_string().contains("cut off"));
    }
    for code in [0x8d, 0x8e, 0x96] {
        for length in [u64::MAX, 1 << 63, 1 << 40, 4] {
            let bytes = [&[0x80, 4, code][..], &length.to_le_bytes(), b"abc"].concat();
            assert!(refused(&bytes).to_string().contains("cut off"));
        }
    }
    for shape in [
        &b"M\xff\xffM\xff\xff\x86"[..],
        b"\x8a\x06\0\0\0\0\0\x01\x8a\x06\0\0\0\0\0\x01\x86",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85",
        b"J\xff\xff\xff\xff\x85",
        b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x01\x85",
        &[&b"("[..], &b"K\0".repeat(9), b"t"].concat(),
    ] {
        let error = refused(&lists(&array(b"f4", shape, &[0; 16])));
        assert_eq!(error.kind(), Kind::Damaged, "{error}");
    }
}

#[test]
fn what_would_be_executed_is_named_and_refused() {
    let calls: [(&[u8], &str); 9] = [
        (b"cposix\nsystem\n(S'touch hacked'\ntR.", "posix.system"),
        (b"\x80\x02cos\nsystem\nU\x04true\x85R.", "os.system"),
        (b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93\x8c\x04true\x85R.", "subprocess.Popen"),
        (b"(iposix\nsystem\n.", "posix.system"),
        (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
        (b"cbuiltins\nexec\n.", "builtins.exec"),
        (b"c__builtin__\ngetattr\n.", "__builtin__.getattr"),
        (b"cnumpyish\nload\n.", "numpyish.load"),
        (b"ctheanets\x1b[2J\nx\n.", r"theanets\u{1b}[2J.x"),
    ];
    for (bytes, name) in calls {
        let error = refused(bytes);
        let said = format!("names '{name}', which no network needs; nothing was executed");
        assert_eq!((error.kind(), error.to_string()), (Kind::WrongKind, said));
    }
    // A function of numpy is not called either: what it would do is only written down.
    let root = root(b"\x80\x02cnumpy.testing._private.utils\nrunstring\nU\x01x}\x86R.");
    assert!(matches!(root, Node::Object { .. }));
    for outside in [b"\x80\x02P1\n.".as_slice(), b"\x80\x02NQ.", b"\x80\x02\x82\x01.", b"\x80\x05\x97."] {
        assert!(refused(outside).to_string().contains("outside of itself"));
    }
}

#[test]
fn work_is_limited() {
    for unit in [&b"N"[..], b"]", b"(", b"Nq\0", b"NN\x86", b"]2a0"] {
        let mut bytes = vec![0x80, 2];
        bytes.extend(unit.repeat((6 << 20) / unit.len()));
        bytes.push(b'.');
        let begin = Instant::now();
        let error = refused(&bytes);
        assert!(begin.elapsed() < Duration::from_secs(5) && error.kind() != Kind::Io, "{error}");
    }
    assert!(
        refused(&[&[0x80, 2][..], &b"N".repeat(5 << 20), b"."].concat()).to_string().contains("instructions")
    );
}

#[test]
fn impossible_instructions_are_damage() {
    for bytes in [
        &b"\x80\x02."[..],
        b"\x80\x020.",
        b"\x80\x02t.",
        b"\x80\x02Na.",
        b"\x80\x02(K\x01d.",
        b"\x80\x02NNb.",
        b"\x80\x02h\x05.",
        b"\x80\x02(0t.",
        b"\x80\x02N(\x85.",
        b"\x80\x02(o.",
        b"\x80\x02\xfe.",
        b"\x80\x02Ix\n.",
        b"\x80\x02Fx\n.",
        b"\x80\x02Sx\n.",
        b"\x80\x02S'\\x4'\n.",
        b"\x80\x02V\\ud800\n.",
        b"\x80\x02X\x01\0\0\0\xff.",
        b"\x80\x02\x80\x07.",
        b"\x80\x04NN\x93.",
    ] {
        let error = refused(bytes);
        assert!(
            error.kind() == Kind::Damaged && error.to_string().contains("is damaged: byte"),
            "{}: {error}",
            shown(bytes)
        );
    }
    for other in
        [&b""[..], b"Hello\n", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x20ftypisom", b"{\"a\": 1}", b"\x93NUMPY\x01\0"]
    {
        assert_eq!(
            (refused(other).kind(), refused(other).to_string().as_str()),
            (Kind::WrongKind, "is not a pickle")
        );
    }
}

#[test]
fn numbers_and_texts_are_read_as_python_writes_them() {
    let cases: [(&[u8], Node<'static>); 24] = [
        (b"I-12\n.", Node::Int(-12)),
        (b"I01\n.", Node::Bool(true)),
        (b"I00\n.", Node::Bool(false)),
        (b"L4096L\n.", Node::Int(4096)),
        (b"L12\n.", Node::Int(12)),
        (b"L99999999999999999999L\n.", Node::Huge),
        (b"J\xfe\xff\xff\xff.", Node::Int(-2)),
        (b"M\x00\x10.", Node::Int(4096)),
        (b"\x8a\x00.", Node::Int(0)),
        (b"\x8a\x01\xff.", Node::Int(-1)),
        (b"\x8a\x02\xff\x00.", Node::Int(255)),
        (b"\x8a\x08\0\0\0\0\0\0\0\x80.", Node::Int(i64::MIN)),
        (b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00.", Node::Huge),
        (b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff.", Node::Int(-1)),
        (b"F1.5\n.", Node::Float(1.5)),
        (b"G\x3f\xf8\0\0\0\0\0\0.", Node::Float(1.5)),
        (b"S'a\\n\\r\\t\\\\\\'\\x00\\xff'\n.", Node::Bytes(b"a\n\r\t\\'\0\xff".into())),
        (b"S\"it's\"\n.", Node::Bytes(b"it's".into())),
        (b"S''\n.", Node::Bytes(b"".into())),
        (b"V\\u00e9\xe9\\u005c\\x\n.", Node::Text("\u{e9}\u{e9}\\\\x".into())),
        (b"V\\U0001f600\n.", Node::Text("\u{1f600}".into())),
        (b"X\x02\0\0\0\xc3\xa9.", Node::Text("\u{e9}".into())),
        (b"\x8c\x01a\x94.", Node::Text("a".into())),
        (b"C\x02\x00\xff.", Node::Bytes(b"\0\xff".into())),
    ];
    for (bytes, node) in cases {
        assert_eq!(root(bytes), node, "{}", shown(bytes));
    }
}

#[test]
fn arrays_of_anything_but_weights_are_named() {
    for (code, said) in [(b"O8", "'O8', which is objects of Python"), (b"i8", "'i8'"), (b"f2", "'f2'")] {
        let error = refused(&lists(&array(code, b"K\x02\x85", &[0; 16])));
        assert!(error.kind() == Kind::WrongKind && error.to_string().contains(said), "{error}");
    }
}

/// Output of a chain of layers for `x`, in double precision.
fn say(layers: &[(usize, Vec<f64>, Vec<f64>)], hidden: &[Nonlinearity], x: &[f64]) -> Vec<f64> {
    let mut x = x.to_vec();
    for (l, (outputs, weights, biases)) in layers.iter().enumerate() {
        let mut y = biases.clone();
        for (x, row) in x.iter().zip(weights.chunks_exact(*outputs)) {
            y.iter_mut().zip(row).for_each(|(y, w)| *y += x * w);
        }
        let f = |z: f64| match hidden.get(l) {
            None | Some(Linear) => z,
            Some(Logistic) => 1.0 / (1.0 + (-z).exp()),
            Some(Relu) => z.max(0.0),
            Some(Tanh) => z.tanh(),
        };
        x = y.into_iter().map(f).collect();
    }
    x
}

#[test]
fn other_nonlinearities_go_into_the_weights() {
    use kinophone_nn::activation::Activation;
    let numbers = |seed: usize, n: usize| {
        (0..n).map(|i| ((i * 37 + seed * 11) % 41) as f64 / 20.0 - 1.0).collect::<Vec<_>>()
    };
    let sizes = [3, 4, 5, 2];
    let affine = |(l, pair): (usize, &[usize])| Affine {
        inputs: pair[0],
        outputs: pair[1],
        weights: numbers(l, pair[0] * pair[1]),
        biases: numbers(l + 7, pair[1]),
    };
    let layers: Vec<Affine> = sizes.windows(2).enumerate().map(affine).collect();
    let plain: Vec<_> = layers.iter().map(|l| (l.outputs, l.weights.clone(), l.biases.clone())).collect();
    for hidden in [
        [Logistic, Logistic],
        [Relu, Relu],
        [Tanh, Tanh],
        [Linear, Linear],
        [Logistic, Tanh],
        [Tanh, Logistic],
        [Relu, Linear],
    ] {
        let (fitted, activation) = fold::fit(layers.clone(), &hidden).unwrap();
        let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let fitted: Vec<_> =
            fitted.iter().map(|l| (l.outputs, double(&l.weights), double(&l.biases))).collect();
        let one = if activation == Activation::Relu { Relu } else { Logistic };
        let x = [0.3, 0.9, 0.1];
        let expected = say(&plain, &hidden, &x).into_iter().map(|y| 2.0 * y - 1.0);
        for (ours, theirs) in say(&fitted, &[one, one], &x).into_iter().zip(expected) {
            assert!((ours - theirs).abs() < 2e-6, "{hidden:?}: {ours} {theirs}");
        }
    }
    let error = fold::fit(layers, &[Relu, Tanh]).unwrap_err();
    assert!(
        error.to_string().ends_with(&format!("its hidden layers are {} and {}", Relu.name(), Tanh.name())),
        "{error}"
    );
}

/// Instructions, so that more than noise is tried.
fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let any_code = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..6))
        .prop_map(|(code, rest)| [vec![code], rest].concat());
    let sound = prop::sample::select(vec![
        &b"("[..],
        b"N",
        b"K\x01",
        b"]",
        b"}",
        b")",
        b"l",
        b"t",
        b"d",
        b"a",
        b"e",
        b"s",
        b"u",
        b"0",
        b"1",
        b"2",
        b"R",
        b"b",
        b"o",
        b"q\0",
        b"h\0",
        b"q\x01",
        b"h\x01",
        b"\x85",
        b"\x86",
        b"\x81",
        b"\x92",
        b"\x94",
        b"U\x06layers",
        b"U\x07weights",
        b"U\x06biases",
        b"U\x0aout-values",
        b"ctheanets.feedforward\nRegressor\n",
        b"cnumpy\ndtype\n",
        b"cnumpy.core.multiarray\n_reconstruct\n",
        b"ccopy_reg\n_reconstructor\n",
    ]);
    prop_oneof![1 => any_code, 12 => sound.prop_map(<[u8]>::to_vec)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = layers(&bytes);
    }

    #[test]
    fn no_instructions_make_it_fail(codes in prop::collection::vec(instruction(), 0..80), marked in any::<bool>()) {
        let begin = if marked { vec![vec![0x80, 2]] } else { vec![] };
        let _ = layers(&[begin, codes, vec![b".".to_vec()]].concat().concat());
    }

    #[test]
    fn no_mixture_of_two_networks_makes_it_fail(at in 0usize..2000, from in 0usize..2000, n in 1usize..60) {
        let (one, two) = (SAVED[0], SAVED[2]);
        let (at, from) = (at.min(one.len()), from.min(two.len() - n));
        let _ = layers(&[&one[..at], &two[from..from + n], &one[at..]].concat());
    }
}
