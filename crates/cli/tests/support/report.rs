//! Reports of `kinophone eval`, and their form.

use super::succeed;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Words of a command line; no path here holds a space.
pub fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Runs it, and gives what it says as JSON.
pub fn run(home: &Path, line: &str) -> Value {
    let output = succeed(home, &words(&format!("{line} --quiet --json")));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The figures in a report's folder.
pub fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
}

/// The version of a film's sound with that key.
pub fn version<'a>(film: &'a Value, key: &str) -> &'a Value {
    let versions = film["versions"].as_array().unwrap();
    versions.iter().find(|version| version["key"] == key).unwrap_or_else(|| panic!("no {key}"))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Insists on the form of a report, to the last key, and that every number is one.
pub fn assert_form(report: &Value) {
    let set = |line: &'static str| line.split(' ').collect::<BTreeSet<&str>>();
    assert_eq!(
        keys(report),
        set("schema kinophone made brain words films folds leave_one_film_out seeds stillness growth"),
    );
    assert_eq!(
        keys(&report["brain"]),
        set("name id kind hold_out held_out_films seed learned_from trained_seconds prospects")
    );
    assert_eq!(report["schema"], 1);
    for film in report["films"].as_array().unwrap() {
        assert_eq!(
            keys(film),
            set("name learned fps seconds stretches chance original versions strip strip_step strip_count")
        );
        assert_eq!(
            keys(&film["original"]),
            set("audio spectrogram loudness_db onset comb_db level_db spectrum_db further")
        );
        let fps = film["fps"].as_f64().unwrap();
        let frames = (film["seconds"].as_f64().unwrap() * fps).round() as usize;
        let stretches = film["stretches"].as_array().unwrap();
        let length = |s: &Value| s["to"].as_f64().unwrap() - s["from"].as_f64().unwrap();
        let total: f64 = stretches.iter().map(length).sum();
        assert!((total * fps - frames as f64).abs() < 0.01, "{stretches:?}");
        let strip = film["strip_count"].as_f64().unwrap() * film["strip_step"].as_f64().unwrap();
        assert!((strip - total).abs() <= film["strip_step"].as_f64().unwrap(), "{strip} for {total}");
        assert!(film["strip"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
        let tracks = film["versions"].as_array().unwrap().iter().chain([&film["original"]]);
        for track in tracks {
            for curve in ["loudness_db", "onset"] {
                let values = track[curve].as_array().unwrap();
                assert!(values.len() == frames && values.iter().all(Value::is_f64), "{curve}");
            }
            let audible = track["key"] != "silence";
            assert_eq!(track["audio"].is_string(), audible, "{}", track["key"]);
            if audible {
                assert!(track["audio"].as_str().unwrap().starts_with("data:audio/mp4;base64,"));
                let png = track["spectrogram"].as_str().unwrap();
                assert!(png.starts_with("data:image/png;base64,iVBORw0KGgo"));
            }
        }
        for version in film["versions"].as_array().unwrap() {
            assert_eq!(
                keys(version),
                set(
                    "key title about baseline audio spectrogram loudness_db onset measures further led lags comb"
                )
            );
            assert_eq!(
                keys(&version["measures"]),
                set("onset_r loudness_r logmel_l1 onset_lag_frames comb_db level_db")
            );
            assert_further(&version["further"]);
            let led = version["led"].as_array().unwrap();
            assert!(led.is_empty() || led.len() == frames, "{}", led.len());
            let lags: Vec<i64> =
                version["lags"].as_array().unwrap().iter().map(|l| l[0].as_i64().unwrap()).collect();
            assert_eq!(lags, (-15..=15).collect::<Vec<_>>());
        }
    }
}

/// Insists on the form of the further scores, and that shares are shares.
pub fn assert_further(further: &Value) {
    let shares = ["onset_accuracy", "onset_ap", "onset_accuracy_33ms", "onset_ap_33ms", "jumps"];
    let all = ["loudness_motion_r", "onset_motion_r", "envelope_l1", "timbre_db"].into_iter().chain(shares);
    assert_eq!(keys(further), all.clone().chain(["splices"]).collect());
    for key in all {
        if further[key].is_null() {
            continue;
        }
        assert_eq!(keys(&further[key]), BTreeSet::from(["value", "chance"]), "{key}");
        let value = further[key]["value"].as_f64().unwrap();
        assert!(!shares.contains(&key) || (0.0..=1.0).contains(&value), "{key}: {value}");
    }
}
