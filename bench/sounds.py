#!/usr/bin/env python3
"""What other sounds do to soundtracks: a brain's own sound beside libraries, judged by judge.py on held-out blocks.

usage: python3 bench/sounds.py [ROW ...] [--film FILM] [--limit SECONDS] [--seeds 1]

Rows: own, blocks (a library of the film's training blocks alone), grains (recordings that have nothing to do with the film), itself (the film
in its own sound, found by what it sounds like: all of it is judged). Needs numpy and ffmpeg.
"""
import argparse, subprocess, tempfile
from pathlib import Path

import numpy as np

import judge
from footage import find, footage
from sound import Film, kinophone

ROWS = ["own", "blocks", "grains", "itself"]


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def training_blocks(film, length, folder):
    """The sound of a film of `length` seconds without every fifth block of ten seconds, a recording for each stretch."""
    folder.mkdir()
    for begin in range(0, int(length), 50):
        end = min(begin + 40, length)
        ffmpeg("-i", film, "-map", "0:a:0", "-af", f"aresample=async=1:first_pts=0,atrim={begin}:{end}", folder / f"{begin:04}.wav")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*", metavar="ROW", choices=[*ROWS, []])
    p.add_argument("--film", type=Path, default=find("piano-bach.mp4"))
    p.add_argument("--limit", type=float)
    p.add_argument("--seeds", default="1")
    p.add_argument("--render", default="", metavar="OPTIONS", help="further options of render, such as --render='--synth granular --drive 0'")
    o = p.parse_args()
    rows = o.rows or ROWS
    print("| sounds | seed | onset_r | within ±1 frame | loudness_r | L1 | comb (the film's) |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as work:
        work, name = Path(work), o.film
        if o.limit:
            name = work / f"film{o.film.suffix}"
            ffmpeg("-i", o.film, "-t", o.limit, "-c", "copy", name)
        film = Film(name)
        sound = judge.decode(str(name), None)
        comb = judge.comb(sound, film.fps)
        libraries = {"own": []}
        if "blocks" in rows:
            training_blocks(name, len(sound) / judge.RATE, work / "blocks")
            kinophone("sounds", work / "blocks", "-o", work / "blocks.sounds")
            libraries["blocks"] = ["--sounds", work / "blocks.sounds"]
        if "grains" in rows:
            kinophone("sounds", footage() / "grains", "-o", work / "grains.sounds")
            libraries["grains"] = ["--sounds", work / "grains.sounds"]
        out = work / "out.wav"

        def row(what, seed, fold):
            best, near, loud, l1, own = film.score(out, fold)
            print(f"| {what} | {seed} | {best:.3f} | {near:.3f} | {loud:.3f} | {l1:.3f} | {own:.1f} ({comb:.1f}) |", flush=True)

        for seed in o.seeds.split(",") if set(rows) & set(libraries) else []:
            kinophone("train", name, "-o", work / "x.brain", "--seed", seed)
            for what, options in libraries.items():
                if what in rows:
                    kinophone("render", work / "x.brain", name, "-o", out, *options, *o.render.split())
                    row(what, seed, "every5th")
        if "itself" in rows:
            kinophone("sounds", name, "-o", work / "itself.sounds")
            kinophone("revoice", name, "--sounds", work / "itself.sounds", "-o", out)
            row("itself", "–", None)


if __name__ == "__main__":
    main()
