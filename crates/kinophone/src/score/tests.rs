use crate::ledger::{Field, Terms};
use crate::score::*;
use std::path::Path;

fn source(name: &str) -> CreditedSource {
    CreditedSource { name: name.to_owned(), blake3: "0".repeat(64), seconds: None, terms: Terms::default() }
}

fn clip(at: f64, seconds: f64, source: usize, level_db: f64) -> ClipEvent {
    ClipEvent {
        at,
        seconds,
        source,
        source_at: 1.5,
        speed: 1.0,
        pitch_hz: None,
        pan: 0.0,
        layer: 0,
        gain_db: -2.0,
        level_db,
        envelope: vec![[-0.01, 0.0], [0.0, 1.0], [seconds, 1.0]],
        why: Some(SelectionReason {
            distance: 2.0,
            jump: true,
            tone: 0.5,
            loudness: 0.25,
            onset: 0.25,
            picture: 0.0,
            pitch: 0.0,
        }),
    }
}

fn about(seconds: f64) -> ScoreHeader {
    ScoreHeader {
        film: Some("film.mp4".into()),
        brain: None,
        seconds,
        rate: SampleRate::new(48_000).unwrap(),
        channels: 1,
        source_channels: 1,
        picture_rate: Some(FrameRate::new(25, 1).unwrap()),
        timecode: None,
        gain_db: 0.0,
        filtered: false,
        original_db: None,
    }
}

fn score() -> Score {
    let sources = ["quiet", "unheard", "loud, \"x\""].map(source).to_vec();
    let clips = vec![clip(0.0, 1.0, 0, -30.0), clip(1.0, 2.0, 2, -20.0), clip(3.0, 1.0, 0, -30.0)];
    Score::new(about(4.0), sources, clips)
}

#[test]
fn credits_share_out_the_energy() {
    let credits = score().credits();
    let told: Vec<(&str, f64, f64)> =
        credits.credits.iter().map(|c| (&*c.source.name, c.seconds, c.first)).collect();
    assert_eq!(told, [("loud, \"x\"", 2.0, 1.0), ("quiet", 2.0, 0.0)]);
    let shares: Vec<f64> = credits.credits.iter().map(|c| c.share).collect();
    assert!((shares[0] - 20.0 / 22.0).abs() < 1e-9 && (shares[1] - 2.0 / 22.0).abs() < 1e-9);
    assert_eq!(credits.credits[1].times, [[0.0, 1.0], [3.0, 4.0]]);
}

#[test]
fn seconds_are_those_in_which_something_sounds_however_often() {
    let mut tally = CreditTally::default();
    for (at, seconds) in [(2.0, 1.0), (0.0, 0.5), (0.25, 0.5), (0.75, 0.25), (2.5, 0.1), (2.9, 0.6)] {
        tally.add(&clip(at, seconds, 0, -20.0));
    }
    let credits = tally.credits(&about(4.0), &[source("a")]);
    assert!((credits.credits[0].seconds - 2.5).abs() < 1e-9, "{credits:?}");
    assert_eq!(credits.credits[0].times, [[0.0, 1.0], [2.0, 3.5]]);
}

