//! Quantities and names as people read them.

use kinophone::wording::is_obeyed;
use std::ffi::OsStr;
use std::path::Path;

/// A length of time in words: "20 s", "3 min 20 s", "2 h 05 min".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A number of bytes in decimal units, as disks are sold.
pub fn byte_size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A number of channels by its usual name.
pub fn channels(count: u32) -> String {
    match count {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        more => format!("{more} channels"),
    }
}

/// A setting as it is written in options and files.
pub fn setting(setting: &impl serde::Serialize) -> String {
    serde_json::to_value(setting).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A text in which a terminal finds nothing to obey: names and titles may hold anything. Control characters, and those that turn the
/// direction of writing, are escaped; ends of lines and tabs stay.
pub fn visible(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// As [`visible`], on one line.
pub fn visible_line(text: &str) -> String {
    escaped(text, |_| false)
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match is_obeyed(c) && !stays(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    safe
}

/// A word of a command line, quoted as a POSIX shell needs it.
pub fn shell_word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The command that uses a new brain.
pub fn next_step(brain: &Path) -> String {
    format!("next: kinophone render {} FILM -o OUT.mp4", shell_word(brain.as_os_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone::classic::Pretrain;

    #[test]
    fn durations_are_words() {
        assert_eq!(
            [duration(0.4), duration(59.4), duration(200.0), duration(7500.0)],
            ["0 s", "59 s", "3 min 20 s", "2 h 05 min"]
        );
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            [byte_size(0), byte_size(1), byte_size(2_500_000), byte_size(3_200_000_000)],
            ["0 kB", "1 kB", "2.5 MB", "3.2 GB"]
        );
    }

    #[test]
    fn a_terminal_finds_nothing_to_obey() {
        let name = "a\u{1b}[2Jb\u{7}c\r\u{9b}d\u{202e}\u{2066}e\nf\té";
        assert_eq!(visible(name), "a\\u{1b}[2Jb\\u{7}c\\r\\u{9b}d\\u{202e}\\u{2066}e\nf\té");
        assert_eq!(visible_line("e\nf\té"), "e\\nf\\té");
    }

    #[test]
    fn settings_are_written_as_in_options() {
        assert_eq!(setting(&Pretrain::Rbm), "rbm");
    }
}
