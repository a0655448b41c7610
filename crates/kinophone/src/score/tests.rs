use crate::score::*;

fn source(name: &str) -> CreditedSource {
    CreditedSource {
        name: name.to_owned(),
        blake3: "0".repeat(64),
        seconds: None,
        title: None,
        author: None,
        licence: None,
        origin: None,
    }
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
    assert_eq!((score.clips[0].seconds, score.clips[0].span()), (2.0, (-0.01, 2.0)));
}

#[test]
fn titles_and_tables_name_everybody() {
    let mut toner = source("a|b.wav");
    (toner.author, toner.origin) = (Some("A. Toner".into()), Some("https://example.org".into()));
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
