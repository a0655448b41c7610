#!/usr/bin/env python3
"""Shows that a change to the program's code changes no byte of what the program makes.

usage: python3 bench/same_bytes.py record PROGRAM -o FOLDER [--films FOLDER] [--grains FOLDER] [--inputs RECORDED] [--only CASE,...]
       python3 bench/same_bytes.py compare BEFORE/hashes.json AFTER/hashes.json [--without GLOB]

`record` runs a fixed list of commands (CASES below; four to six minutes on two cores), one after the other, in FOLDER/work, and
writes the SHA-256 of every file that each of them made to FOLDER/hashes.json, with exit codes and seconds. All names on the command
lines are relative and the cache lies in FOLDER too, so that two recordings in different folders are comparable and share nothing.
`compare` prints a line for each case, names the files that differ, and exits with 1 if any does. FOLDER/work is kept, so that both
versions of a file can be looked at. Seconds are shown by `record` and not compared.

Inputs are synthesized by ffmpeg (films with cuts, recordings), written by this script (a network in the format of 2015), and drawn by
PROGRAM itself (`kinophone demo`, a case of its own). With --inputs, the etudes that the other cases use come from an earlier recording
instead: use it once `demo` draws others. --films names a folder with frog.mp4, --grains one with recordings; without both, the cases that
begin with `real-` are left out.

What is hashed, besides whole files:
- `FILE (numbers)`: the tensors of a safetensors file (brain, shard) without its header. Where only the whole file differs, the weights are the
  same and the facts about them are not.
- `FILE (packets)`, `FILE (tags)`: the packets of a film or sound file with their times, and its tags.
- `said/CASE.json`: what the command wrote to standard output with --json, or `said/CASE.txt` without. `compare --without 'said/*'` ignores that.

What is not compared, because the clock decides it:
- the date in report.json, index.html and gallery.json, which is removed before hashing;
- in metrics.jsonl the fields `samples_per_s` and `seconds`, which are removed before hashing;
- of the checkpoints in a run's folder, all but the numbers of the newest: headers hold the seconds that the run took, and when an earlier one
  is written, and so how many there are, depends on the machine's pace.

What is not compared, because ffmpeg draws it by chance: Matroska files (.mkv, .webm) as a whole. Their muxer gives segment and tracks random
identifiers; packets and tags are compared.

Needs Python 3 and ffmpeg. The bytes depend on the machine's instruction set and on ffmpeg's version: record both programs on one machine.
Brains with memory also depend on the number of threads, which is therefore set to 2.
"""
import argparse, array, fnmatch, hashlib, json, os, random, re, shlex, shutil, struct, subprocess, sys, time
from pathlib import Path

