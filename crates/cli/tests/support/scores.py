"""Reads scores with other people's libraries, and compares them with our own .json.

scores.py KIND FILE SCORE.json: prints how many events there are; anything that differs ends it with an error.
"""

import json
import math
import os
import re
import subprocess
import sys
from fractions import Fraction
from functools import lru_cache


@lru_cache
def sound_format(file):
    """Rate, channels and frames, as ffprobe reads them."""
    entries = ["-show_entries", "stream=sample_rate,channels,duration_ts", "-of", "json"]
    said = subprocess.run(["ffprobe", "-v", "error", *entries, file], check=True, capture_output=True).stdout
    stream = json.loads(said)["streams"][0]
    return int(stream["sample_rate"]), stream["channels"], stream["duration_ts"]


def check(condition, *said):
    if not condition:
        sys.exit(" ".join(map(str, said)))


def heard(score):
    numbers = sorted({piece["source"] for piece in score["pieces"]})
    return [(n, score["sources"][n]["name"], [p for p in score["pieces"] if p["source"] == n and p["seconds"] > 0]) for n in numbers]


def midi(path, score):
    import mido

    file = mido.MidiFile(path)
    tick = 0.5 / file.ticks_per_beat
    check(file.type == 1 and tick < 0.0006, "a tick lasts", tick)
    tracks = file.tracks[1:]
    parts = heard(score)
    check([t.name.encode("latin-1").decode() for t in tracks] == [name for _, name, _ in parts], "other names")
    notes = set()
    for number, track in enumerate(tracks):
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on":
                check(1 <= message.velocity <= 127 and message.channel != 9, message)
                notes.add((now, message.note, message.channel, number))
        check(abs(now * tick - score["seconds"]) <= tick, "another length:", now * tick)
    one_at_a_time(mido, tracks)
    count = 0
    for number, (source, _, pieces) in enumerate(parts):
        own = {(at, pitch) for at, pitch, _, track in notes if track == number}
        channels = {channel for _, _, channel, track in notes if track == number}
        shared = {(at, pitch) for at, pitch, channel, _ in notes if channel in channels}
        check(len(channels) == 1, "a track on channels", channels)
        for p in pieces:
            onset = (nearest(max(p["at"], 0) / tick), pitch(p, source))
            # A tick earlier is a note of another track on the same channel.
            check(onset in own or len(parts) > 15 and {onset, (onset[0] - 1, onset[1])} & shared, onset, "has no note")
            count += 1
    return count


def nearest(x):
    return math.floor(x + 0.5)


def pitch(piece, source):
    if "pitch_hz" in piece:
        note = 69 + 12 * math.log2(piece["pitch_hz"] / 440)
    else:
        note = 36 + source * 7 % 48 + 12 * math.log2(max(abs(piece["speed"]), 1e-3))
    return min(max(nearest(note), 0), 127)


def one_at_a_time(mido, tracks):
    """In whichever order a player takes the tracks: no note begins that sounds, and none ends that does not."""
    for order in [tracks, tracks[::-1]]:
        sounding = set()
        for message in mido.merge_tracks(order):
            if message.type in ("note_on", "note_off"):
                note = (message.channel, message.note)
                check((note in sounding) == (message.type == "note_off"), message, "while", sounding)
                sounding ^= {note}
        check(not sounding, "notes that never end:", sounding)


