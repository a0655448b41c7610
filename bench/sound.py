#!/usr/bin/env python3
"""What settings of render do to soundtracks: trains a brain a fold, renders its film in each way, and judges what sounds on held-out blocks.

usage: python3 bench/sound.py [ROW ...] [--film FILM] [--folds fold0,fold1,fold2,fold3,every5th] [--seeds 1]

A row is a way to render (see ROWS; default: all). Means over folds and seeds of what judge.py measures: onset_r at the best lag, with
its range, and within one frame; loudness_r; L1 of log-mel spectra; prominence of the comb at the frame rate. Needs numpy.
"""
import argparse, subprocess, tempfile
from pathlib import Path

import numpy as np

import judge
from footage import find

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/kinophone"
FOLDS = ["fold0", "fold1", "fold2", "fold3", "every5th"]
ROWS = {
    "default": [],
    "neither tone nor attacks": ["--tone", "0", "--attack", "0"],
    "tone alone": ["--attack", "0"],
    "attacks alone": ["--tone", "0"],
    "tone 0.7": ["--tone", "0.7"],
    "tone 1": ["--tone", "1"],
    "attacks 0.5": ["--attack", "0.5"],
    "attacks 1": ["--attack", "1"],
    "spectral": ["--synth", "spectral"],
    "granular": ["--synth", "granular"],
    "granular, drive 0": ["--synth", "granular", "--drive", "0"],
    "granular, drive 0.5": ["--synth", "granular", "--drive", "0.5"],
    "at -18 LUFS": ["--loudness", "-18"],
    "live": ["--live"],
    "live, delay 0": ["--live", "--delay", "0"],
    "live, delay 2": ["--live", "--delay", "2"],
    "live, delay 8": ["--live", "--delay", "8"],
}


class Film:
    """A film's own sound, measured once."""

    def __init__(self, path, fps=30.0):
        self.path, self.fps = path, fps
        sound = judge.decode(str(path), None)
        self.loud, self.mel = judge.curves(sound, fps, int(len(sound) * fps / judge.RATE))

    def score(self, soundtrack, fold):
        """onset_r at the best lag and within one frame, loudness_r, L1, comb, on the blocks that the fold holds out, or on all of it."""
        fps = self.fps
        sound = judge.decode(str(soundtrack), None)
        n = min(len(self.loud), int(len(sound) * fps / judge.RATE))
        loud, mel = judge.curves(sound, fps, n)
        keep = (np.arange(n) / fps // 10).astype(int) % 5 == FOLDS.index(fold) if fold else np.ones(n, bool)
        onsets = judge.onset(self.mel[:n]), judge.onset(mel)
        best, near = (judge.best_lag(*onsets, keep, reach)[0] for reach in (15, 1))
        shift = np.mean(mel[keep]) - np.mean(self.mel[:n][keep])
        l1 = np.abs(mel[keep] - shift - self.mel[:n][keep]).mean()
        return best, near, judge.r(self.loud[:n][keep], loud[keep]), l1, judge.comb(sound, fps)


def kinophone(command, *words):
    force = [] if command == "sounds" else ["--force"]
    line = [PROGRAM, command, *words, *force, "--quiet"]
    subprocess.run([str(word) for word in line], check=True, stdout=subprocess.DEVNULL)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*", metavar="ROW", choices=[*ROWS, []])
    p.add_argument("--film", type=Path, default=find("piano-bach.mp4"))
    p.add_argument("--folds", default=",".join(FOLDS))
    p.add_argument("--seeds", default="1")
    o = p.parse_args()
    rows = o.rows or list(ROWS)
    film = Film(o.film)
    scores = {row: [] for row in rows}
    with tempfile.TemporaryDirectory() as work:
        brain, sound = Path(work, "x.brain"), Path(work, "x.wav")
        for fold in o.folds.split(","):
            for seed in o.seeds.split(","):
                kinophone("train", o.film, "-o", brain, "--hold-out", fold, "--seed", seed)
                for row in rows:
                    kinophone("render", brain, o.film, "-o", sound, *ROWS[row])
                    scores[row].append(film.score(sound, fold))
    print("| render | onset_r | within ±1 frame | loudness_r | L1 | comb | soundtracks |\n|---|---|---|---|---|---|---|")
    for row in rows:
        best, near, loud, l1, comb = np.array(scores[row], float).T
        spread = f"{best.mean():.3f} ({best.min():.2f} to {best.max():.2f})"
        print(f"| {row} | {spread} | {near.mean():.3f} | {loud.mean():.3f} | {l1.mean():.3f} | {comb.mean():.1f} | {len(best)} |")


if __name__ == "__main__":
    main()