# A name and a command line of the program, for each case. The order matters: later cases use what earlier ones made.
CASES = """
demo                  demo -o demo --seconds 60 --minutes 60

prepare               prepare inputs/cuts.mkv etudes/etude-2.mp4 -o shards --licence CC0-1.0 --author A.Toner --title Cuts
prepare-colour        prepare inputs/cuts.mkv -o colour-shards --size 32 --colour
sounds                sounds inputs/sounds -o lib --licence CC0-1.0 --author A.Toner --source https://example.org
sounds-onsets         sounds inputs/sounds -o lib-onsets --cut onsets
sounds-grains         sounds inputs/sounds/rain.flac inputs/cuts.mkv -o lib-grains --cut grains --grain-ms 400

train                 train etudes/etude-1.mp4 -o ensemble.brain --steps 40 --seed 3
train-colour          train inputs/cuts.mkv -o colour.brain --steps 25 --no-live --see motion,appearance,colour --region whole --net gru,memory --hold-out none
train-sights          train shards -o sights.brain --steps 15 --no-live --no-sound --see appearance,fft2,grey,pca:8,past:3 --region 0.25,0,0.5,1 --net mlp,tcn --variations 2 --tick 25
train-classic         train etudes/etude-1.mp4 -o classic.brain --preset classic --epochs 3
train-rbm             train etudes/etude-1.mp4 -o rbm.brain --layers 150,80 --activation sigmoid --pretrain rbm --pretrain-epochs 2 --epochs 3 --patience 2
train-nesterov        train colour-shards -o nesterov.brain --layers 60 --size 32 --colour --optimizer nesterov --decay none --batch 32 --epochs 3 --hops 2 --rate 16000 --tick 24 --silence 5
train-resume          train colour-shards -o nesterov.brain --layers 60 --size 32 --colour --optimizer nesterov --decay none --batch 32 --epochs 5 --hops 2 --rate 16000 --tick 24 --silence 5 --resume
train-stft            train etudes/etude-1.mp4 -o stft.brain --layers 80 --say stft --epochs 4 --lr 0.003
train-stft-phase      train etudes/etude-1.mp4 -o stft-phase.brain --layers 80 --say stft-phase --epochs 4 --lr 0.003
import                import inputs/2015.net.pkl -o imported.brain

mosaic                render ensemble.brain etudes/etude-2.mp4 -o mosaic.wav
mosaic-film           render ensemble.brain etudes/etude-2.mp4 -o mosaic.mp4 --keep-original -12
mosaic-flac           render colour.brain inputs/cuts.mkv -o colour.flac --tone 0.9 --attack 0.2 --seed 7
mosaic-mov            render ensemble.brain etudes/etude-2.mp4 -o mosaic.mov --codec pcm --loudness -16
mosaic-mkv            render colour.brain inputs/cuts.mkv -o colour.mkv --codec opus --attack 0 --no-credits
granular              render ensemble.brain etudes/etude-2.mp4 -o granular.wav --synth granular
granular-many         render ensemble.brain etudes/etude-2.mp4 -o granular-many.wav --synth granular --size-ms 60 --density 4 --envelope tukey:0.5 --pitch 0.8 --pitch-spread 3 --children 1 --drive 0.5 --seed 2
granular-blocks       render classic.brain etudes/etude-2.mp4 -o granular-blocks.wav --synth granular
granular-2015         render classic.brain etudes/etude-2.mp4 -o granular-2015.wav --synth granular-2015
spectral              render ensemble.brain etudes/etude-2.mp4 -o spectral.wav --synth spectral
spectral-no-sound     render sights.brain inputs/cuts.mkv -o sights.mkv
windowed              render classic.brain etudes/etude-2.mp4 -o windowed.wav --synth windowed
windowed-hops         render nesterov.brain inputs/cuts.mkv -o nesterov.wav
raw                   render classic.brain etudes/etude-2.mp4 -o raw.wav --synth raw --loudness off
raw-rbm               render rbm.brain etudes/etude-2.mp4 -o rbm.wav --synth raw
live                  render ensemble.brain etudes/etude-2.mp4 -o live.wav --live
live-at-once          render ensemble.brain etudes/etude-2.mp4 -o live-0.wav --live --delay 0
live-spectral         render ensemble.brain etudes/etude-2.mp4 -o live-spectral.wav --live --synth spectral
live-library          render ensemble.brain etudes/etude-2.mp4 -o live-library.wav --live --delay 6 --sounds lib
phase-random-walk     render ensemble.brain etudes/etude-2.mp4 -o random-walk.wav --phase random-walk --seed 4
phase-griffin-lim     render ensemble.brain etudes/etude-2.mp4 -o griffin-lim.wav --phase griffin-lim
phase-lent            render ensemble.brain etudes/etude-2.mp4 -o lent.wav --phase inputs/sounds/rain.flac
magnitudes            render stft.brain etudes/etude-2.mp4 -o stft.wav
magnitudes-lent       render stft.brain etudes/etude-2.mp4 -o stft-lent.wav --phase inputs/sounds/chords.wav
magnitudes-and-phases render stft-phase.brain etudes/etude-2.mp4 -o stft-phase.wav
imported              render imported.brain etudes/etude-2.mp4 -o imported.wav --synth raw
loudness              render ensemble.brain etudes/etude-2.mp4 -o loudness.wav --loudness -18
superimpose           render ensemble.brain etudes/etude-2.mp4 -o superimpose.wav --superimpose 2
choice                render ensemble.brain etudes/etude-2.mp4 -o choice.wav --like rhythm --weights tone=2,flow=0.5 --repeat-after 3
library               render ensemble.brain etudes/etude-2.mp4 -o library.wav --sounds lib --unmatched=tone
library-granular      render ensemble.brain etudes/etude-2.mp4 -o library-granular.wav --sounds lib-onsets --synth granular
library-shards        render ensemble.brain etudes/etude-2.mp4 -o library-shards.wav --sounds shards --like flow
by-shot               render colour.brain inputs/cuts.mkv -o by-shot.wav --sounds lib --by-shot

scores                render ensemble.brain etudes/etude-2.mp4 -o scores.mp4 --sounds lib --score s.json --score s.csv --score s.csd --score s.rpp --score s.mid --score s.edl
scores-granular       render ensemble.brain etudes/etude-2.mp4 -o scores-granular.wav --synth granular --loudness -24 --score g.json --score g.csd --score g.rpp
credits               credits scores.mp4
credits-text          credits s.json > credits.txt
credits-markdown      credits s.json --markdown > credits.md

revoice               revoice inputs/cuts.mkv --sounds lib -o revoice.mkv --score r.json --score r.csd
revoice-melody        revoice inputs/cuts.mkv --sounds lib -o melody.wav --tune 2 --like melody
revoice-live          revoice etudes/etude-2.mp4 --sounds lib-onsets -o revoice-live.wav --delay 4 --superimpose 2
revoice-by-shot       revoice inputs/cuts.mkv --sounds lib -o revoice-by-shot.flac --by-shot --tone 0 --attack 0
texture-strings       texture inputs/cuts.mkv --sounds lib -o strings.mp4 --preset strings --score t.json --score t.csd --pictures texture-look
texture-percussion    texture inputs/cuts.mkv --sounds lib-onsets -o percussion.wav --preset percussion --sections off --seed 5
texture-drone         texture etudes/etude-2.mp4 --sounds lib -o drone.wav --preset drone --loudness -20
texture-inverse       texture inputs/cuts.mkv --sounds lib -o inverse.flac --preset inverse
mapping               texture --print-mapping inverse > mapping.toml

inspect-brain         inspect ensemble.brain --pictures look-ensemble
inspect-classic       inspect classic.brain --pictures look-classic
inspect-film          inspect inputs/cuts.mkv --pictures look-film
inspect-shards        inspect shards --pictures look-shards
inspect-library       inspect lib
card                  inspect ensemble.brain --card -o ensemble.md
card-classic          inspect classic.brain --card > classic.md
eval                  eval ensemble.brain -o report --keep-sound
eval-classic          eval classic.brain inputs/cuts.mkv -o report-classic
gallery               gallery colour.brain classic.brain inputs/cuts.mkv -o gallery
"""

