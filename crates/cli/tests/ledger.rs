//! Ledgers: shown, completed by hand in TOML and CSV, and carried from films into all that is made of them.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{Home, ffmpeg, shards, small_film};

/// A corpus of two films and a library of a recording and a film.
fn archive() -> Home {
    let home = Home::new();
    small_film(&home.at("one.mp4"), 2);
    small_film(&home.at("two.mp4"), 3);
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=300:duration=3,tremolo=f=3:d=0.9",
        home.at("tone.wav").to_str().unwrap(),
    ]);
    home.run("prepare @one.mp4 @two.mp4 -o @corpus --author Somebody");
    home.run("sounds @tone.wav -o @lib --licence CC0-1.0");
    home
}

fn sources(home: &Home, line: &str) -> Vec<Value> {
    home.run(line).0["source"].as_array().unwrap().clone()
}

fn of<'a>(sources: &'a [Value], name: &str) -> &'a Value {
    sources.iter().find(|source| source["name"] == name).unwrap()
}

/// Everything of a shard but its header.
fn tensors(shard: &Path) -> Vec<u8> {
    let bytes = fs::read(shard).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

/// Of all shards of the corpus.
fn all(home: &Home, part: impl Fn(&Path) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut paths = shards(&home.at("corpus"));
    paths.sort();
    paths.iter().map(|shard| part(shard)).collect()
}

#[test]
fn what_is_said_of_a_source_is_carried_into_what_is_made_of_it() {
    let home = archive();
    let before = all(&home, tensors);
    home.run("ledger edit @corpus --source one.mp4 --licence CC-BY-SA-4.0 --retrieved 2026-11-30");
    assert!(before == all(&home, tensors), "pictures or sound changed");

    let toml = String::from_utf8(home.succeed("ledger show @corpus --toml").stdout).unwrap();
    let work = "\n[[source.works]]\nright = \"film\"\npublished = 1925\n[[source.works.creators]]\nname = \"Sergei Eisenstein\"\nrole = \"director\"\ndied = 1948-02-11\n";
    let at = toml.find("name = \"two.mp4\"").unwrap();
    let end = toml[at..].find("[[source]]").map_or(toml.len(), |end| at + end);
    fs::write(home.at("mine.toml"), format!("{}{work}{}", &toml[..end], &toml[end..])).unwrap();
    let (told, _) = home.run("ledger import @mine.toml @corpus");
    assert_eq!(told["files"][0]["changed"], 1);

    home.run("train @corpus -o @brain --epochs 1 --layers 50");
    let carried = sources(&home, "ledger show @brain");
    assert_eq!(of(&carried, "one.mp4")["licence"], "CC-BY-SA-4.0");
    assert_eq!(of(&carried, "one.mp4")["retrieved"], "2026-11-30");
    assert_eq!(of(&carried, "two.mp4")["works"][0]["creators"][0]["died"], "1948-02-11");
    assert_eq!(of(&carried, "two.mp4")["uses"][0], "trained-on");

    // In a spreadsheet; for the brain and the corpus at once, and back.
    let table = String::from_utf8(home.succeed("ledger show @brain @corpus --csv").stdout).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    fs::write(home.at("table.csv"), table.replace("Sergei Eisenstein", "Sergei M. Eisenstein")).unwrap();
    home.run("ledger import @table.csv @brain @corpus --replace");
    for carrier in ["@brain", "@corpus"] {
        let carried = sources(&home, &format!("ledger show {carrier}"));
        let works = of(&carried, "two.mp4")["works"].as_array().unwrap();
        assert_eq!(
            (works.len(), &works[0]["creators"][0]["name"]),
            (1, &Value::from("Sergei M. Eisenstein")),
            "{carrier}"
        );
    }
    home.run("render @brain @one.mp4 -o @out.wav");
}

#[test]
fn a_soundtrack_says_all_that_its_library_knows() {
    let home = archive();
    home.run("ledger edit @lib --origin https://example.org/tone --title Tone");
    home.run("revoice @one.mp4 --sounds @lib -o @out.mkv --score @out.json");
    for carrier in ["@lib", "@out.mkv", "@out.json"] {
        let carried = sources(&home, &format!("ledger show {carrier}"));
        assert_eq!((carried.len(), &carried[0]["licence"]), (1, &Value::from("CC0-1.0")), "{carrier}");
        assert_eq!(carried[0]["origin"], "https://example.org/tone");
    }
    let (_, text) = home.run("ledger show @lib");
    assert!(text.is_empty(), "{text}");
}

#[test]
fn contradictions_stay_until_somebody_settles_them() {
    let home = archive();
    fs::write(home.at("other.toml"), "kinophone_ledger = 1\n[[source]]\nname = \"tone.wav\"\nlicence = \"CC-BY-4.0\"\n[[source]]\nname = \"stranger.wav\"\n").unwrap();
    let (_, warned) = home.run("ledger import @other.toml @lib");
    assert!(warned.contains("stranger.wav is a source of none of these files"), "{warned}");
    // By content before name, and by name only where one alone has it.
    let hash = sources(&home, "ledger show @lib")[0]["blake3"].as_str().unwrap().to_owned();
    let named = "[[source]]\nname = \"tone.wav\"\ntitle = \"Wrong\"\n";
    let known = format!(
        "[[source]]\nname = \"other.wav\"\nblake3 = \"{}\"\ntitle = \"Right\"\n",
        hash.to_uppercase()
    );
    fs::write(home.at("both.toml"), format!("kinophone_ledger = 1\n{named}{known}")).unwrap();
    home.run("ledger import @both.toml @lib");
    assert_eq!(sources(&home, "ledger show @lib")[0]["title"], "Right");
    let text = String::from_utf8(home.succeed("ledger show @lib").stdout).unwrap();
    assert!(text.contains("licence      CC-BY-4.0; also said: CC0-1.0"), "{text}");
    home.run("ledger edit @lib --licence CC0-1.0");
    let text = String::from_utf8(home.succeed("ledger show @lib").stdout).unwrap();
    assert!(text.contains("licence      CC0-1.0\n"), "{text}");
}

/// Titles are other people's texts: no line of the output, and no cell of a file, is theirs to write.
#[test]
fn titles_forge_nothing_and_come_back_from_files() {
    let home = Home::new();
    let title = "Nice\n  licence      CC0-1.0\n\u{200f}\u{85}b \u{1b}[2J";
    let toml = format!(
        "kinophone_ledger = 1\n[[source]]\nname = \"a.wav\"\ntitle = {}\n",
        serde_json::to_string(title).unwrap()
    );
    fs::write(home.at("a.toml"), toml.replace('\u{1b}', "\\u001B")).unwrap();
    let shown = String::from_utf8(home.succeed("ledger show @a.toml").stdout).unwrap();
    assert!(shown.lines().count() == 6 && shown.contains("\n  licence      unknown\n"), "{shown}");
    for (option, name) in [("--toml", "b.toml"), ("--csv", "b.csv")] {
        fs::write(home.at(name), home.succeed(&format!("ledger show @a.toml {option}")).stdout).unwrap();
        assert_eq!(
            sources(&home, &format!("ledger show @{name}")),
            sources(&home, "ledger show @a.toml"),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_was_private_stays_private() {
    use std::os::unix::fs::PermissionsExt;
    let home = archive();
    fs::write(home.at("a.toml"), "kinophone_ledger = 1\n[[source]]\nname = \"a.wav\"\n").unwrap();
    let shard = &shards(&home.at("lib"))[0];
    for (file, line) in
        [(&home.at("a.toml"), "ledger edit @a.toml --title A"), (shard, "ledger edit @lib --title A")]
    {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        home.run(line);
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{line}");
    }
}

#[test]
fn what_can_not_be_done_is_said_and_changes_nothing() {
    let home = archive();
    let whole = |shard: &Path| fs::read(shard).unwrap();
    let before = all(&home, whole);
    fs::write(
        home.at("bad.toml"),
        "kinophone_ledger = 1\n[[source]]\nname = \"one.mp4\"\nlicense = \"MIT\"\n",
    )
    .unwrap();
    fs::write(home.at("notes.toml"), "hello").unwrap();
    fs::write(home.at("twice.csv"), "name,licence, licence\na.mp4,MIT,ISC\n").unwrap();
    fs::write(home.at("semicolons.csv"), "name;licence\na.mp4;MIT\n").unwrap();
    fs::write(home.at("gap.csv"), "name,works.2.right,works.1.right\na.mp4,film,\n").unwrap();
    fs::write(home.at("deep.csv"), format!("name,{}\na.mp4,MIT\n", "a.".repeat(300_000))).unwrap();
    let work = |more: &str| {
        format!(
            "kinophone_ledger = 1\n[[source]]\nname = \"a\"\n[[source.works]]\nright = \"film\"\n{more}\n"
        )
    };
    fs::write(home.at("nowhere.toml"), work("country = \"Atlantis\"")).unwrap();
    let undead = "creators = [{ name = \"A\", role = \"director\", died = 1930, living = true }]";
    fs::write(home.at("undead.toml"), work(undead)).unwrap();
    for (line, said) in [
        ("ledger edit @corpus --licence MIT", "has 2 sources"),
        ("ledger edit @corpus --source three.mp4 --licence MIT", "no source is named 'three.mp4'"),
        ("ledger edit @one.mp4 --licence MIT", "carries no ledger that can be changed"),
        ("ledger import @bad.toml @corpus", "a key that no ledger has: source.license"),
        ("ledger import @notes.toml @corpus", "is no ledger: line 1"),
        ("ledger show @twice.csv", "the column licence twice"),
        ("ledger show @semicolons.csv", "divided by commas"),
        ("ledger show @gap.csv", "row 2: number 2 of a list is filled in, and number 1 is empty"),
        ("ledger show @deep.csv", "a column that no ledger has"),
        ("ledger show @nowhere.toml", "'ATLANTIS' is no country"),
        ("ledger show @undead.toml", "is living, and died"),
        ("ledger import @gone.toml @corpus", "gone.toml"),
        ("ledger show @one.mp4", "names no sources"),
    ] {
        let refused = home.refuse(line);
        assert!(refused.contains(said), "{line}: {refused}");
    }
    assert!(before == all(&home, whole));
}

const POTEMKIN: &str = r#"
kinophone_ledger = 1

[[source]]
name = "potemkin.mkv"
licence = "CC0-1.0"
[[source.works]]
right = "film"
title = "Bronenosets Potyomkin"
published = 1926-01-18
country = "SU"
dramatic = true
creators = [
  { name = "Sergei Eisenstein", role = "director", died = 1948-02-11 },
  { name = "Nina Agadzhanova", role = "screenplay", died = 1974-12-14 },
]

[[source]]
name = "popeye.mkv"
[[source.works]]
right = "film"
title = "Popeye the Sailor Meets Sindbad the Sailor"
published = 1936-11-27
country = "US"
"#;

#[test]
fn what_is_free_where_is_told_with_the_law_or_what_is_missing() {
    let home = Home::new();
    fs::write(home.at("films.toml"), POTEMKIN).unwrap();
    let (told, _) = home.run("ledger check @films.toml --country US,EU --on 2026-12-01");
    let answer = |source: &str, country: &str| {
        let answers = told["public_domain"].as_array().unwrap();
        answers.iter().find(|answer| answer["source"] == source && answer["country"] == country).unwrap()
    };
    let free = answer("potemkin.mkv", "US");
    assert_eq!((&free["status"], &free["day"]), (&"public-domain".into(), &"2022-01-01".into()));
    assert!(free["law"]["citation"].as_str().unwrap().contains("17"), "{free}");
    assert_ne!(answer("potemkin.mkv", "EU")["status"], "public-domain");
    let unknown = answer("popeye.mkv", "US");
    assert_eq!(unknown["status"], "unknown");
    assert!(unknown["missing"][0].as_str().unwrap().contains("renewed"), "{unknown}");
    fs::write(home.at("films.toml"), format!("{POTEMKIN}renewed = true\n")).unwrap();
    let (told, _) = home.run("ledger check @films.toml --country us --on 2026-12-01");
    let popeye = &told["public_domain"][1];
    assert_eq!((&popeye["status"], &popeye["day"]), (&"protected".into(), &"2032-01-01".into()));
    assert_eq!(told["unknown"][0]["source"], "popeye.mkv");
    let text = String::from_utf8(home.succeed("ledger check @films.toml --country all").stdout).unwrap();
    assert!(text.contains("no advice"), "{text}");
}

#[test]
fn licences_that_do_not_fit_are_a_failure_with_the_sources_that_cause_it() {
    let home = Home::new();
    let ledger = |licences: &[(&str, &str)]| {
        let source = |(name, licence): &(&str, &str)| {
            format!("[[source]]\nname = \"{name}\"\nlicence = \"{licence}\"\n")
        };
        let sources: String = licences.iter().map(source).collect();
        fs::write(home.at("a.toml"), format!("kinophone_ledger = 1\n{sources}")).unwrap();
    };
    let refused = |line: &str| {
        let output = support::kinophone(home.0.path()).args(home.words(line)).output().unwrap();
        (output.status.code() == Some(1)).then(|| String::from_utf8(output.stdout).unwrap())
    };
    ledger(&[("a.wav", "CC-BY-SA-4.0"), ("b.wav", "CC-BY-NC-4.0"), ("c.wav", "CC0-1.0")]);
    let told = refused("ledger check @a.toml").expect("licences that do not fit");
    assert!(told.contains("does not fit: a.wav, b.wav"), "{told}");
    // Whoever forbids it: another voice, or the licence of a work in it.
    let forbidden = "licence = \"CC-BY-ND-4.0\"";
    for more in [
        "otherwise = [{ field = \"licence\", value = \"CC-BY-ND-4.0\" }]".to_owned(),
        format!("[[source.works]]\nright = \"composition\"\n{forbidden}"),
    ] {
        let source = "[[source]]\nname = \"a.wav\"\nlicence = \"CC0-1.0\"";
        fs::write(home.at("a.toml"), format!("kinophone_ledger = 1\n{source}\n{more}\n")).unwrap();
        for line in ["ledger check @a.toml", "ledger check @a.toml --attribution plain"] {
            assert!(refused(line).is_some(), "{more}");
        }
    }
    ledger(&[("a.wav", "CC-BY-SA-3.0"), ("b.wav", "CC-BY-4.0"), ("c.wav", "who knows")]);
    assert_eq!(refused("ledger check @a.toml"), None);
    let told = refused("ledger check @a.toml --require-licence").expect("an unknown licence");
    assert!(told.contains("unknown: c.wav: 'who knows' is no licence"), "{told}");
    let words =
        String::from_utf8(home.succeed("ledger check @a.toml --attribution markdown").stdout).unwrap();
    assert!(
        words.contains("[CC BY\\-SA 3\\.0](<https://creativecommons.org/licenses/by-sa/3.0/>)"),
        "{words}"
    );
    let output = support::kinophone(home.0.path())
        .args(home.words("ledger check @a.toml --country XX"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("there are no rules for XX"), "{said}");
}
