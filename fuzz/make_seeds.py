#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets: python3 fuzz/make_seeds.py PROGRAM, with ffmpeg in the PATH."""

import io, json, pickle, struct, subprocess, sys, tempfile, types
from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"
ROOT = Path(__file__).parent.parent


def seed(target, name, data):
    path = SEEDS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def ffmpeg(*args):
    return subprocess.run(["ffmpeg", "-v", "error", *args], check=True, stdout=subprocess.PIPE).stdout


def nut():
    for kind, rate in (("gray", "30"), ("rgb24", "24000/1001")):
        source = f"testsrc=size=8x8:rate={rate}:duration=0.2"
        seed("nut", kind, ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", kind, "-c:v", "rawvideo", "-f", "nut", "-"))


def shards(program):
    with tempfile.TemporaryDirectory() as folder:
        film, silent, sound = (f"{folder}/{name}" for name in ("film.mkv", "silent.mkv", "sound.wav"))
        tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000:duration=0.4"]
        picture = ["-f", "lavfi", "-i", "testsrc=size=16x16:rate=10:duration=0.4"]
        ffmpeg(*picture, *tone, "-c:v", "ffv1", "-c:a", "pcm_s16le", film)
        ffmpeg(*picture, "-c:v", "ffv1", silent)
        ffmpeg(*tone, sound)
        run = lambda *args: subprocess.run([program, *args, "-q"], check=True)
        run("prepare", film, "-o", f"{folder}/grey", "--size", "8")
        run("prepare", silent, "-o", f"{folder}/colour", "--size", "9", "--colour")
        run("sounds", sound, "-o", f"{folder}/library")
        for kind in ("grey", "colour", "library"):
            for shard in Path(folder, kind).glob("*.safetensors"):
                seed("shard", kind, shard.read_bytes())


def safetensors(description, tensors):
    header, data = {"__metadata__": {"kinophone": json.dumps(description, separators=(",", ":"))}}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def floats(*shape):
    count = 1
    for size in shape:
        count *= size
    return ("F32", list(shape), b"".join(struct.pack("<f", (k * 7 % 11 - 5) / 10) for k in range(count)))


def classic_brain():
    config = {"grid": {"tick": "1000/1", "rate": 8000}, "size": 8, "colour": False, "hops": 1, "say": "pcm",
              "layers": [64, 2, 8], "activation": "sigmoid"}
    origin = {"name": "2015.net.pkl", "blake3": "0" * 64, "writer": "theanets 0.4"}
    about = {"checksum": "0" * 64, "format": "brain", "version": 1, "program": "0.1.0", "config": config,
             "imported": origin, "ledger": [], "verdict": None, "history": {"epochs": [], "reconstruction": []}}
    tensors = {"layers.0.weight": floats(64, 2), "layers.0.bias": floats(2),
               "layers.1.weight": floats(2, 8), "layers.1.bias": floats(8)}
    seed("tensor_file", "classic", safetensors(about, tensors))


def ensemble():
    """Of one member of each kind, with an eye that takes brightness, contrast and motion alone."""
    see = {"motion": True, "appearance": True, "colour": False, "spectrum": False, "grey": False, "components": None,
           "past": 0, "region": "auto"}
    training = {"steps": 40, "minutes": None, "lr": 0.002, "seed": 3, "see": see, "members": ["gru", "tcn", "memory"],
                "variations": 0, "live": True, "keep_sound": True, "hold_out": "every5th"}
    scale = {"mean": 0.0, "deviation": 1.0}
    onset = {"parts": [scale] * 3, "sum": scale}
    voice = {"mel": [scale] * 64, "loudness": scale, "root_flux": scale, "flux": scale, "peak_from": 1.0,
             "heard": onset, "said": onset, "rise": [0.0, 1.0], "onset_weight": 1.0, "told": True}
    kinds = [{"memory": {"ticks": 2}},
             {"net": {"kind": "tcn", "inputs": 3, "channels": 2, "dilations": [1], "causal": False, "outputs": 69}},
             {"net": {"kind": "gru", "inputs": 3, "projection": 2, "hidden": 2, "outputs": 69}}]
    member = {"sees": [{"start": 0, "end": 3}], "ahead": 0, "past": 0, "weight": 0.5}
    members = [{"mind": kind, "plays": plays} | member for kind, plays in zip(kinds, ("both", "films", "live"))]
    material = {"rate": 8000, "channels": 1, "stretches": [{"film": 0, "first_tick": 0, "ticks": 2}]}
    config = {"grid": {"tick": "100/1", "rate": 8000}, "size": 8, "members": members, "voice": voice, "jump": 4.0,
              "views": [{"region": {"x": 0.0, "y": 0.0, "w": 1.0, "h": 1.0}, "looks": [], "scales": [scale] * 3}],
              "shape": {"tone": 0.0, "attack": 0.0, "most_db": 12.0}, "picture": 1.5, "material": material}
    facts = {"container": "mp4", "duration": 1000000, "bytes": 1, "picture": None, "sounds": [], "tags": []}
    source = {"name": "film.mp4", "blake3": "0" * 64, "licence": None, "author": None, "title": None, "origin": None,
              "facts": facts}
    about = {"checksum": "0" * 64, "format": "ensemble", "version": 1, "program": "0.1.0", "config": config,
             "training": training, "ledger": [source], "verdict": None, "trained_seconds": 1.0, "lacks": [], "prospects": None}
    flac = ffmpeg("-f", "lavfi", "-i", "sine=sample_rate=8000", "-af", "atrim=end_sample=160", "-f", "flac", "-")
    tensors = {"members.0.weights": floats(3), "members.0.keys": floats(2, 1), "members.0.sounds": floats(2, 69)}
    for name, shape in (("stem", [3, 2]), ("block.0", [3, 2, 2]), ("output", [2, 69])):
        tensors |= {f"members.1.net.{name}.weight": floats(*shape), f"members.1.net.{name}.bias": floats(shape[-1])}
    for name, shape in (("projection", [3, 2]), ("output", [2, 69])):
        tensors |= {f"members.2.net.{name}.weight": floats(*shape), f"members.2.net.{name}.bias": floats(shape[-1])}
    for name, bias in (("input", [3, 2]), ("hidden", [2])):
        tensors |= {f"members.2.net.gru.{name}.weight": floats(3, 2, 2), f"members.2.net.gru.{name}.bias": floats(*bias)}
    tensors["members.0.weights"] = ("F32", [3], struct.pack("<3f", 0.0, 0.0, 1.0))
    tensors |= {"sound": ("U8", [len(flac)], flac), "units.descriptors": floats(2, 114), "units.loudness": floats(2)}
    seed("tensor_file", "ensemble", safetensors(about, tensors))
    about["config"] = config | {"material": None}
    seed("tensor_file", "without-sound", safetensors(about, {k: v for k, v in tensors.items() if k[0] == "m"}))


def array(*shape):
    """What numpy pickles of an array, without numpy."""
    core = sys.modules.setdefault("numpy.core.multiarray", types.ModuleType("numpy.core.multiarray"))
    top = sys.modules.setdefault("numpy", types.ModuleType("numpy"))
    if not hasattr(core, "_reconstruct"):
        reconstruct = lambda *_: None
        reconstruct.__name__ = reconstruct.__qualname__ = "_reconstruct"
        reconstruct.__module__, core._reconstruct = "numpy.core.multiarray", reconstruct
        top.ndarray = type("ndarray", (), {"__module__": "numpy"})
        top.dtype = type("dtype", (), {"__module__": "numpy"})
    reduced = lambda value: type("Reduced", (), {"__reduce__": lambda _: value})()
    dtype = reduced((top.dtype, ("f4", 0, 1), (3, "<", None, None, None, -1, -1, 0)))
    return reduced((core._reconstruct, (top.ndarray, (0,), b"b"), (1, shape, dtype, False, floats(*shape)[2])))


def pickles():
    for protocol in (2, 4):
        network = {"weights": [array(64, 2), array(2, 8)], "biases": [array(2), array(8)]}
        out = io.BytesIO()
        pickle._Pickler(out, protocol).dump(network)
        seed("pickle", f"lists-{protocol}", out.getvalue())
    saved = ROOT / "crates/kinophone/tests/theanets"
    for name in ("0.4.1-protocol0", "0.5.3", "0.6.2-unused", "2015.08.03"):
        seed("pickle", name, (saved / f"{name}.pkl").read_bytes())


def words():
    source = {"name": "rain.wav", "blake3": "0" * 64, "seconds": 8.0, "title": "Rain", "author": "A. Author",
              "licence": "CC0-1.0", "origin": "https://example.org/rain"}
    why = {"distance": 0.5, "jump": True, "tone": 0.5, "loudness": 0.25, "onset": 0.25, "picture": 0.0, "pitch": 0.0}
    piece = {"at": 0.0, "seconds": 0.5, "source": 0, "source_at": 1.25, "speed": 1.0, "pan": 0.0, "layer": 0,
             "gain_db": -3.0, "level_db": -20.0, "envelope": [[0.0, 0.0], [0.01, 1.0], [0.5, 0.0]]}
    tail = piece | {"at": 0.4, "seconds": 0.0, "speed": -1.0, "pitch_hz": 440.0, "why": why}
    score = {"version": 2, "film": "film.mp4", "brain": None, "seconds": 1.0, "rate": 8000, "channels": 2,
             "source_channels": 1, "picture_rate": "30/1", "gain_db": 0.0, "filtered": False, "original_db": None,
             "sources": [source, {"name": "wind.wav", "blake3": "1" * 64}], "pieces": [piece, tail, piece | {"source": 1}]}
    seed("score", "pieces", json.dumps(score))
    seed("score", "silence", json.dumps(score | {"sources": [], "pieces": []}))
    credit = {"source": source, "seconds": 0.5, "share": 1.0, "first": 0.0, "times": [[0.0, 0.5]]}
    credits = {"kinophone_credits": 1, "film": "film.mp4", "seconds": 1.0, "credits": [credit], "left_out": 1}
    escaped = "".join("\\" + c if c in "=;#\\" else c for c in json.dumps(credits, separators=(",", ":")))
    seed("tags", "credits", f";FFMETADATA1\ntitle=a\\=b\ncopyright={escaped}\n")
    seed("tags", "room", "\x08the film's sound, the room, more sound and the room")
    for preset in (ROOT / "crates/kinophone/src/texture/presets").glob("*.toml"):
        seed("mapping", preset.name, preset.read_bytes())


if __name__ == "__main__":
    program = sys.argv[1]
    nut()
    shards(program)
    classic_brain()
    ensemble()
    pickles()
    words()
