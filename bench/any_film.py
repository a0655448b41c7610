#!/usr/bin/env python3
"""Brains on films that they do not know, and on their own: every figure of "On any film" in README.md.

usage: python3 bench/any_film.py [ROW ...] [--seeds 1,2,3] [--render "OPTIONS"] [--program FILE] [--work DIR] [--pairs]

Rows (default: all):
  foreign  brains of five films play the films that they do not know: does the sound follow what moves (follow.py)?
  live     the same with --live
  piano    a brain of one pianist plays another, compared with the true sound: loudness, and attacks within one frame
  own      held-out blocks of the brains' own films, compared with the true sound (judge.py, every fifth block)
  folds    five brains of piano-bach, each judged on the fifth of its blocks that it held out
  short    the same of six stretches of 42 to 120 seconds (blocks 2 and 7, which all of them have), with --follow 0 (networks alone), auto and 1
           (motion alone)
  etudes   six brains of drawn films play others, of which the truth is known: events within 33 ms, events invented
  silence  black, white, fades: the largest sample
  speed    the default training of a film that is prepared; the default render against ffmpeg decoding, in turns
  pan      a still scene under a camera held by hand, against the scene itself: level of the sound
--pairs prints every pair. Brains are kept in --work. Needs numpy and ffmpeg; the films are those of footage.py.
"""
import argparse, json, os, shlex, shutil, statistics, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import follow, judge
from footage import find

ROOT = Path(__file__).resolve().parent.parent
BRAINS = ["piano-bach.mp4", "piano-furelise.mp4", "frog.mp4", "crystal.mp4", "big-buck-bunny.mp4"]
FOREIGN = [f"popeye_sinbad_T0{k}.mkv" for k in ("0-1", "1-2", "2-3", "3-4")] + BRAINS[:4]
# Film, and the second at which a stretch begins and its length.
SHORT = [("piano-bach.mp4", 0, 120), ("piano-furelise.mp4", 0, 42), ("big-buck-bunny.mp4", 60, 60), ("big-buck-bunny.mp4", 200, 90),
         ("big-buck-bunny.mp4", 340, 120), ("big-buck-bunny.mp4", 460, 60)]
FPS = 30
# Of the films that are drawn.
ETUDE_SEEDS = (11, 21, 31, 41, 51, 61)
# The credits of this film are left out.
CARTOON, CARTOON_SECONDS = "big-buck-bunny.mp4", 525


