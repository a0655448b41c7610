//! Curves made of characters, for the terminal.

/// Draws values that go from left to right as a curve out of Braille characters, `width × height` characters
/// in all, the scale at the left included. The axis is logarithmic where all values are above zero, as losses
/// are. Values that are not finite are left out; without any other, and in less than 16 × 2 characters, the
/// result is empty. Lines end with a line feed, the last one too.
pub fn terminal_curve(values: &[f32], width: usize, height: usize) -> String {
    draw(values, width, height, (2, 4), braille)
}

/// The same out of plain ASCII, for terminals that know no other characters.
pub fn terminal_curve_plain(values: &[f32], width: usize, height: usize) -> String {
    draw(values, width, height, (1, 1), |dots| if dots[0] { '*' } else { ' ' })
}

/// Width of the scale: a number of nine characters and two of frame.
const SCALE: usize = 11;

/// `cell` is how many dots a character has across and down; `character` turns them, row by row, into one.
fn draw(
    values: &[f32],
    width: usize,
    height: usize,
    cell: (usize, usize),
    character: impl Fn(&[bool]) -> char,
) -> String {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    if width < 16 || height < 2 || finite().next().is_none() {
        return String::new();
    }
    let (low, high) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let columns = width - SCALE;
    let dots = Dots::of(values, low, high, (columns * cell.0, height * cell.1));
    let mut text = String::new();
    for row in 0..height {
        let label = match row {
            0 => format!("{high:>9.3e}"),
            _ if row + 1 == height => format!("{low:>9.3e}"),
            _ => " ".repeat(9),
        };
        let line: String = (0..columns).map(|column| character(&dots.cell(column, row, cell))).collect();
        let frame = if cell == (1, 1) { '|' } else { '│' };
        text.push_str(&format!("{label} {frame}{}", line.trim_end_matches([' ', '\u{2800}'])));
        text.push('\n');
    }
    text
}

/// A field of dots, rows from the top.
struct Dots {
    width: usize,
    set: Vec<bool>,
}

impl Dots {
    /// The curve through `values`, each column joined to the one before.
    fn of(values: &[f32], low: f32, high: f32, (width, height): (usize, usize)) -> Self {
        let mut dots = Self { width, set: vec![false; width * height] };
        let bend = |v: f32| if low > 0.0 { v.ln() } else { v };
        let span = (bend(high) - bend(low)).max(f32::MIN_POSITIVE);
        let row_of = |v: f32| ((1.0 - (bend(v) - bend(low)) / span) * (height - 1) as f32).round() as usize;
        let mut before: Option<usize> = None;
        for x in 0..width {
            let now = values.get(place(x, width, values.len())).filter(|v| v.is_finite()).map(|v| row_of(*v));
            if let Some(row) = now {
                let from = before.unwrap_or(row);
                for y in row.min(from)..=row.max(from) {
                    dots.set[y * width + x] = true;
                }
            }
            before = now;
        }
        dots
    }

    /// The dots of one character, row by row.
    fn cell(&self, column: usize, row: usize, (across, down): (usize, usize)) -> Vec<bool> {
        let at = |i: usize| self.set[(row * down + i / across) * self.width + column * across + i % across];
        (0..across * down).map(at).collect()
    }
}

/// Index of the value among `len` at column `x` of `width`: the first at the left edge, the last at the right
/// one.
fn place(x: usize, width: usize, len: usize) -> usize {
    (x as f64 / (width - 1).max(1) as f64 * len.saturating_sub(1) as f64).round() as usize
}

/// The Braille character of two by four dots. Unicode numbers the dots down the left column, then down the
/// right one, and the lowest pair last (The Unicode Standard, Braille Patterns, U+2800).
fn braille(dots: &[bool]) -> char {
    const BITS: [u32; 8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
    let bits = dots.iter().zip(BITS).filter(|(dot, _)| **dot).map(|(_, bit)| bit).sum::<u32>();
    char::from_u32(0x2800 + bits).unwrap_or(' ')
}