#[test]
fn what_is_written_is_read_and_what_is_wrong_is_refused() {
    let score = score();
    assert_eq!(
        score.csv().lines().nth(2),
        Some(
            "1.000000,2.000000,\"loud, \"\"x\"\"\",1.500000,-2.00,-20.00,1.000000,,0.000,0,2.0000,1,0.500,0.250,0.250,0.000,0.000"
        )
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.json");
    std::fs::write(&file, score.json()).unwrap();
    assert_eq!(Score::read(&file).unwrap(), score);
    let none = Score::new(about(1.0), Vec::new(), Vec::new());
    std::fs::write(&file, none.json()).unwrap();
    assert_eq!(Score::read(&file).unwrap(), none);
    let mut endless = score.clone();
    endless.clips[0].seconds = 1e300;
    // Too large for the number of single precision that it is read into.
    let wide = score.json().replacen("\"pan\":0.0", "\"pan\":1e39", 1);
    assert!(wide.contains("1e39"));
    let newer = Score { version: 3, ..score.clone() };
    let lost = Score { sources: Vec::new(), ..score };
    let written = [newer, lost, endless].map(|score| serde_json::to_string(&score).unwrap());
    for wrong in written.into_iter().chain([wide, "{}".to_owned()]) {
        std::fs::write(&file, wrong).unwrap();
        assert_eq!(Score::read(&file).unwrap_err().kind(), Kind::Damaged);
    }
}

#[test]
fn what_lies_beyond_the_end_is_cut_off() {
    let clips = vec![clip(0.0, 3.0, 0, -20.0), clip(2.005, 1.0, 0, -20.0)];
    let score = Score::new(about(2.0), vec![source("a")], clips);
    assert_eq!(score.clips.len(), 1);
    assert_eq!((score.clips[0].seconds, score.clips[0].span()), (2.0, (0.0, 2.0)));
}

#[test]
fn titles_and_tables_name_everybody() {
    let mut toner = source("a|b.wav");
    (toner.terms.author, toner.terms.origin) = (Some("A. Toner".into()), Some("https://example.org".into()));
    let mut tally = CreditTally::default();
    for k in 0..5 {
        tally.add(&clip(3661.0 + 10.0 * f64::from(k), 2.0, 0, -20.0));
    }
    let credits = tally.credits(&about(4000.0), &[toner]);
    let times = "from 1:01:01 to 1:01:03, 1:01:11 to 1:01:13, 1:01:21 to 1:01:23, and 2 more times";
    assert_eq!(
        credits.titles(),
        format!(
            "a|b.wav by A. Toner (terms unknown), https://example.org\n  10.0 seconds, 100.0 % of the sound, {times}\n"
        )
    );
    let last = format!("| a\\|b.wav | A. Toner | unknown | https://example.org | 10.0 | 100.0 % | {times} |");
    assert_eq!(credits.markdown().lines().last(), Some(&*last));
}

#[test]
fn tags_take_their_room_exactly() {
    let many: Vec<CreditedSource> = (0..300).map(|k| source(&format!("source \"{k}\""))).collect();
    for sources in [&many[..0], &many[..1], &many[..20], &many] {
        let room = Credits::placeholder(&about(4.0), sources, "0123456789abcdef");
        assert!(room.len() <= 16_000 && serde_json::from_str::<serde_json::Value>(&room).is_ok());
        assert_eq!(Credits::of_tag(&room), None, "room is no credits");
        let mut tally = CreditTally::default();
        (0..sources.len()).for_each(|k| tally.add(&clip(k as f64 / 100.0, 1.0 / 3.0, k, -20.0)));
        let credits = tally.credits(&about(4.0), sources);
        let tag = credits.tag(&room);
        assert_eq!(tag.len(), room.len());
        let read = Credits::of_tag(&tag).unwrap();
        assert_eq!(read.credits.len() + read.left_out, sources.len());
        assert_eq!(read.left_out > 0, sources.len() == 300);
        assert!(read.titles().contains("has no room") == (sources.len() == 300));
    }
}

#[test]
fn credits_in_a_tag_are_told_from_what_the_owner_wrote() {
    let credits = CreditTally::default().credits(&about(4.0), &[]);
    let tag = credits.tag("");
    let shared = format!("(c) 1999 A. Owner\nAll rights reserved.\n{tag}");
    assert_eq!(Credits::of_tag(&shared), Credits::of_tag(&tag));
    assert!(Credits::of_tag(&shared).is_some());
    assert_eq!(Credits::others_in_tag(&shared), "(c) 1999 A. Owner\nAll rights reserved.");
    assert_eq!(Credits::others_in_tag(&format!("C\n{tag}\n{tag}")), "C");
    assert_eq!(Credits::others_in_tag(&tag[..40]), "", "cut credits are ours all the same");
    let quoted = format!("like {tag}");
    assert_eq!((Credits::of_tag(&quoted), Credits::others_in_tag(&quoted)), (None, quoted.as_str()));
}

#[test]
fn what_sounds_before_the_beginning_is_cut_off() {
    let mut across = clip(-0.5, 2.0, 0, -20.0);
    across.speed = 2.0;
    across.envelope = vec![[-0.01, 0.0], [0.0, 1.0], [1.0, 0.5], [2.0, 0.5]];
    let fades_in = clip(0.004, 1.0, 0, -20.0);
    let over = clip(-3.0, 2.0, 0, -20.0);
    let score = Score::new(about(4.0), vec![source("a")], vec![across, fades_in, over]);
    let [across, fades_in] = &score.clips[..] else { panic!("{:?}", score.clips) };
    assert_eq!((across.at, across.seconds, across.source_at), (0.0, 1.5, 2.5));
    assert_eq!(across.envelope, [[0.0, 0.75], [0.5, 0.5], [1.5, 0.5]]);
    assert_eq!((fades_in.at, fades_in.seconds), (0.004, 1.0));
    assert_eq!(fades_in.span().0, 0.0);
    assert!((fades_in.envelope[0][1] - 0.6).abs() < 1e-9, "{fades_in:?}");
}

#[test]
fn no_credit_is_given_for_what_comes_after_the_end() {
    let mut tally = CreditTally::default();
    for (at, source) in [(1.0, 0), (3.5, 0), (5.9, 0), (5.9, 1)] {
        tally.add(&clip(at, 1.0, source, -20.0));
    }
    let credits = tally.credits(&about(4.0), &[source("a"), source("b")]);
    let [only] = &credits.credits[..] else { panic!("{credits:?}") };
    assert_eq!((only.seconds, &only.times[..]), (1.5, &[[1.0, 2.0], [3.5, 4.0]][..]));
}

/// Titles and names may hold anything. No file gets what a terminal obeys, a second line, or a formula.
#[test]
fn texts_stay_texts_in_every_kind_of_file() {
    let bad = "a\u{1b}[2Jb\u{7}c\nd\r\u{202e}e\u{9b}";
    let mut who = source(bad);
    for field in [Field::Title, Field::Author, Field::Licence, Field::Origin] {
        who.terms.set(field, Some(bad)).unwrap();
    }
    let formulas = ["=1+1", "+1", "-1", "@x", " =1", "\t=1"].map(source);
    let sources: Vec<CreditedSource> = std::iter::once(who).chain(formulas).collect();
    let clips = (0..sources.len()).map(|k| clip(k as f64, 0.5, k, -20.0)).collect();
    let score = Score::new(ScoreHeader { film: Some(bad.into()), ..about(9.0) }, sources, clips);
    let folder = tempfile::tempdir().unwrap();
    wav::write(&score, &Hum, folder.path()).unwrap();
    let path = folder.path().join("a\u{1b}b\nc.csd");
    let credits = score.credits();
    let texts = [
        score.csv(),
        edl::edl(&score),
        csound::csd(&score, "s.sources", &path),
        reaper::rpp(&score, "s.sources"),
        std::fs::read_to_string(folder.path().join(wav::LIST)).unwrap(),
        credits.titles(),
        credits.markdown(),
    ];
    for text in &texts {
        let wrong = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(wrong) && !text.contains("\nd"), "{text:?}");
    }
    for cell in ["\"'=1+1\"", "\"'+1\"", "\"'-1\"", "\"'@x\"", "\"' =1\""] {
        assert!(texts[0].contains(cell), "{cell} is not in {}", texts[0]);
    }
    assert_eq!(texts[0].lines().count(), 1 + score.clips.len());
    let mid = midi::mid(&score);
    assert!(!mid.windows(3).any(|bytes| bytes == b"\x1b[2" || bytes == b"c\nd"), "{mid:?}");
}

