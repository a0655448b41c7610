use super::*;
use kinophone::ledger::Field;
use kinophone::ledger::{Creator, FreeStatement, PartialDate, Right, Role, Statement, Work};
use proptest::prelude::*;

fn date(text: &str) -> Option<PartialDate> {
    Some(text.parse().unwrap())
}

fn film() -> Work {
    let creator = |name: &str, role, died| Creator {
        name: name.into(),
        role,
        died,
        living: died.is_none(),
        nationality: Some("SU".into()),
    };
    // Every field: a table has to know which are yes or no.
    Work {
        right: Right::Film,
        made: date("1925-09"),
        unpublished: true,
        creators_complete: true,
        renewed: Some(false),
        notice: Some(true),
        restored: Some(true),
        for_hire: Some(false),
        licence: Some("CC0-1.0 OR MIT".into()),
        title: Some("Bronenosets Potyomkin".into()),
        published: None,
        country: Some("SU".into()),
        creators: vec![
            creator("Sergei Eisenstein", Role::Director, date("1948-02-11")),
            creator("Nina Agadzhanova", Role::Screenplay, date("1974")),
            creator("Somebody", Role::Other, None),
        ],
        dramatic: Some(true),
        free: vec![FreeStatement {
            country: "US".into(),
            since: date("2021-01-01"),
            rule: None,
            said_by: Some("us".into()),
        }],
    }
}

fn any_entry() -> impl Strategy<Value = LedgerEntry> {
    let odd = vec![
        "CC-BY-4.0",
        "=1+1",
        "'=1",
        "''@x",
        "'quoted'",
        "a\"b,c;d\ne",
        "true",
        "1925",
        "<b>\u{202e}x",
        "ünïcode",
    ];
    let word = move || proptest::option::of(proptest::sample::select(odd.clone()).prop_map(str::to_owned));
    let work = proptest::option::of(prop_oneof![
        Just(film()),
        Just(Work { right: Right::Recording, published: date("1925-12-21"), ..Work::default() })
    ]);
    (word(), word(), word(), 0u8..40, work, any::<bool>()).prop_map(
        |(title, author, licence, number, work, conflict)| {
            let otherwise = Statement { field: Field::Licence, value: "MIT".into() };
            let terms = Terms {
                title,
                author,
                licence,
                works: work.into_iter().collect(),
                otherwise: if conflict { vec![otherwise] } else { Vec::new() },
                ..Terms::default()
            };
            let uses =
                if number.is_multiple_of(3) { vec![Use::TrainedOn, Use::GrainsFrom] } else { Vec::new() };
            LedgerEntry { name: format!("film {number}.mp4"), blake3: format!("{number:064x}"), uses, terms }
        },
    )
}

proptest! {
    #[test]
    fn ledgers_come_back_from_toml_and_csv(entries in proptest::collection::vec(any_entry(), 0..5)) {
        let ledger = LedgerFile::new(entries);
        prop_assert_eq!(&LedgerFile::parse(&ledger.to_toml()).unwrap(), &ledger);
        prop_assert_eq!(&LedgerFile::parse_table(&ledger.to_csv()).unwrap(), &ledger);
    }

    #[test]
    fn no_text_makes_it_panic(pieces in proptest::collection::vec(0usize..16, 0..40)) {
        let parts = ["kinophone_ledger = 1\n", "[[source]]\n", "name", "works", ".1", ".99999999999999999999", "[", "]", "=", "\"", ",", "\n",
            "right", "film", "1948-02-11", "\u{0}"];
        let text: String = pieces.into_iter().map(|piece| parts[piece]).collect();
        let _ = (LedgerFile::parse(&text), LedgerFile::parse_table(&text));
    }
}

#[test]
fn people_may_write_one() {
    let text = r#"
        kinophone_ledger = 1
        [[source]]
        name = "potemkin.mkv"
        licence = ""
        [[source.works]]
        right = "film"
        published = 1925
        [[source.works.creators]]
        name = "Sergei Eisenstein"
        role = "director"
        died = 1948-02-11
    "#;
    let ledger = LedgerFile::parse(text).unwrap();
    assert_eq!(LedgerFile::parse(&text.replace("1948-02-11", "\"1948-02-11\"")).unwrap(), ledger);
    assert_eq!(ledger.entries[0].terms.works[0].creators[0].died, date("1948-02-11"));
    let table = "name,works.1.right,works.1.published,works.1.creators.1.name,works.1.creators.1.role,works.1.creators.1.died\n\
                 potemkin.mkv,film,1925,Sergei Eisenstein,director,1948-02-11\n";
    assert_eq!(LedgerFile::parse_table(table).unwrap(), ledger);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let said = |text: &str| LedgerFile::parse(text).unwrap_err().to_string();
    let head = "kinophone_ledger = 1\n[[source]]\nname = \"a\"\n";
    assert!(said(&format!("{head}autor = \"x\"")).contains("autor"));
    assert!(
        said(&format!("{head}[[source.works]]\nright = \"film\"\nyear = 1925")).contains("source.works.year")
    );
    assert!(said(&format!("{head}retrieved = \"soon\"")).contains("'soon' is no date"));
    assert!(said(&format!("{head}blake3 = \"12\"")).contains("hash"));
    assert!(said("kinophone_ledger = 2").contains("has the form 2"));
    assert!(said("[[source]]\nname = \"a\"").contains("kinophone_ledger"));
    assert!(said("kinophone_ledger = 1\n[[source]]\ntitle = \"a\"").contains("neither name nor blake3"));
    let said = |text: &str| LedgerFile::parse_table(text).unwrap_err().to_string();
    assert!(said("name,year\na,1925\n").contains("year"));
    assert!(said("name,works.0.title\na,b\n").contains("works.0.title"));
    assert!(said("name,works.99999999999.title\na,b\n").contains("works.99999999999.title"));
    assert!(said("name,name.1\na,b\n").contains("name.1"));
    assert!(said("name,works.1.right,works.1.renewed\na,film,maybe\n").contains("maybe"));
}

#[test]
fn entries_of_the_same_file_become_one() {
    let entry = |name: &str, hash: &str, licence: &str| LedgerEntry {
        name: name.into(),
        blake3: hash.repeat(64),
        terms: Terms { licence: Some(licence.into()), ..Terms::default() },
        ..LedgerEntry::default()
    };
    let all =
        [entry("a", "1", "MIT"), entry("b", "1", "ISC"), entry("a", "2", "MIT"), entry("a", "", "0BSD")];
    let ledger = LedgerFile::new(all);
    // Nobody says which of both the last one is.
    assert_eq!(ledger.entries.len(), 3);
    let otherwise = |ledger: &LedgerFile| -> Vec<String> {
        ledger.entries[0].terms.otherwise.iter().map(|said| said.value.clone()).collect()
    };
    assert_eq!(otherwise(&ledger), ["ISC"]);
    let ledger = LedgerFile::new([entry("a", "", "0BSD"), entry("a", "1", "MIT"), entry("a", "", "ISC")]);
    assert_eq!((ledger.entries.len(), otherwise(&ledger)), (1, vec!["0BSD".to_owned(), "ISC".to_owned()]));
}
