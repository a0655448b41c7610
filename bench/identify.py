#!/usr/bin/env python3
"""Whether works are found again by their sound and pictures: share of excerpts of ten seconds, false finds, time.

usage: python3 bench/identify.py [--hours 1000] [--music FOLDER] [--work FOLDER] [--sound] [--picture] [--seconds 120]

Works are the films of the tests and, with --music, every second file of a folder of recordings (the other ones are never indexed: of
their sound come the unrelated queries, and the other sound that works play under). The index is filled up to so many hours with
landmarks and pictures drawn from the works' own. Of each work a stretch is changed as the table says, and every ten seconds of it are
identified by themselves: an excerpt counts as found if its work is named, at its place within half a second. Unrelated excerpts are
pitched and stretched in many ways; the first half of them stands for choosing the threshold, the second for judging it.
Needs numpy, and `cargo build --release -p kinophone-provenance --example prints`.
"""
import argparse, json, os, subprocess, tempfile
from pathlib import Path

import numpy as np

from footage import ROOT, find, footage

PRINTS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/prints"
RATE = 44_100
SECONDS = 10
SOUND_WORKS = ["big-buck-bunny.mp4", "piano-bach.mp4"]
PICTURE_WORKS = ["big-buck-bunny.mp4", "popeye_sinbad_T00-1.mkv", "popeye_sinbad_T01-2.mkv", "popeye_sinbad_T02-3.mkv", "popeye_sinbad_T03-4.mkv"]