# With --films and --grains.
REAL_CASES = """
real-grains           sounds grains -o grains.sounds
real-train            train inputs/frog.mp4 -o frog.brain --steps 40
real-render           render frog.brain inputs/frog.mp4 -o frog.mp4
real-library          render frog.brain inputs/frog.mp4 -o frog.wav --sounds grains.sounds --score frog.json
real-revoice          revoice inputs/frog.mp4 --sounds grains.sounds -o frog-revoiced.wav --tune 2
"""

# Four shots that look different and move, each with a sound of its own: notes that fade, beeps, noise in pulses, a glide in stereo.
SHOTS = [
    ("testsrc2=size=160x120:rate=25", "aevalsrc=0.4*sin(2*PI*(200+37*floor(t*2.5))*t)*exp(-4*mod(t\\,0.4)):s=44100"),
    ("mandelbrot=size=160x120:rate=25", "sine=frequency=330:beep_factor=3:sample_rate=44100"),
    ("color=0x402010:size=160x120:rate=25,geq=r='128+100*sin(N/4+X/20)':g='60+Y/2':b='N*3'", "anoisesrc=a=0.2:r=44100:seed=4,tremolo=f=2:d=0.9"),
    ("life=size=160x120:rate=25:mold=10:seed=3:ratio=0.3:death_color=0xC83232:life_color=0x00C8FF", "aevalsrc=0.3*sin(2*PI*(300+80*t)*t)|0.2*sin(2*PI*277*t)*mod(t\\,1):s=44100"),
]
SHOT_SECONDS = 5