struct Hum;

impl SourceSound for Hum {
    fn read(&self, _: usize, _: i64, out: &mut [f32]) {
        out.fill(0.1);
    }
}

/// Csound 6 gives up on a line of 4096 bytes.
#[test]
fn lines_for_csound_are_short_however_long_an_envelope() {
    let mut long = clip(1000.0, 300.0, 0, -20.0);
    long.speed = 1.234_567_890_123;
    long.envelope = (0..3000).map(|k| [f64::from(k) / 10.0, 0.123_456 + f64::from(k % 7) / 10.0]).collect();
    let score = Score::new(about(2000.0), vec![source("a")], vec![long]);
    let csd = csound::csd(&score, "s.sources", Path::new("s.csd"));
    let longest = csd.lines().map(str::len).max().unwrap();
    assert!(longest < 2500, "a line of {longest} bytes");
    assert!(csd.lines().filter(|line| line.starts_with("i 2 ")).count() >= 30);
}

/// Notes as a file has them: (track, channel, from, to, pitch), and the order of its events.
fn notes_of(file: &[u8]) -> Vec<(usize, u8, u32, u32, u8)> {
    let (mut notes, mut track, mut rest) = (Vec::new(), 0, &file[14..]);
    while !rest.is_empty() {
        let (head, after) = rest.split_at(8);
        let (mut events, next) = after.split_at(u32::from_be_bytes(head[4..].try_into().unwrap()) as usize);
        let number = |events: &mut &[u8]| {
            let mut value = 0;
            loop {
                let byte = events[0];
                *events = &events[1..];
                value = value << 7 | u32::from(byte & 0x7f);
                if byte < 0x80 {
                    return value;
                }
            }
        };
        let (mut now, mut sounding) = (0, Vec::<(u8, u8, u32)>::new());
        while !events.is_empty() {
            now += number(&mut events);
            let status = events[0];
            if status == 0xff {
                events = &events[2..];
                let length = number(&mut events) as usize;
                events = &events[length..];
                continue;
            }
            let (channel, pitch) = (status & 15, events[1]);
            events = &events[3..];
            let known = sounding.iter().position(|note| (note.0, note.1) == (channel, pitch));
            match (status >> 4, known) {
                (9, None) => sounding.push((channel, pitch, now)),
                (8, Some(known)) => {
                    let (.., from) = sounding.remove(known);
                    notes.push((track, channel, from, now, pitch));
                }
                _ => panic!("event {status:x} of pitch {pitch} at {now}: {sounding:?}"),
            }
        }
        assert!(sounding.is_empty(), "{sounding:?}");
        (rest, track) = (next, track + 1);
    }
    notes
}

