"""Writes networks as Python 2 and theanets saved them in 2015, and what they say to the pictures of a film.

    python3 networks.py FOLDER SHARD

FOLDER gets `good-*` files, all of one network 4096-20-735 with the same weights, `bad-*` files that are no such network,
and `said.f32`, what the network says to every picture of the shard: computed here, in double precision.
"""

import gzip
import io
import pickle
import sys
import types
from pathlib import Path

import numpy
from safetensors.numpy import load_file

SIZES = (4096, 20, 735)


class Python2(pickle._Pickler):
    """Python's own pickler, with the texts and names of Python 2 and of numpy before 2."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        text = value.encode("ascii") if isinstance(value, str) else value
        if not self.bin:
            self.write(b"S" + repr(text)[1:].encode("ascii") + b"\n")
        elif len(text) < 256:
            self.write(b"U" + bytes([len(text)]) + text)
        else:
            self.write(b"T" + len(text).to_bytes(4, "little") + text)
        self.memoize(value)

    dispatch[bytes] = dispatch[str] = save_bytes

    def save_global(self, value, name=None):
        module = {"builtins": "__builtin__", "copyreg": "copy_reg"}.get(value.__module__, value.__module__)
        module = module.replace("numpy._core", "numpy.core")
        self.write(f"c{module}\n{name or value.__qualname__}\n".encode("ascii"))
        self.memoize(value)

    dispatch[type] = dispatch[types.FunctionType] = save_global


def python2(value, protocol):
    file = io.BytesIO()
    Python2(file, protocol).dump(value)
    return file.getvalue()


def place(value, module):
    """Lets a class or function pickle under that module's name."""
    value.__module__ = module
    parts = module.split(".")
    for i in range(1, len(parts) + 1):
        found = sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(parts[i - 1]))
    setattr(found, value.__qualname__, value)
    return value


def make_class(module, name, **members):
    return place(type(name, (), members), module)


Recurrent = make_class("theanets.recurrent", "Regressor")
Input = make_class("theanets.layers.feedforward", "Input")
Feedforward = make_class("theanets.layers.feedforward", "Feedforward")
Conv1 = make_class("theanets.layers.convolution", "Conv1")
Shared = make_class("theano.tensor.sharedvar", "TensorSharedVariable")
CudaShared = make_class("theano.sandbox.cuda.var", "CudaNdarraySharedVariable")
Container = make_class("theano.gof.link", "Container")
Elemwise = make_class("theano.tensor.elemwise", "Elemwise")
# From July 2015 on the state of a network is a tuple.
Stateful = make_class("theanets.feedforward", "Regressor", __getstate__=lambda self: (self.layers, None))
Regressor = make_class("theanets.feedforward", "Regressor")


def CudaNdarray_unpickler(array):
    return array


place(CudaNdarray_unpickler, "theano.sandbox.cuda.type")


class OnCard:
    """An array on a graphics card, as Theano pickles it."""

    def __init__(self, array):
        self.array = array

    def __reduce__(self):
        return CudaNdarray_unpickler, (self.array,)


def instance(kind, **state):
    made = kind()
    made.__dict__.update(state)
    return made


def shared(array, name, kind=Shared):
    stored = OnCard(array) if kind is CudaShared else array
    return instance(kind, name=name, container=instance(Container, name=name, storage=[stored], readonly=False))


def chain(arrays, hidden="logistic", kinds=None, kind=Shared, sizes=SIZES, output="linear"):
    """The layers of theanets 0.6 and later."""
    layers = [instance(Input, name="in", size=sizes[0], inputs=0, activation="linear", _params=[])]
    for i, (w, b) in enumerate(arrays):
        last = i + 1 == len(arrays)
        name = "out" if last else f"hid{i + 1}"
        activation = output if last else hidden[i] if isinstance(hidden, tuple) else hidden
        layers.append(
            instance(
                (kinds or {}).get(i, Feedforward),
                name=name,
                size=sizes[i + 1],
                inputs={layers[-1].name + ":out": sizes[i]},
                activation=activation,
                activate=instance(Elemwise, name=activation, nfunc_spec=None),
                nrng=numpy.random.RandomState(i),
                kwargs={},
                _params=[shared(w, name + ".w", kind), shared(b, name + ".b", kind)],
            )
        )
    return layers


def old(arrays, **kwargs):
    """As theanets 0.4 saved."""
    kwargs = {"layers": SIZES, **kwargs}
    return {"weights": [w for w, _ in arrays], "biases": [b for _, b in arrays], "klass": Regressor, "kwargs": kwargs}


def by_name(arrays, names=("hid1", "out"), **kwargs):
    """As theanets 0.5 saved."""
    state = {"klass": Regressor, "kwargs": {"layers": SIZES, **kwargs}, "in-values": []}
    state.update({f"{name}-values": list(pair) for name, pair in zip(names, arrays)})
    return state