RECORDINGS = {
    "bell.wav": "aevalsrc=0.5*sin(2*PI*700*t)*exp(-4*mod(t\\,1.3))|0.4*sin(2*PI*700*t)*exp(-5*mod(t\\,1.3)):s=44100:d=6",
    "rain.flac": "anoisesrc=a=0.2:r=44100:seed=4:d=6,tremolo=f=2:d=0.9",
    "chords.wav": "aevalsrc=0.2*sin(2*PI*220*t)+0.1*sin(2*PI*(331+20*floor(t))*t)|0.2*sin(2*PI*277*t)*mod(t\\,1):s=44100:d=6",
    "low/drum.wav": "aevalsrc=0.7*sin(2*PI*(60+40*exp(-20*mod(t\\,0.5)))*t)*exp(-9*mod(t\\,0.5)):s=48000:d=5",
}

MATROSKA = {".mkv", ".webm"}
FILMS = {*MATROSKA, ".mp4", ".mov", ".avi", ".wav", ".flac"}
DATED = {"report.json", "index.html", "gallery.json"}
DATE = re.compile(rb'"date": ?"\d{4}-\d\d-\d\d",?')
PACE = re.compile(rb',?"(samples_per_s|seconds)":[-+.e0-9]+')


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def make_inputs(folder):
    """The film with cuts, the recordings and the network of 2015."""
    exact = ["-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1"]
    for name, source in RECORDINGS.items():
        file = folder / "sounds" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg("-f", "lavfi", "-i", source, "-c:a", "flac" if file.suffix == ".flac" else "pcm_s16le", *exact, file)
    sources, ends = [], ""
    for i, (picture, sound) in enumerate(SHOTS):
        sources += ["-f", "lavfi", "-t", SHOT_SECONDS, "-i", picture, "-f", "lavfi", "-t", SHOT_SECONDS, "-i", sound]
        ends += f"[{2 * i + 1}:a]aformat=sample_fmts=fltp:channel_layouts=stereo[a{i}];[{2 * i}:v]format=yuv420p,setsar=1[v{i}];"
    joined = "".join(f"[v{i}][a{i}]" for i in range(len(SHOTS)))
    graph = f"{ends}{joined}concat=n={len(SHOTS)}:v=1:a=1[v][a]"
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"]
    ffmpeg(*sources, "-filter_complex", graph, "-map", "[v]", "-map", "[a]", *codecs, *exact, folder / "cuts.mkv")
    (folder / "2015.net.pkl").write_bytes(network_of_2015())


