"""Makes the files beside it: small networks as theanets itself saved them, and what they say.

    python2 make.py NAME ...

For Python 2.7 with numpy 1.16.6, Theano 0.7.0 (THEANO_FLAGS=cxx=,floatX=float32,traceback.limit=0) and one state of
theanets (in PYTHONPATH): the releases 0.2.0, 0.3.0, 0.4.1, 0.5.3, 0.6.2 and 0.7.3, and for the name 2015.08.03 the commit
33775e7 of that day, between 0.6 and 0.7. What they import besides (climate, downhill, click) may be stubs: only its logs
and options are used. Adds to `said.json` what each network says to two pictures, by theanets' own `predict`.
"""

from __future__ import print_function

import json
import os
import pickle
import sys

import numpy
import theanets

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = (64, 5, 4, 8)
# Two pictures of 8 x 8: pixel i of picture k.
PICTURES = numpy.array([[(7 * i + 13 * k) % 29 / 28.0 for i in range(64)] for k in range(2)], "f")
KINDS = {
    "": {},
    "-tanh": {"kind": "tanh"},
    "-relu": {"kind": "relu"},
    "-linear": {"kind": "linear"},
    "-unused": {"predict": False},
    "-protocol0": {"protocol": 0},
    "-protocol1": {"protocol": 1},
    "-double": {"double": True},
    "-gzip": {"end": ".gz"},
}


def build(version, kind):
    Regressor = theanets.feedforward.Regressor
    if version == "0.2.0":
        return Regressor(SIZES, kind or "logistic")
    if not kind:
        return Regressor(layers=SIZES)
    if version < "0.5":
        return Regressor(layers=SIZES, hidden_activation=kind)
    return Regressor(layers=(64, (5, kind), (4, kind), 8))


def make(name):
    version, _, rest = name.partition("-")
    how = KINDS["-" + rest if rest else ""]
    numpy.random.seed(2015)
    net = build(version, how.get("kind"))
    path = os.path.join(HERE, name + ".pkl" + how.get("end", ""))
    # Networks that were used carry Theano's graphs and functions in 0.6; some were saved before.
    if how.get("predict", True):
        said = net.predict(PICTURES)
    net.save(path)
    if "protocol" in how or "double" in how:
        with open(path, "rb") as file:
            content = pickle.load(file)
        if how.get("double"):
            content["weights"] = [w.astype("f8") for w in content["weights"]]
            content["biases"] = [b.astype(">f8") for b in content["biases"]]
        with open(path, "wb") as file:
            pickle.dump(content, file, how.get("protocol", 2))
    if not how.get("predict", True):
        said = net.predict(PICTURES)
    return os.path.basename(path), [[float(x) for x in row] for row in said]


def main():
    table = os.path.join(HERE, "said.json")
    known = {}
    if os.path.exists(table):
        with open(table) as file:
            known = json.load(file)
    for name in sys.argv[1:]:
        file, said = make(name)
        known[file] = said
    with open(table, "w") as file:
        lines = [json.dumps(key) + ": " + json.dumps(known[key]) for key in sorted(known)]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


main()
