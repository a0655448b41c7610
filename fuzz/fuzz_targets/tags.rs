#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kinophone::fuzz::tags(bytes));