def network_of_2015():
    """A network 4096-12-735 as Python 2 and theanets 0.4 pickled it, in opcodes, since neither they nor numpy are needed for this."""
    chance = random.Random(2015)

    def numbers(rows, columns, scale, middle=0.0):
        values = array.array("f", (middle + scale * (2 * chance.random() - 1) for _ in range(rows * (columns or 1))))
        if sys.byteorder == "big":
            values.byteswap()
        shape = b"".join(b"J" + struct.pack("<i", side) for side in ([rows, columns] if columns else [rows]))
        kind = b"cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        data = values.tobytes()
        return made + b"(K\x01(" + shape + b"t" + kind + b"\x89T" + struct.pack("<I", len(data)) + data + b"tb"

    weights = numbers(4096, 12, 0.03) + numbers(12, 735, 0.05)
    biases = numbers(12, 0, 0.1) + numbers(735, 0, 0.05, 0.5)
    sizes = b"".join(b"J" + struct.pack("<i", n) for n in (4096, 12, 735))
    items = b"U\x07weights(" + weights + b"lU\x06biases(" + biases + b"lU\x05klassctheanets.feedforward\nRegressor\n"
    return b"\x80\x02}(" + items + b"U\x06kwargs}U\x06layers(" + sizes + b"tsu."


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def told_by_ffmpeg(file, *words):
    """A hash of what ffmpeg writes of a file, or nothing where it can't read it."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", file, *words, "-"], capture_output=True)
    return sha256(done.stdout) if done.returncode == 0 else None


def numbers(data):
    """The tensors of a safetensors file, or nothing where it is none."""
    if len(data) < 9 or data[8:9] != b"{":
        return None
    length = int.from_bytes(data[:8], "little")
    return data[8 + length :] if 8 + length < len(data) else None


def checkpoint_hashes(file, name):
    """Of the newest in its folder, the numbers, under a name without its count."""
    if file != max(file.parent.glob("checkpoint-*")):
        return {}
    return {f"{Path(name).parent.as_posix()}/newest checkpoint (numbers)": sha256(numbers(file.read_bytes()) or b"")}


def hashes_of(file, name):
    """What is compared of a file: a name and a hash for each part."""
    if file.name.startswith("checkpoint-"):
        return checkpoint_hashes(file, name)
    data = file.read_bytes()
    if file.name in DATED:
        data = DATE.sub(b"", data)
    if file.name == "metrics.jsonl":
        data = PACE.sub(b"", data)
    found = {} if file.suffix in MATROSKA else {name: sha256(data)}
    if (tensors := numbers(data)) is not None:
        found[f"{name} (numbers)"] = sha256(tensors)
    elif file.suffix in FILMS:
        found[f"{name} (packets)"] = told_by_ffmpeg(file, "-map", "0", "-c", "copy", "-f", "framehash")
        found[f"{name} (tags)"] = told_by_ffmpeg(file, "-f", "ffmetadata")
    return found


class Recording:
    """A folder in which cases run one after the other, and what each of them made."""

    def __init__(self, program, folder):
        self.program, self.folder, self.work = program, folder, folder / "work"
        self.cases, self.seen = {}, {}
        private = {name: folder / "home" / name.lower() for name in ["XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TMPDIR"]}
        for place in [self.work / "said", *private.values()]:
            place.mkdir(parents=True)
        keep = {name: value for name, value in os.environ.items() if not name.startswith("KINOPHONE_")}
        own = {"HOME": folder / "home", "KINOPHONE_CACHE": self.work / "cache", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "RAYON_NUM_THREADS": "2"}
        self.env = {**keep, **{name: str(value) for name, value in {**private, **own}.items()}}

    def new_files(self):
        """Files that were not there, or not like this, when this was last asked."""
        there = {}
        for file in self.work.rglob("*"):
            name = file.relative_to(self.work).as_posix()
            if file.is_file():
                stat = file.stat()
                there[name] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        new = sorted(name for name, state in there.items() if self.seen.get(name) != state)
        self.seen = there
        return new

    def add(self, case, exit_code, seconds):
        files = {}
        for name in self.new_files():
            files.update(hashes_of(self.work / name, name))
        self.cases[case] = {"exit": exit_code, "seconds": round(seconds, 2), "files": files}

    def take_etudes(self, source):
        (self.work / "etudes").mkdir()
        for etude in ["etude-1.mp4", "etude-2.mp4"]:
            if (source / etude).exists():
                shutil.copyfile(source / etude, self.work / "etudes" / etude)
        self.add("etudes", 0, 0.0)

    def run(self, case, line):
        words, _, file = line.partition(" > ")
        words = shlex.split(words) + (["--quiet"] if file else ["--quiet", "--json"])
        out = self.work / (file or f"said/{case}.json")
        start = time.perf_counter()
        with open(out, "wb") as said:
            done = subprocess.run([self.program, *words], cwd=self.work, env=self.env, stdout=said, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.add(case, done.returncode, time.perf_counter() - start)
        print(f"{case}: exit {done.returncode}, {self.cases[case]['seconds']:.1f} s, hashes: {len(self.cases[case]['files'])}", flush=True)
        if done.returncode:
            print(done.stderr.decode(errors="replace").strip(), (self.work / out).read_text(errors="replace").strip(), sep="\n", file=sys.stderr)


def cases_of(text):
    return [tuple(line.split(None, 1)) for line in text.strip().splitlines() if line.strip()]


def record(options):
    folder = options.output.resolve()
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: remove it, or name another folder")
    program = shutil.which(options.program) or sys.exit(f"{options.program} is no program")
    recording = Recording(str(Path(program).resolve()), folder)
    inputs, cases = recording.work / "inputs", cases_of(CASES)
    start = time.perf_counter()
    make_inputs(inputs)
    if options.films:
        ffmpeg("-i", options.films / "frog.mp4", "-t", "12", "-c", "copy", "-fflags", "+bitexact", inputs / "frog.mp4")
    if options.grains:
        shutil.copytree(options.grains, recording.work / "grains", copy_function=shutil.copyfile)
    if options.films and options.grains:
        cases += cases_of(REAL_CASES)
    recording.add("inputs", 0, time.perf_counter() - start)
    if options.only:
        cases = [(case, line) for case, line in cases if any(fnmatch.fnmatch(case, pattern) for pattern in options.only.split(","))]
    # The etudes have a folder of their own, so that whatever else `demo` makes, the other cases find the same films.
    if options.inputs:
        recording.take_etudes(options.inputs / "work/etudes")
    for case, line in cases:
        recording.run(case, line)
        if case == "demo" and not options.inputs:
            recording.take_etudes(recording.work / "demo")
    (folder / "hashes.json").write_text(json.dumps(recording.cases, indent=1) + "\n")
    failed = [case for case, made in recording.cases.items() if made["exit"]]
    seconds = sum(made["seconds"] for made in recording.cases.values())
    print(f"{len(recording.cases)} cases in {seconds:.0f} s, {len(failed)} of them failed: {folder / 'hashes.json'}")
    return 1 if failed else 0


def difference(before, after, without):
    """Words for what differs between two runs of a case; empty where nothing does."""
    if before is None or after is None:
        return "missing " + ("before" if before is None else "after")
    words = [f"exit code {before['exit']}, then {after['exit']}"] if before["exit"] != after["exit"] else []
    old, new = before["files"], after["files"]
    for name in sorted(old.keys() | new.keys()):
        if any(fnmatch.fnmatch(name, pattern) for pattern in without) or old.get(name) == new.get(name):
            continue
        words.append(name + (" (new)" if name not in old else " (gone)" if name not in new else ""))
    return "; ".join(words)


def compare(options):
    try:
        before, after = (json.loads(path.read_text()) for path in (options.before, options.after))
    except (OSError, ValueError) as e:
        sys.exit(f"{e}: name two files hashes.json that 'record' wrote")
    failed = 0
    names = list(dict.fromkeys([*before, *after]))
    for case in names:
        found = difference(before.get(case), after.get(case), options.without)
        failed += bool(found)
        missing = found.startswith("missing")
        print(f"{case}: " + ("same" if not found else found if missing else f"DIFFERENT: {found}"))
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = p.add_subparsers(required=True, metavar="record|compare")
    r = commands.add_parser("record", help="run every case and write its hashes")
    r.add_argument("program", metavar="PROGRAM", help="the kinophone to run")
    r.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="a new or empty folder")
    r.add_argument("--films", type=Path, metavar="FOLDER", help="a folder with frog.mp4")
    r.add_argument("--grains", type=Path, metavar="FOLDER", help="a folder with recordings")
    r.add_argument("--inputs", type=Path, metavar="RECORDED", help="take the etudes from this recording instead of drawing them")
    r.add_argument("--only", metavar="CASE,...", help="only these cases; may contain * and ?")
    r.set_defaults(run=record)
    c = commands.add_parser("compare", help="compare two recordings")
    c.add_argument("before", type=Path, metavar="BEFORE/hashes.json")
    c.add_argument("after", type=Path, metavar="AFTER/hashes.json")
    c.add_argument("--without", action="append", default=[], metavar="GLOB", help="do not compare files with such names; may be given several times")
    c.set_defaults(run=compare)
    options = p.parse_args()
    sys.exit(options.run(options))


if __name__ == "__main__":
    main()