class Bench:
    def __init__(self, options):
        self.o, self.work = options, Path(options.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.env = dict(os.environ, KINOPHONE_CACHE=str(self.work / "cache"))

    def run(self, *command):
        subprocess.run([self.o.program, *map(str, command)], check=True, env=self.env, stdout=subprocess.DEVNULL)

    def brain(self, film, seed, fold=4):
        """A brain of a film that holds out its blocks of ten seconds numbered `fold`, `fold` + 5 …"""
        path = self.work / f"{Path(film).stem}.{seed}.{fold}.brain"
        if not path.exists():
            self.run("train", film, "-o", path, "--seed", seed, "--quiet", "--hold-out", "every5th" if fold == 4 else f"fold{fold}")
        return path

    def render(self, brain, film, *options):
        """The soundtrack's file; the same render is not made twice."""
        options = [*options, *shlex.split(self.o.render)]
        name = "_".join([Path(brain).stem, Path(film).stem, *options]).replace("/", "-")
        path = self.work / f"{name}.wav"
        if not path.exists():
            self.run("render", brain, film, "-o", path, "--quiet", *options)
        return path

    def film(self, name):
        """The film of a brain."""
        if name != CARTOON:
            return find(name)
        path = self.work / name
        if not path.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-i", str(find(name)), "-t", str(CARTOON_SECONDS), "-map", "0:v:0", "-map", "0:a:0", "-c", "copy", str(path)], check=True)
        return path

    def stretch(self, film, begin, seconds):
        path = self.work / f"{Path(film).stem}-{begin}.mkv"
        if not path.exists():
            command = ["ffmpeg", "-v", "error", "-ss", begin, "-i", find(film), "-t", seconds, "-c:v", "libx264", "-preset", "veryfast", "-crf", 18,
                       "-c:a", "flac", path]
            subprocess.run([str(word) for word in command], check=True)
        return path

    def foreign(self, *options):
        pairs = [(brain, film, seed) for seed in self.o.seeds for brain in BRAINS for film in FOREIGN
                 if brain != film and not (brain.startswith("piano") and film.startswith("piano"))]
        brains = {(b, s): self.brain(self.film(b), s) for b, _, s in pairs}
        with ThreadPoolExecutor(2) as pool:
            sounds = list(pool.map(lambda p: self.render(brains[p[0], p[2]], find(p[1]), *options), pairs))
        rows = [follow.follow(str(find(film)), str(sound)) for (_, film, _), sound in zip(pairs, sounds)]
        if self.o.pairs:
            for (brain, film, seed), row in zip(pairs, rows):
                print(f"{brain} {seed} -> {film}: {row['loudness_motion_r']:.2f} {row['onset_motion_r']:.2f}", file=sys.stderr)
        loud, onset = ([row[key] for row in rows] for key in ("loudness_motion_r", "onset_motion_r"))
        chance = [np.mean([row[key] for row in rows]) for key in ("loudness_motion_chance", "onset_motion_chance")]
        return f"loudness~motion {np.mean(loud):.2f}, worst {min(loud):.2f} (chance {chance[0]:.2f}); onset~motion onset {np.mean(onset):.2f} (chance {chance[1]:.2f})"

    def compare(self, film, sound, fold):
        """Loudness_r, onset_r within half a second and within a frame, L1: as judge.py has them."""
        ref, gen = (judge.decode(str(path), None) for path in (film, sound))
        n = int(min(len(ref), len(gen)) * FPS / judge.RATE)
        (loud_ref, mel_ref), (loud, mel) = judge.curves(ref, FPS, n), judge.curves(gen, FPS, n)
        keep = np.ones(n, bool) if fold is None else (np.arange(n) / FPS // 10).astype(int) % 5 == fold
        onsets = judge.onset(mel_ref), judge.onset(mel)
        shift = np.mean(mel[keep]) - np.mean(mel_ref[keep])
        return (judge.r(loud_ref[keep], loud[keep]), judge.best_lag(*onsets, keep, FPS // 2)[0], judge.best_lag(*onsets, keep, 1)[0],
                float(np.abs(mel[keep] - shift - mel_ref[keep]).mean()))

    def mean_of(self, train, film, fold, *options):
        """Mean over seeds, on the blocks of a fold that were held out, or on the whole film where that is None."""
        def one(seed):
            return self.compare(film, self.render(self.brain(train, seed, 4 if fold is None else fold), film, *options), fold)
        return np.mean([one(seed) for seed in self.o.seeds], axis=0)

    def etudes(self):
        said = []
        for seed in ETUDE_SEEDS:
            command = [self.o.program, "demo", "-o", self.work / f"etudes-{seed}", "--seed", seed, "--json", "--no-open", "--quiet"]
            done = subprocess.run([str(word) for word in command], check=True, env=self.env, capture_output=True).stdout
            said.append(json.loads(done))
        hits, events, invented = (sum(one[key] for one in said) for key in ("hits", "events", "invented"))
        return f"{hits} of {events} events within 33 ms, {invented} invented"

    def silence(self):
        """Ten seconds each of black, of white, and of a fade between them."""
        film = self.work / "blank.mkv"
        if not film.exists():
            source = "nullsrc=s=320x240:r=25,format=gray,geq=lum='if(lt(T\\,10)\\,0\\,if(lt(T\\,20)\\,255\\,255-25.5*(T-20)))'"
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-t", "30", "-c:v", "ffv1", str(film)], check=True)
        sounds = [judge.decode(str(self.render(self.brain(self.film(brain), seed), film)), None) for brain in BRAINS for seed in self.o.seeds]
        return f"largest sample {max(np.abs(sound).max() for sound in sounds):g}"

    def speed(self):
        def seconds(*command):
            began = time.monotonic()
            subprocess.run([str(word) for word in command], check=True, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return time.monotonic() - began
        film, corpus, brain = self.film(CARTOON), self.work / "prepared", self.work / "speed.brain"
        if not corpus.exists():
            self.run("prepare", film, "-o", corpus, "--size", 128, "--quiet")
        trained = seconds(self.o.program, "train", corpus, "-o", brain, "--force", "--quiet")
        turns = [(seconds(self.o.program, "render", brain, film, "-o", self.work / "speed.mp4", "--force", "--quiet"),
                  seconds("ffmpeg", "-nostdin", "-v", "error", "-i", film, "-an", "-vf", "scale=64:64:flags=area,format=gray", "-f", "rawvideo", "-y", os.devnull)) for _ in range(3)]
        ours, base = (statistics.median(side) for side in zip(*turns))
        return f"training {trained:.0f} s; render {ours:.1f} s, {ours / base:.2f} of decoding"

    def pan(self):
        """A picture of a film, still for 20 s and then seen by a camera that shakes and pans for 20 s; level of the second part over the first."""
        film = self.work / "pan.mkv"
        if not film.exists():
            still = self.work / "still.png"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", "90", "-i", str(find("big-buck-bunny.mp4")), "-frames:v", "1", "-vf", "scale=1280:720", str(still)], check=True)
            moved = "max(0\\,t-20)"
            x, y = f"160+110*sin(0.9*{moved})+14*sin(7.1*{moved})", f"100+9*sin(5.3*{moved})+30*sin(0.7*{moved})"
            subprocess.run(["ffmpeg", "-v", "error", "-loop", "1", "-framerate", "30", "-i", str(still), "-t", "40", "-vf", f"crop=880:500:{x}:{y},scale=640:-2,format=yuv420p",
                            "-c:v", "libx264", "-preset", "veryfast", str(film)], check=True)
        rises = []
        for brain in BRAINS[:4]:
            for seed in self.o.seeds:
                sound = judge.decode(str(self.render(self.brain(self.film(brain), seed), film)), None)
                level = lambda a, b: 10 * np.log10(np.mean(sound[a * judge.RATE:b * judge.RATE] ** 2) + 1e-12)
                rises.append(level(22, 39) - level(2, 19))
        return f"{np.mean(rises):+.1f} dB, {max(rises):+.1f} dB at most"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("rows", nargs="*", metavar="ROW"), p.add_argument("--seeds", default="1,2,3"), p.add_argument("--render", default="")
    p.add_argument("--program", default=str(ROOT / "target/release/kinophone")), p.add_argument("--work"), p.add_argument("--pairs", action="store_true")
    o = p.parse_args()
    o.seeds = [int(seed) for seed in o.seeds.split(",")]
    kept = o.work is not None
    o.work = o.work or tempfile.mkdtemp()
    bench, rows = Bench(o), o.rows or ["foreign", "live", "piano", "own", "folds", "short", "etudes", "silence", "speed", "pan"]
    row = lambda name, value: print(f"| {name} | {value} |", flush=True)
    print("| row | figure |\n|---|---|")
    try:
        if "foreign" in rows:
            row("foreign films", bench.foreign())
        if "live" in rows:
            row("foreign films, --live", bench.foreign("--live"))
        if "piano" in rows:
            loud, _, near, _ = bench.mean_of(find("piano-bach.mp4"), find("piano-furelise.mp4"), None)
            row("one piano to another", f"loudness_r {loud:.2f}, onset_r within a frame {near:.2f}")
        if "own" in rows:
            for film in ("piano-bach.mp4", CARTOON):
                loud, onset, near, l1 = bench.mean_of(bench.film(film), bench.film(film), 4)
                row(f"own blocks, {film}", f"onset_r {onset:.2f} (within a frame {near:.2f}), loudness_r {loud:.2f}, L1 {l1:.2f}")
        if "folds" in rows:
            film = find("piano-bach.mp4")
            loud, onset, near, l1 = np.mean([bench.mean_of(film, film, fold) for fold in range(5)], axis=0)
            row("own blocks, piano-bach.mp4, five folds", f"onset_r within a frame {near:.2f}, loudness_r {loud:.2f}, L1 {l1:.2f}")
        if "short" in rows:
            films = [bench.stretch(*parts) for parts in SHORT]
            for name, options in (("networks alone", ["--follow", "0"]), ("as it is", []), ("motion alone", ["--follow", "1"])):
                scores = [bench.mean_of(film, film, 2, *options) for film in films]
                if o.pairs:
                    print(name, [[round(float(x), 2) for x in s] for s in scores], file=sys.stderr)
                loud, onset, near, l1 = np.mean(scores, axis=0)
                row(f"own blocks of short films, {name}", f"loudness_r {loud:.2f}, onset_r {onset:.2f} (within a frame {near:.2f}), L1 {l1:.2f}")
        for name, title in (("etudes", "drawn films"), ("silence", "black, white, fades"), ("speed", f"{CARTOON}, {CARTOON_SECONDS} s")):
            if name in rows:
                row(title, getattr(bench, name)())
        if "pan" in rows:
            row("a moving camera over its still", bench.pan())
    finally:
        if not kept:
            shutil.rmtree(o.work, ignore_errors=True)


if __name__ == "__main__":
    main()