def ffmpeg(*args, data=None):
    done = subprocess.run(["ffmpeg", "-v", "error", "-nostdin" if data is None else "-y", "-y", *map(str, args)], input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout


def prints(*args):
    done = subprocess.run([PRINTS, *map(str, args)], stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def decoded(path, begin=0, seconds=None):
    length = ["-t", seconds] if seconds else []
    raw = ffmpeg("-ss", begin, *length, "-i", path, "-vn", "-ac", 1, "-ar", RATE, "-f", "f32le", "-")
    return np.frombuffer(raw, np.float32)


def rms(x):
    return np.sqrt(np.mean(x.astype(np.float64) ** 2)) + 1e-12


# ------------------------------------------------------------------ changes: of what is played, with its speed

def encoded(*how, extension):
    def change(sound, other, out):
        out = out.with_suffix(extension)
        ffmpeg("-f", "f32le", "-ar", RATE, "-ac", 1, "-i", "-", *how, out, data=sound.astype(np.float32).tobytes())
        return out
    return change


def filtered(graph):
    return encoded("-af", graph, extension=".wav")


def noise(db):
    def change(sound, other, out):
        drawn = np.random.default_rng(1).standard_normal(len(sound))
        return PLAIN(sound + drawn * rms(sound) * 10 ** (-db / 20), other, out)
    return change


def under_other(sound, other, out):
    other = np.resize(other, len(sound))
    return PLAIN(0.5 * (sound + other * rms(sound) / rms(other)), None, out)


def speed(factor):
    return filtered(f"asetrate={RATE * factor:.0f},aresample={RATE}")


PLAIN = encoded(extension=".wav")
SOUND = {  # change, speed, must, aim
    "as it is": (PLAIN, 1, 99.5, 100),
    "AAC 64k": (encoded("-c:a", "aac", "-b:a", "64k", extension=".m4a"), 1, 99.5, 100),
    "Opus 48k": (encoded("-c:a", "libopus", "-b:a", "48k", "-ar", "48000", extension=".opus"), 1, 99.5, 100),
    "low-pass 4 kHz": (filtered("lowpass=4000,lowpass=4000"), 1, 99.5, 100),
    "noise 20 dB": (noise(20), 1, 99.5, 100),
    "noise 10 dB": (noise(10), 1, 95, 98),
    "speed +5 %": (speed(1.05), 1.05, 99, 99.5),
    "speed −5 %": (speed(0.95), 0.95, 99, 99.5),
    "speed +10 %": (speed(1.1), 1.1, 95, 98),
    "speed −10 %": (speed(0.9), 0.9, 95, 98),
    "tempo +5 %": (filtered("atempo=1.05"), 1.05, 95, 98),
    "tempo −5 %": (filtered("atempo=0.95"), 0.95, 95, 98),
    "under equally loud sound": (under_other, 1, 85, 92),
}
PICTURE = {
    "as it is": ("null", 1, 99.5, 100),
    "rescaled to 240 pixels": ("scale=240:-2", 1, 99.5, 100),
    "crf 35": ("null", 1, 99.5, 100),
    "letter- or pillarbox": ("pad='max(iw,ih*16/9)':'max(ih,iw*3/4)':(ow-iw)/2:(oh-ih)/2,setsar=1", 1, 99.5, 100),
    "20 % brighter": ("lutyuv=y='clip(16+(val-16)*1.2,16,235)'", 1, 99.5, 100),
    "20 % darker": ("lutyuv=y='16+(val-16)*0.8'", 1, 99.5, 100),
    "gamma 1.4": ("eq=gamma=1.4", 1, 99.5, 100),
    "24 to 30 a second": ("fps=30", 1, 99.5, 100),
    "PAL speed": ("setpts=PTS*24/25", 25 / 24, 99.5, 100),
    "mirrored": ("hflip", 1, 99, 100),
    "subtitles": ("drawbox=x=iw*0.2:y=ih*0.84:w=iw*0.6:h=ih*0.08:color=white:t=fill:enable='lt(mod(t,4),3)'", 1, 99, 100),
    "logo": ("drawbox=x=iw*0.85:y=ih*0.06:w=iw*0.1:h=ih*0.1:color=white:t=fill", 1, 99, 100),
    "centred crop 10 %": ("crop=iw*0.9:ih*0.9", 1, 99, 100),
    "off-centre crop 5 %": ("crop=iw*0.95:ih*0.95:iw*0.05:ih*0.05", 1, 95, 99),
}


# ------------------------------------------------------------------ tables

class Tally:
    def __init__(self):
        self.count = self.found = self.wrong = self.elsewhere = 0
        self.ms, self.off, self.edges = [], [], []

    def add(self, lines, work, start, speed, seconds=SECONDS):
        for line in lines:
            right = []
            for match in line["matches"]:
                wanted = start + speed * (line["begin"] + match["begin"])
                if match["work"] != work:
                    self.wrong += 1
                elif abs(match["place"] - wanted) < 0.5:
                    right.append((abs(match["place"] - wanted), max(match["begin"], seconds - match["end"])))
                else:
                    self.elsewhere += 1
            self.count += 1
            self.found += bool(right)
            self.ms.append(line["ms"])
            if right:
                self.off.append(min(right)[0])
                self.edges.append(min(right)[1])

    def row(self, name, must, aim):
        share = 100 * self.found / max(self.count, 1)
        off, edge = (np.median(self.off), np.percentile(self.edges, 90)) if self.off else (np.nan, np.nan)
        print(f"| {name} | {self.count} | {share:.1f} | {must} | {aim} | {self.wrong} | {self.elsewhere} | {1000 * off:.0f} | {edge:.2f} | {np.mean(self.ms):.0f} |", flush=True)


HEADER = """| {} | excerpts | found % | must | aim | wrong work | same work elsewhere | median error of place, ms | 90 % of borders within, s | ms |
|---|---|---|---|---|---|---|---|---|---|"""


def sound_table(index, works, others, args, work):
    print(HEADER.format("sound"))
    for name, (change, factor, must, aim) in SOUND.items():
        tally = Tally()
        for number, (title, path) in enumerate(works):
            start = 15
            sound = decoded(path, start, args.seconds)
            if len(sound) < 2 * SECONDS * RATE:
                continue
            other = decoded(others[number % len(others)], 5, args.seconds)
            out = change(sound, other, work / "changed")
            tally.add(prints("identify", index, SECONDS, SECONDS, out), title, start, factor)
            out.unlink()
        tally.row(name, must, aim)


def unrelated_sound(index, others, work):
    """Highest scores of excerpts of what is not indexed, pitched and stretched, every five seconds."""
    halves = [[0, 0], [0, 0]]
    for number, path in enumerate(others):
        sound = decoded(path)
        for factor in (1, 0.87, 1.15):
            out = speed(factor)(sound, None, work / "unrelated")
            for line in prints("identify", index, SECONDS, 5, out):
                half = halves[number % 2]
                half[0] += 1
                half[1] += len(line["matches"])
                for match in line["matches"]:
                    print(f"  {path.name} {factor} {line['begin']}: {match}", flush=True)
            out.unlink()
    print(f"\nunrelated sound: {halves[0][1]} of {halves[0][0]} (for the threshold), {halves[1][1]} of {halves[1][0]} (judged) named\n")


def picture_table(index, works, args, work):
    print(HEADER.format("pictures"))
    for name, (graph, factor, must, aim) in PICTURE.items():
        tally = Tally()
        for title, path in works:
            start, out = (60 if "bunny" in title else 0), work / "changed.mp4"
            quality = 35 if name == "crf 35" else 26
            ffmpeg("-ss", start, "-t", args.seconds, "-i", path, "-an", "-vf", f"scale=-2:480,{graph},scale='trunc(iw/2)*2':'trunc(ih/2)*2'", "-c:v", "libx264", "-preset", "ultrafast", "-crf", quality, out)
            tally.add([line for line in prints("identify", index, SECONDS, SECONDS, out) if line["kind"] == "picture"], title, start, factor)
        tally.row(name, must, aim)


def unrelated_pictures(index, works, work):
    """Excerpts of the works upside down, and of films that are not indexed."""
    count = named = 0
    films = [path for _, path in works]
    foreign = [find(name) for name in ("crystal.mp4", "frog.mp4", "piano-furelise.mp4")]
    for path, graph in [(path, "vflip") for path in films] + [(path, "null") for path in foreign]:
        out = work / "unrelated.mp4"
        ffmpeg("-i", path, "-an", "-vf", f"scale=-2:240,{graph}", "-c:v", "libx264", "-preset", "ultrafast", out)
        for line in prints("identify", index, SECONDS, 1, out):
            count += 1
            named += len(line["matches"])
            for match in line["matches"]:
                print(f"  {path.name} {graph} {line['begin']}: {match}", flush=True)
    print(f"\nunrelated pictures: {named} of {count} named\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=int, default=1000)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--sound", action="store_true")
    parser.add_argument("--picture", action="store_true")
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp())
    work.mkdir(exist_ok=True)
    music = sorted(path for path in args.music.rglob("*") if path.suffix in (".ogg", ".flac", ".mp3", ".wav", ".opus")) if args.music else []
    sound_works = [(name, find(name)) for name in SOUND_WORKS] + [(path.name, path) for path in music[::2]]
    others = music[1::2] + sorted((footage() / "grains").glob("Kevin*")) + sorted((footage() / "grains").glob("Hung*"))
    picture_works = [(name, find(name)) for name in PICTURE_WORKS]
    files = []
    for name, path in dict(sound_works + picture_works).items():
        files.append(work / f"{name}.print")
        if not files[-1].exists():
            prints("add", path, name, files[-1])
    index = work / f"{args.hours}.index"
    if not index.exists():
        print(prints("index", index, args.hours, *files)[0], flush=True)
    both = args.sound == args.picture
    if args.sound or both:
        sound_table(index, sound_works, others, args, work)
        unrelated_sound(index, others, work)
    if args.picture or both:
        picture_table(index, picture_works, args, work)
        unrelated_pictures(index, picture_works, work)
    ten = prints("identify", index, 0, 1, find("big-buck-bunny.mp4"))
    for line in ten:
        print(f"{line['kind']} of ten minutes, all speeds: {line['ms']:.0f} ms, {len(line['matches'])} stretches: {line['matches'][:4]}")


main()
