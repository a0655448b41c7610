#!/usr/bin/env python3
"""What helps and what does not: trains the default brain and its variants, and prints a table of their scores on held-out blocks.

usage: python3 bench/experiments.py [ROW ...] [--film FILM] [--folds fold0,fold1,fold2,fold3,every5th] [--seeds 1]

A row is a variant (see VARIANTS; default: all). Scores are those of the predictions before any sound is made: the
correlations of onset strength and of loudness with the film's own, mean and range over folds and seeds.
"""
import argparse, json, os, statistics, subprocess, tempfile
from pathlib import Path

from footage import find

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/kinophone"
VARIANTS = {
    "default": [],
    "colour, too": ["--see", "motion,appearance,colour"],
    "spectrum of the picture, too": ["--see", "motion,appearance,fft2"],
    "plain grey pixels, too": ["--see", "motion,appearance,grey"],
    "4 past ticks, too": ["--see", "past:4"],
    "motion alone": ["--see", "motion"],
    "appearance alone": ["--see", "appearance"],
    "plain grey pixels alone, no memory": ["--see", "grey", "--net", "mlp"],
    "32 components": ["--see", "pca:32"],
    "128 components": ["--see", "pca:128"],
    "the whole picture alone": ["--region", "whole"],
    "no memory of pictures": ["--net", "gru,tcn"],
    "recurrent networks and memory": ["--net", "gru,memory"],
    "convolutional networks and memory": ["--net", "tcn,memory"],
    "memory of pictures alone": ["--net", "memory"],
    "network without memory": ["--net", "mlp"],
    "3 variations of each film": ["--variations", "3"],
    "twice the steps": ["--steps", "500"],
}


def verdict(film, fold, seed, more, work):
    command = [PROGRAM, "train", film, "-o", work / "x.brain", "--force", "--json", "--quiet", "--no-live", "--no-sound"]
    command += ["--hold-out", fold, "--seed", seed, *more]
    said = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout
    return json.loads(said)["verdict"]


def summary(numbers):
    return f"{statistics.mean(numbers):.3f} ({min(numbers):.2f} to {max(numbers):.2f})"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*", metavar="ROW", choices=[*VARIANTS, []])
    p.add_argument("--film", type=Path, default=find("piano-bach.mp4"))
    p.add_argument("--folds", default="fold0,fold1,fold2,fold3,every5th")
    p.add_argument("--seeds", default="1")
    o = p.parse_args()
    print("| variant | onset_r | loudness_r | trainings |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as work:
        for name in o.rows or VARIANTS:
            said = [verdict(o.film, fold, seed, VARIANTS[name], Path(work)) for fold in o.folds.split(",") for seed in o.seeds.split(",")]
            onset, loudness = ([v[key] for v in said] for key in ("onset_r", "loudness_r"))
            print(f"| {name} | {summary(onset)} | {summary(loudness)} | {len(said)} |", flush=True)


if __name__ == "__main__":
    main()