def write_good(folder, arrays):
    def cast(kind, order="C"):
        return [(numpy.array(w, kind, order=order), numpy.array(b, kind)) for w, b in arrays]

    files = {}
    for protocol in (0, 1, 2):
        for kind in ("<f4", ">f4", "<f8", ">f8"):
            files[f"{protocol}-{kind[1:]}{'-big' * (kind[0] == '>')}"] = python2(old(cast(kind)), protocol)
        files[f"{protocol}-columns"] = python2(old(cast("f4", "F")), protocol)
        files[f"{protocol}-by-name"] = python2(by_name(cast("f4")), protocol)
        files[f"{protocol}-object"] = python2(instance(Regressor, layers=chain(cast("f4"))), protocol)
    for protocol in range(0, 5):
        files[f"python3-{protocol}"] = pickle.dumps(old(cast("f4")), protocol)
    files["on-card"] = python2(instance(Regressor, layers=chain(cast("f4"), kind=CudaShared)), 2)
    for protocol in (0, 2):
        files[f"{protocol}-state"] = python2(instance(Stateful, layers=chain(cast("f4"))), protocol)
    for name, content in files.items():
        (folder / f"good-{name}.net.pkl").write_bytes(content)
    with gzip.open(folder / "good-gzip.net.pkl.gz", "wb") as file:
        file.write(files["2-f4"])


def write_bad(folder, arrays):
    (w1, b1), (w2, b2) = arrays
    poisoned, huge = w2.copy(), w2.astype("f8")
    poisoned[3, 5], huge[7, 9] = numpy.nan, 1e300
    square = (w1[:20].copy(), b1)
    files = {
        "sizes": old([(w1, b1), (numpy.zeros((21, 735), "f"), b2)]),
        "biases": old([(w1, b1[:19]), (w2, b2)]),
        "nan": old([(w1, b1), (poisoned, b2)]),
        "infinite": old([(w1, b1), (huge, b2)]),
        "objects": old([(w1, b1), (numpy.array([[None]]), b2)]),
        "integers": old([(w1, b1), (w2.astype("i4"), b2)]),
        "tied": {**old(arrays), "weights": [w1]},
        "no-square": old([(w1[:4000], b1), (w2, b2)]),
        "spectrum": old([(w1, b1), (w2[:, :513], b2[:513])]),
        "softmax": by_name(arrays, output_activation="softmax"),
        "decode-from": by_name(arrays, decode_from=2),
        "rnn": by_name([(w1, b1, w1), (w2, b2)], names=("rnn1", "out"), layers=(4096, ("rnn", 20), 735)),
        "recurrent": {**old(arrays), "klass": Recurrent},
        "convolution": instance(Regressor, layers=chain(arrays, kinds={0: Conv1})),
        "normed": instance(Regressor, layers=chain(arrays, hidden="norm:z")),
        "mixed": instance(
            Regressor, layers=chain([(w1, b1), square, (w2, b2)], hidden=("relu", "tanh"), sizes=(4096, 20, 20, 735))
        ),
        "array": w1,
        "other": {"a": [1, 2]},
    }
    for name, content in files.items():
        (folder / f"bad-{name}.pkl").write_bytes(python2(content, 2))
    (folder / "bad-code.pkl").write_bytes(b"cposix\nsystem\n(S'touch executed'\ntR.")
    (folder / "bad-cut.pkl").write_bytes(python2(old(arrays), 2)[:-1000])
    (folder / "bad-text.pkl").write_bytes(b"This is no pickle.\n")


def main():
    folder, shard = Path(sys.argv[1]), Path(sys.argv[2])
    random = numpy.random.RandomState(2015)
    arrays = []
    for inputs, outputs in zip(SIZES, SIZES[1:]):
        scale = 1 / numpy.sqrt(inputs + outputs)
        arrays.append(((scale * random.randn(inputs, outputs)).astype("f"), (0.1 * random.randn(outputs)).astype("f")))
    # 0.5 is silence; the level stays well below where a limiter begins to work.
    w2, b2 = arrays[1]
    arrays[1] = (numpy.float32(0.4) * w2, numpy.float32(0.4) * b2 + numpy.float32(0.5))
    write_good(folder, arrays)
    write_bad(folder, arrays)

    pictures = load_file(shard)["pictures"]
    x = pictures.reshape(len(pictures), -1) / 255.0
    (w1, b1), (w2, b2) = [(w.astype("f8"), b.astype("f8")) for w, b in arrays]
    hidden = 1 / (1 + numpy.exp(-(x @ w1 + b1)))
    # As a sample of 16 bits that was learned as (s + 2^15) / 2^16.
    said = ((hidden @ w2 + b2) * 65536 - 32768) / 32768
    said.astype("<f4").tofile(folder / "said.f32")


main()
