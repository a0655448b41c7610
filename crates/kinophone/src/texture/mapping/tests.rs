use crate::texture::mapping::*;
use crate::visual::VisualEvent;
use std::path::Path;

fn refused(text: &str) -> String {
    let error = Mapping::parse(text, Path::new("mine.toml")).unwrap_err();
    assert!(error.advice().is_some());
    error.to_string()
}

#[test]
fn presets_are_mappings_and_differ() {
    let presets: Vec<Mapping> = PRESETS.iter().map(|(name, _)| Mapping::preset(name).unwrap()).collect();
    assert!(presets.iter().all(|preset| !preset.about.is_empty()));
    assert!(presets.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(Mapping::preset("brass").unwrap_err().to_string().contains("'brass'"));
}

#[test]
fn what_is_left_out_is_usual() {
    let text = "[loudness]\nfrom = \"motion\"\nlow_db = -50\nhigh_db = -14.5\n[onsets]\nfrom = [\"cuts\", \"flashes\"]\n";
    let mapping = Mapping::parse(text, Path::new("mine.toml")).unwrap();
    assert_eq!((mapping.loudness.curve, mapping.loudness.smooth_ms), (1.0, 150.0));
    assert_eq!((mapping.loudness.low_db, mapping.loudness.high_db), (-50.0, -14.5));
    assert_eq!(mapping.onsets.unwrap().from, [VisualEvent::Cut, VisualEvent::Flash]);
    assert_eq!((mapping.grain, mapping.cuts), (GrainMapping::default(), CutMapping::default()));
    assert!(mapping.density.is_none());
    let one = text.replace("[\"cuts\", \"flashes\"]", "\"motion-onsets\"");
    let mapping = Mapping::parse(&one, Path::new("mine.toml")).unwrap();
    assert_eq!(mapping.onsets.unwrap().from, [VisualEvent::Motion]);
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let loud = "[loudness]\nfrom = \"motion\"\nlow_db = -50\nhigh_db = -14\n";
    let cases = [
        (
            "[loudness]\nfrom = \"colour\"\nlow_db = -50\nhigh_db = -14\n".to_owned(),
            "line 2, column 8",
            "colour",
        ),
        (loud.replace("-50", "  -500"), "line 3, column 12", "-500 is not from -90 to -3 dB"),
        (loud.replace("-50", "nan"), "line 3, column 10", "NaN"),
        (loud.replace("-50", "\"soft\""), "line 3, column 10", "soft"),
        (format!("{loud}speed = 3\n"), "line 5, column 1", "speed"),
        (format!("{loud}[loudnes]\n"), "line 5, column 2", "loudnes"),
        (format!("{loud}[onsets]\nfrom = \"claps\"\n"), "line 6, column 8", "claps"),
        (format!("{loud}[onsets]\nfrom = [\"cuts\", \"claps\"]\n"), "line 6", "claps"),
        (format!("{loud}[cuts]\nsources = -1\n"), "line 6, column 11", "-1"),
        (format!("{loud}[grain]\nsize_ms = 0.5\n"), "line 6, column 11", "0.5 is not from 1 to 20000"),
        (format!("# ä\n{loud}[grain\n"), "line 6", ""),
        (String::new(), "", "loudness"),
    ];
    for (text, place, what) in cases {
        let said = refused(&text);
        assert!(said.contains(place) && said.contains(what), "{text}\n{said}");
    }
}
