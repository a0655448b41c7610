#![no_main]

use kinophone_provenance::ledger_file::LedgerFile;

// A ledger that was accepted comes back from both of its forms.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for ledger in [LedgerFile::parse(&text), LedgerFile::parse_table(&text)].into_iter().flatten() {
        assert_eq!(LedgerFile::parse(&ledger.to_toml()).unwrap(), ledger);
        assert_eq!(LedgerFile::parse_table(&ledger.to_csv()).unwrap(), ledger);
    }
});
