#!/usr/bin/env python3
"""How near a revoiced film comes to its own attacks and pitches: one film, one library, several ways to choose.

usage: python3 bench/revoice.py [ROW ...] [--film FILM] [--sounds FILE|FOLDER]

A row is a way to revoice (see ROWS; default: all). Attacks and pitches are those that `kinophone sounds` finds in the film and in the result: shares of the film's
attacks that the result has within 1 and 3 ms; of the time in which both have a sure pitch, the shares with the right pitch class (within 50 cents) and with
the right octave, too. Then onset_r, loudness_r and L1 as judge.py measures them, over the whole film. Needs numpy.
"""
import argparse, json, struct, tempfile
from pathlib import Path

import numpy as np

from footage import find
from sound import Film, kinophone

ROWS = {
    "default": [],
    "pitch 0": ["--weights", "pitch=0"],
    "pitch 2": ["--weights", "pitch=2"],
    "pitch 4": ["--weights", "pitch=4"],
    "pitch 8": ["--weights", "pitch=8"],
    "melody": ["--like", "melody"],
    "melody, tuned by 1": ["--like", "melody", "--tune", "1"],
    "without the filter": ["--tone", "0", "--attack", "0"],
}
SURE = 0.8


class Analysis:
    """Where in a recording attacks are, in milliseconds, and the pitch in Hz of every hundredth of a second, 0 where none is sure."""

    def __init__(self, recording, work):
        folder = Path(tempfile.mkdtemp(dir=work))
        kinophone("sounds", recording, "-o", folder / "x.sounds")
        shard = next((folder / "x.sounds").glob("*.safetensors")).read_bytes()
        length = struct.unpack("<Q", shard[:8])[0]
        header = json.loads(shard[8 : 8 + length])

        def tensor(name, kind):
            about = header[name]
            begin, end = about["data_offsets"]
            return np.frombuffer(shard[8 + length + begin : 8 + length + end], kind).reshape(about["shape"])

        places, said = tensor("units.places", "<i8"), tensor("units.said", "<f4")
        rate = json.loads(header["__metadata__"]["kinophone"])["sound_rate"]
        first, frames, attack = places.T
        self.attacks = 1000 * (first + attack)[attack >= 0] / rate
        ends = 100 * (first + frames) // rate
        self.pitch = np.zeros(ends.max() + 1)
        for begin, end, hz in zip(100 * first // rate, ends, np.where(said[:, 5] > SURE, said[:, 4], 0)):
            self.pitch[begin:end] = hz

    def near(self, other, ms):
        return np.mean([np.abs(other.attacks - at).min() <= ms for at in self.attacks])

    def right(self, other):
        n = min(len(self.pitch), len(other.pitch))
        a, b = self.pitch[:n], other.pitch[:n]
        both = (a > 0) & (b > 0)
        cents = 1200 * np.log2(b[both] / a[both])
        return np.mean(np.abs((cents + 600) % 1200 - 600) < 50), np.mean(np.abs(cents) < 50)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*", metavar="ROW", choices=[*ROWS, []])
    p.add_argument("--film", type=Path, default=find("piano-bach.mp4"))
    p.add_argument("--sounds", type=Path, default=find("piano-furelise.mp4"))
    o = p.parse_args()
    print("| revoiced | attacks within 1 ms | 3 ms | right class | right octave, too | onset_r | loudness_r | L1 |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        film, own = Film(o.film), Analysis(o.film, work)
        kinophone("sounds", o.sounds, "-o", work / "library.sounds")
        for row in o.rows or ROWS:
            out = work / "out.wav"
            kinophone("revoice", o.film, "--sounds", work / "library.sounds", "-o", out, *ROWS[row])
            ours = Analysis(out, work)
            onset, _, loudness, l1, _ = film.score(out, None)
            figures = [own.near(ours, 1), own.near(ours, 3), *own.right(ours), onset, loudness, l1]
            print(f"| {row} | " + " | ".join(f"{x:.3f}" for x in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