def reaper(path, score):
    import rpp

    project = rpp.loads(open(path, encoding="utf-8").read())
    tracks = project.findall("TRACK")
    parts = heard(score)
    check([t.find("NAME")[1] for t in tracks] == [name for _, name, _ in parts], "other names")
    count = 0
    for track, (_, _, pieces) in zip(tracks, parts):
        items = track.findall("ITEM")
        check(len(items) == len(pieces), len(items), "items of", len(pieces))
        for item, piece in zip(items, pieces):
            first, last = piece["envelope"][0][0], piece["envelope"][-1][0]
            for name, wanted in [
                ("POSITION", piece["at"] + first),
                ("LENGTH", last - first),
                ("SOFFS", max(piece["source_at"] + first * piece["speed"], 0)),
                ("PLAYRATE", piece["speed"]),
            ]:
                check(abs(float(item.find(name)[1]) - wanted) < 1e-8, name, item.find(name), "of", piece)
            check(len(item.find("VOLENV").findall("PT")) == len(piece["envelope"]), "another envelope")
            file = os.path.join(os.path.dirname(path), item.find("SOURCE").find("FILE")[1])
            rate, channels, frames = sound_format(file)
            check((rate, channels) == (score["rate"], score["channels"]), "another format")
            check(frames >= (piece["source_at"] + last * piece["speed"]) * score["rate"], file, "is too short")
        count += len(items)
    return count


def edl(path, score):
    import opentimelineio as otio

    text = open(path, encoding="utf-8").read()
    stated = re.search(r"^\* ([0-9.]+) PICTURES A SECOND$", text, re.M)[1]
    rate = Fraction(round(float(stated)) * 1000, 1001) if "." in stated else Fraction(stated)
    check(any(abs(rate - known) < 0.001 for known in [23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60]), rate)
    timeline = otio.adapters.read_from_file(path, rate=float(rate))
    # What the film's timecode says in another library.
    label = score.get("timecode", {"label": "00:00:00:00"})["label"]
    own = Fraction(score["timecode"].get("rate", score["picture_rate"])) if "timecode" in score else rate
    drop = ";" in label
    check(("FCM: DROP FRAME" in text) == drop, "other frames dropped")
    zero = otio.opentime.from_timecode(label, float(own)).value / float(own)
    count = 0
    pictures = lambda seconds: math.floor(max(seconds, 0) * float(rate) + 0.5)
    wanted = {}
    for _, name, pieces in heard(score):
        for p in pieces:
            begin, end = pictures(p["at"]), pictures(p["at"] + p["seconds"])
            if begin < end:
                wanted.setdefault((begin, end - begin), []).append((name, pictures(p["source_at"]), p))
    joined = "GRAINS" in text
    for track in timeline.tracks:
        # The adapter keeps the place of a track's first clip like this.
        begin = -track.source_range.start_time.value if track.source_range else 0
        for clip in track.find_clips():
            at = clip.range_in_parent()
            start = at.start_time.value + begin - zero * float(rate)
            key = (nearest(start), int(at.duration.value))
            check(abs(start - key[0]) < 0.51, clip, "begins at", start)
            source = (clip.name, int(clip.source_range.start_time.value))
            if joined:
                check(any(source[0] == p[0] for ps in wanted.values() for p in ps), clip)
            else:
                found = [p for p in wanted.get(key, []) if p[:2] == source]
                check(found, key, source, "is no piece")
                check(abs(start / float(rate) - max(found[0][2]["at"], 0)) <= 0.5001 / float(rate) + abs(start - key[0]), clip)
                wanted[key].remove(found[0])
            count += 1
    check(joined or not any(wanted.values()), "missing:", wanted)
    return count


def table(path, score):
    import csv

    rows = list(csv.DictReader(open(path, encoding="utf-8", newline="")))
    check(len(rows) == len(score["pieces"]), len(rows), "rows of", len(score["pieces"]))
    for row, piece in zip(rows, score["pieces"]):
        check(row["source"] == score["sources"][piece["source"]]["name"], row)
        for name in ["at", "seconds", "source_at", "speed"]:
            check(abs(float(row[name]) - piece[name]) < 1e-6, row, piece)
        if "why" not in piece:
            # The tail of another piece was not selected by itself.
            check(piece["seconds"] == 0 and row["distance"] == "", row)
            continue
        shares = sum(float(row[name]) for name in ["tone", "loudness", "onset", "picture"])
        check(abs(shares - 1) < 0.01 or float(row["distance"]) == 0, row)
    return len(rows)


kind, path, score = sys.argv[1:]
kinds = {"mid": midi, "rpp": reaper, "edl": edl, "csv": table}
print(kinds[kind](path, json.load(open(score, encoding="utf-8"))))