proptest::proptest! {
    /// Any clips, with more sources than channels among them.
    #[test]
    fn a_pitch_of_a_channel_sounds_once_at_a_time(
        clips in proptest::collection::vec((0u32..4000, 0u32..3000, 0usize..40, 50f64..2000.0), 1..200),
    ) {
        let sources: Vec<CreditedSource> = (0..40).map(|k| source(&format!("{k}"))).collect();
        let made = clips.iter().map(|(at, seconds, number, hz)| {
            let mut clip = clip(f64::from(*at) / 500.0, f64::from(seconds + 1) / 1000.0, *number, -20.0);
            clip.pitch_hz = (number % 3 > 0).then_some(*hz);
            clip
        });
        let score = Score::new(about(20.0), sources, made.collect());
        let mut notes = notes_of(&midi::mid(&score));
        notes.sort_by_key(|(_, channel, from, _, pitch)| (*channel, *pitch, *from));
        for pair in notes.windows(2) {
            let [(track, channel, _, to, pitch), (beside, other, from, _, next)] = [pair[0], pair[1]];
            // One tick lies between tracks: players take them in any order.
            let free = from - u32::from(track != beside && from > 0);
            assert!((channel, pitch) != (other, next) || to <= free, "{pair:?}");
        }
        // Every clip has its onset, if only as another one in the same tick or, of another track, the one before.
        for clip in &score.clips {
            let tick = (clip.at * 1920.0).round() as u32;
            assert!(notes.iter().any(|(_, _, from, ..)| *from == tick || *from + 1 == tick), "{clip:?}");
        }
        assert!(notes.iter().all(|(_, channel, from, to, _)| *channel != 9 && from < to));
    }
}

#[test]
fn folders_of_sources_have_names_that_csound_reads() {
    let folder = tempfile::tempdir().unwrap();
    for (name, plain) in [("a b;c-ä.csd", true), ("a$b.csd", false), ("a{b}\"\\\n.rpp", false)] {
        let files =
            ScoreFiles::begin(&[folder.path().join(name)], crate::storage::Overwrite::Refuse).unwrap();
        files.write(&score(), &Hum).unwrap();
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let beside = folder.path().join(name).with_extension("sources");
        assert_eq!(beside.exists(), plain, "{name}");
        assert!(plain || text.contains("/001-quiet.wav"), "{text}");
    }
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sources"))
        .collect();
    assert!(
        names.len() == 3 && !names.iter().any(|name| name.contains(['$', '{', '"', '\\', '\n'])),
        "{names:?}"
    );
}

#[test]
fn an_edit_decision_list_is_on_the_films_timecode_and_says_its_rate() {
    let timecode = |label: &str| Some(crate::media::FilmTimecode { label: label.into(), rate: None });
    let list = |rate: &str, label: Option<&str>| {
        let rate = rate.parse().unwrap();
        let about =
            ScoreHeader { picture_rate: Some(rate), timecode: label.and_then(timecode), ..about(4.0) };
        edl::edl(&Score { about, ..score() })
    };
    let plain = list("25", None);
    assert!(plain.contains("00:00:01:13 00:00:02:13 00:00:00:00 00:00:01:00\n"), "{plain}");
    assert!(plain.contains("FCM: NON-DROP FRAME") && plain.ends_with("* 25 PICTURES A SECOND\n"), "{plain}");
    assert!(list("25", Some("01:00:00:00")).contains(" 01:00:00:00 01:00:01:00\n"));
    let drop = list("30000/1001", Some("00:59:59;00"));
    // 00:59:59;00 and three seconds less a thousandth.
    assert!(drop.contains("FCM: DROP FRAME") && drop.contains(" 01:00:00;00 01:00:02;00\n"), "{drop}");
    let variable = list("1543/60", None);
    assert!(variable.contains("* 25 PICTURES A SECOND\n"), "{variable}");
    assert!(variable.contains("* the film has 25.717 pictures a second on average"), "{variable}");
    let fast = list("120", None);
    assert!(fast.contains("* 60 PICTURES A SECOND\n* the film's 120 pictures"), "{fast}");
    let unread = list("25", Some("01:00:00:99"));
    assert!(unread.contains("timecode 01:00:00:99 can't be counted"), "{unread}");
}
