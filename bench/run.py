#!/usr/bin/env python3
"""Kinophone's speed and memory, each against its floor or peer in the same run.

usage: python3 bench/run.py [ROW ...] [--film FILM] [--repeats 3] [--work DIR]

Rows: prepare, throughput, film, render, memory, corpus-memory, granular, networks, train, play, mosaic, spectral, sounds, library, library-memory
(default: all).
The floor is ffmpeg decoding the film's pictures to 64x64 grey; the peer is torch_classic.py or, for networks with memory, torch_memory.py (both need torch: pip install torch numpy).
Runs of ours and of the other alternate; figures are medians, and ratios of medians. Prints a Markdown table to standard output.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

from footage import find, footage

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/kinophone"
FLOOR = ["-an", "-vf", "scale=64:64:flags=area,format=gray", "-f", "rawvideo", "-y", os.devnull]


def seconds(command, **more):
    start = time.perf_counter()
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    return time.perf_counter() - start


def peak_rss_mb(command, **more):
    """Peak resident memory of the program itself, without the ffmpeg processes it starts."""
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    peak = 0
    while child.poll() is None:
        try:
            status = Path(f"/proc/{child.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
        except FileNotFoundError:
            pass
        time.sleep(0.05)
    if child.returncode:
        raise SystemExit(f"failed with {child.returncode}: {command}")
    return peak / 1024


def alternate(repeats, ours, theirs):
    """Median of each, run in turns so that a noisy machine is noisy to both."""
    a, b = [], []
    for _ in range(repeats):
        a.append(ours()), b.append(theirs())
    return statistics.median(a), statistics.median(b)


def floor(film):
    return lambda: seconds(["ffmpeg", "-nostdin", "-v", "error", "-i", film, *FLOOR])


class Bench:
    def __init__(self, options, work):
        self.o, self.work, self.rows = options, Path(work), []
        self.cache = self.work / "cache"
        self.env = dict(os.environ, KINOPHONE_CACHE=str(self.cache))

    def row(self, what, against, figure, must, aim):
        line = f"| {what} | {against} | {figure} | {must} | {aim} |"
        print(line, flush=True)

    def fresh(self, name):
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def brain(self):
        """A classic brain, trained just enough to exist."""
        path = self.work / "bench.brain"
        if not path.exists():
            subprocess.run([PROGRAM, "train", self.o.film, "-o", path, "--preset", "classic", "--epochs", "1", "--quiet"], check=True, env=self.env)
        return path

    def prepare(self):
        ours, base = alternate(self.o.repeats, lambda: seconds([PROGRAM, "prepare", self.o.film, "-o", self.fresh("corpus"), "--quiet"]), floor(self.o.film))
        self.row("prepare", f"ffmpeg decoding: {base:.1f} s", f"{ours:.1f} s, ratio **{ours / base:.2f}**", "≤ 1.10", "≤ 0.85")

    def throughput(self):
        build = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", "throughput"]
        subprocess.run(build, check=True, cwd=ROOT)
        for net in "AB":
            for batch in (100, 512):
                for rule in ("adam", "sgd"):
                    a, b = [], []
                    for _ in range(self.o.repeats):
                        args = ["throughput", "--net", net, "--batch", str(batch), "--opt", rule, "--seconds", "5"]
                        a.append(rate([ROOT / "target/release/examples/throughput", *args[1:]]))
                        b.append(rate([sys.executable, ROOT / "bench/torch_classic.py", *args]))
                    ours, peer = statistics.median(a), statistics.median(b)
                    self.row(f"training, net {net}, batch {batch}, {rule}", f"PyTorch: {peer:.0f}/s", f"{ours:.0f}/s, ratio **{ours / peer:.2f}**", "≥ 1.0", "≥ 1.5")

    def film(self):
        out = self.work / "film.wav"

        def ours():
            shutil.rmtree(self.cache, ignore_errors=True)
            brain = self.work / "film.brain"
            train = [PROGRAM, "train", self.o.film, "-o", brain, "--preset", "classic", "--epochs", "10", "--patience", "0", "--force", "--quiet"]
            render = [PROGRAM, "render", brain, self.o.film, "-o", out, "--synth", "raw", "--force", "--quiet"]
            shutil.rmtree(self.work / "film.brain.run", ignore_errors=True)
            return seconds(train, env=self.env) + seconds(render, env=self.env)

        peer = [sys.executable, ROOT / "bench/torch_classic.py", "film", self.o.film, self.work / "peer.wav", "--epochs", "10"]
        ours, base = alternate(self.o.repeats, ours, lambda: seconds(peer))
        self.row("film to soundtrack: prepare, 10 epochs, render", f"torch_classic.py: {base:.1f} s", f"{ours:.1f} s, ratio **{ours / base:.2f}**", "≤ 0.8", "≤ 0.5")

    def render(self):
        brain, out = self.brain(), self.work / "render.mp4"
        shutil.rmtree(self.cache, ignore_errors=True)
        command = [PROGRAM, "render", brain, self.o.film, "-o", out, "--force", "--quiet"]
        ours, base = alternate(self.o.repeats, lambda: seconds(command, env=self.env), floor(self.o.film))
        self.row("render to .mp4", f"ffmpeg decoding: {base:.1f} s", f"{ours:.1f} s, ratio **{ours / base:.2f}**", "≤ 1.25", "≤ 1.0")

    def memory(self):
        brain = self.brain()
        shutil.rmtree(self.cache, ignore_errors=True)
        peaks = []
        for minutes in (10, 75):
            film = self.work / f"{minutes}.mkv"
            loop = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", self.o.film, "-t", str(minutes * 60), "-c", "copy", film]
            subprocess.run([str(c) for c in loop], check=True)
            peaks.append(peak_rss_mb([PROGRAM, "render", brain, film, "-o", self.work / "long.mkv", "--force", "--quiet"], env=self.env))
            film.unlink()
        self.row("resident memory of render", "10 and 75 minutes of film", f"{peaks[0]:.0f} and {peaks[1]:.0f} MB, ratio **{peaks[1] / peaks[0]:.2f}**", "≤ 300 MB, equal within 10 %", "≤ 100 MB")

    def corpus_memory(self):
        # Copies of one shard would not do: a film that comes twice counts once. Reading ten hours takes a while.
        film, corpus = self.work / "hours.mkv", self.fresh("hours")
        loop = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", self.o.film, "-t", "36000", "-c", "copy", film]
        subprocess.run([str(c) for c in loop], check=True)
        subprocess.run([PROGRAM, "prepare", film, "-o", corpus, "--quiet"], check=True)
        film.unlink()
        command = [PROGRAM, "train", corpus, "-o", self.work / "hours.brain", "--preset", "classic", "--minutes", "2", "--force", "--quiet"]
        peak = peak_rss_mb(command, env=dict(self.env, TMPDIR=str(self.work)))
        self.row("resident memory of training", "a 10-hour corpus (a film repeated)", f"**{peak:.0f} MB**", "≤ 1500 MB", "")
        shutil.rmtree(corpus)

    def networks(self):
        build = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", "memory"]
        subprocess.run(build, check=True, cwd=ROOT)
        for net in ("gru", "tcn"):
            a, b = [], []
            for _ in range(self.o.repeats):
                a.append(step_ms([ROOT / "target/release/examples/memory", net]))
                b.append(step_ms([sys.executable, ROOT / "bench/torch_memory.py", net]))
            ours, peer = statistics.median(a), statistics.median(b)
            self.row(f"training step, {net}, 16 windows of 128 ticks", f"PyTorch: {peer:.1f} ms", f"{ours:.1f} ms, ratio **{peer / ours:.2f}**", "≥ 1.0", "≥ 1.5")

    def ensemble(self):
        """The film prepared, and the default brain trained on it: the brain, and the seconds of each training."""
        corpus, path, times = self.work / "prepared", self.work / "default.brain", []
        if not path.exists():
            if not corpus.exists():
                subprocess.run([PROGRAM, "prepare", self.o.film, "-o", corpus, "--size", "128", "--quiet"], check=True, env=self.env)
            for _ in range(self.o.repeats):
                times.append(seconds([PROGRAM, "train", corpus, "-o", path, "--force", "--quiet"], env=self.env))
        return path, times

    def train(self):
        self.work.joinpath("default.brain").unlink(missing_ok=True)
        _, times = self.ensemble()
        self.row("default train, film prepared", "–", f"**{statistics.median(times):.0f} s**", "≤ 240 s", "≤ 60 s")

    def play(self):
        brain, out = self.ensemble()[0], self.work / "play.mp4"
        shutil.rmtree(self.cache, ignore_errors=True)
        command = [PROGRAM, "render", brain, self.o.film, "-o", out, "--force", "--quiet"]
        ours, base = alternate(self.o.repeats, lambda: seconds(command, env=self.env), floor(self.o.film))
        self.row("render with defaults to .mp4", f"ffmpeg decoding: {base:.1f} s", f"{ours:.1f} s, ratio **{ours / base:.2f}**", "≤ 1.4", "≤ 1.1")

    def sounds(self):
        sound = self.work / "sound.wav"
        if not sound.exists():
            ffmpeg("-i", self.o.film, "-map", "0:a:0", sound)
        length = sound.stat().st_size / (2 * 2 * 44100)
        ours, base = alternate(self.o.repeats, lambda: seconds([PROGRAM, "sounds", sound, "-o", self.fresh("sounds"), "--quiet"]), lambda: seconds(["ffmpeg", "-nostdin", "-v", "error", "-i", sound, "-f", "s16le", "-y", os.devnull]))
        self.row("a recording into a library: decoded, cut, described, stored", f"real time (ffmpeg decoding: {base:.1f} s)", f"{ours:.1f} s for {length:.0f} s, **{length / ours:.0f}** ×", "≥ 100 ×", "≥ 300 ×")

    def big_library(self):
        """A library of 100 000 ticks: recordings at nine speeds."""
        folder, library = self.work / "speeds", self.work / "speeds.sounds"
        if not library.exists():
            folder.mkdir(exist_ok=True)
            for k, speed in enumerate((0.7, 0.76, 0.83, 0.91, 1.0, 1.09, 1.19, 1.3, 1.41)):
                for grain in sorted((footage() / "grains").iterdir()):
                    ffmpeg("-i", grain, "-map", "0:a:0", "-af", f"aresample=44100,asetrate={44100 * speed:.0f},aresample=44100", folder / f"{k}-{grain.stem}.wav")
            subprocess.run([str(c) for c in (PROGRAM, "sounds", folder, "-o", library, "--quiet")], check=True, env=self.env)
            shutil.rmtree(folder)
        said = json.loads(subprocess.run([str(c) for c in (PROGRAM, "inspect", library, "--json")], check=True, capture_output=True).stdout)
        return library, said

    def library(self):
        library, _ = self.big_library()
        film, out = self.work / "long.flac", self.work / "long.wav"
        ffmpeg("-stream_loop", "-1", "-i", self.o.film, "-map", "0:a:0", "-t", "4500", film)
        command = [PROGRAM, "revoice", film, "--sounds", library, "-o", out, "--force", "--quiet", "--no-credits"]
        # The first run listens to the film and keeps what it heard.
        seconds(command, env=self.env)
        times = [seconds(command, env=self.env) for _ in range(self.o.repeats)]
        took = statistics.median(times)
        self.row("75 minutes of film from 100 000 units: choice, mosaic, filter, .wav", "real time", f"{took:.0f} s, **{4500 / took:.0f}** ×", "≥ 50 ×", "≥ 200 ×")
        film.unlink(), out.unlink()

    def library_memory(self):
        library, brain, peaks = self.big_library()[0], self.ensemble()[0], []
        shutil.rmtree(self.cache, ignore_errors=True)
        for minutes in (10, 75):
            film = self.work / f"{minutes}.mkv"
            ffmpeg("-stream_loop", "-1", "-i", self.o.film, "-t", minutes * 60, "-c", "copy", film)
            peaks.append(peak_rss_mb([PROGRAM, "render", brain, film, "--sounds", library, "-o", self.work / "long.mkv", "--force", "--quiet"], env=self.env))
            film.unlink()
        self.row("resident memory of render --sounds, 100 000 units", "10 and 75 minutes of film", f"{peaks[0]:.0f} and {peaks[1]:.0f} MB, ratio **{peaks[1] / peaks[0]:.2f}**", "flat", "")

    def granular(self):
        divan("granular")

    def mosaic(self):
        divan("mosaic")

    def spectral(self):
        divan("spectral")


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def divan(name):
    command = ["cargo", "bench", "--quiet", "--profile", "release", "-p", "kinophone-dsp", "--bench", name]
    print(subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout, flush=True)


def step_ms(command):
    """Median milliseconds of a training step: the first number of each line."""
    said = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout
    return statistics.median(float(line.split()[0]) for line in said.splitlines())


def rate(command):
    return json.loads(subprocess.run([str(c) for c in command], check=True, capture_output=True).stdout)["samples_per_s"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows = ["prepare", "throughput", "film", "render", "memory", "corpus-memory", "granular", "networks", "train", "play", "mosaic", "spectral", "sounds", "library", "library-memory"]
    p.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(rows))
    p.add_argument("--film", type=Path, default=find("big-buck-bunny.mp4"))
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--work", type=Path)
    o = p.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet", "--workspace", "--bins"], check=True, cwd=ROOT)
    print("| what | against | measured | must | aim |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=o.work) as work:
        bench = Bench(o, work)
        for name in o.rows or rows:
            getattr(bench, name.replace("-", "_"))()


if __name__ == "__main__":
    main()
