//! Progress on standard error: a bar on a terminal, else a plain line every few seconds; both with rate and time left.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kinophone::task::Watcher;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Between two redraws of a bar: as fast as an eye wants it.
const REDRAW: Duration = Duration::from_millis(100);

/// Between two plain lines: a log of an hour stays readable.
const LINE: Duration = Duration::from_secs(5);

/// A stage shorter than this gets no line at all: it would only be noise. No rate is known before, either.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// Shows what a job reports. [`Watcher::advance`] costs an atomic store and a look at the clock.
pub struct Progress {
    display: Display,
    begin: Instant,
    done: AtomicU64,
    /// When the next redraw or line is due, in milliseconds since `begin`.
    due: AtomicU64,
    stage: Mutex<Option<Stage>>,
}

enum Display {
    Nothing,
    Bar(ProgressBar),
    Lines(Mutex<Box<dyn Write + Send>>),
}

struct Stage {
    name: String,
    unit: &'static str,
    total: Option<u64>,
    figure: String,
    begin: Instant,
    /// The first report and its time: work done by an earlier run does not count towards the rate.
    first: Option<(u64, Instant)>,
}

impl Progress {
    /// On standard error, as suits what it is connected to; `quiet` shows warnings only.
    pub fn new(quiet: bool) -> Self {
        if quiet {
            Self::with(Display::Nothing)
        } else if io::stderr().is_terminal() {
            Self::with(Display::Bar(bar()))
        } else {
            Self::with(Display::Lines(Mutex::new(Box::new(io::stderr()))))
        }
    }

    /// Ends the last stage: its bar vanishes, or its closing line appears.
    pub fn end(&self) {
        let Ok(mut stage) = self.stage.lock() else { return };
        if let Some(last) = stage.take() {
            match &self.display {
                Display::Bar(bar) => bar.finish_and_clear(),
                Display::Lines(_) => {
                    if last.begin.elapsed() >= WORTH_A_LINE {
                        self.line(&last.closing(self.done.load(Relaxed)));
                    }
                }
                Display::Nothing => {}
            }
        }
    }

    fn with(display: Display) -> Self {
        let (done, due) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { display, begin: Instant::now(), done, due, stage: Mutex::new(None) }
    }

    /// A whole line, above the bar where there is one. A closed standard error is nobody's error.
    fn line(&self, text: &str) {
        match &self.display {
            Display::Nothing => {}
            Display::Bar(bar) => bar.suspend(|| {
                let _ = writeln!(io::stderr(), "{text}");
            }),
            Display::Lines(out) => {
                if let Ok(mut out) = out.lock() {
                    let _ = writeln!(out, "{text}");
                }
            }
        }
    }

    /// Shows the stage as it stands, and sets when to do so again.
    fn show(&self, stage: &Stage) {
        let text = stage.describe(self.done.load(Relaxed));
        let pause = match &self.display {
            Display::Nothing => return,
            Display::Bar(bar) => {
                bar.set_position(self.done.load(Relaxed));
                bar.set_message(text);
                REDRAW
            }
            Display::Lines(_) => {
                self.line(&format!("{}: {text}", stage.name));
                LINE
            }
        };
        self.next_in(pause);
    }

    fn next_in(&self, pause: Duration) {
        self.due.store((self.begin.elapsed() + pause).as_millis() as u64, Relaxed);
    }

    fn is_due(&self) -> bool {
        self.begin.elapsed().as_millis() as u64 >= self.due.load(Relaxed)
    }
}

impl Watcher for Progress {
    fn stage(&self, name: &str, unit: &'static str, total: Option<u64>) {
        self.end();
        self.done.store(0, Relaxed);
        self.next_in(Duration::ZERO);
        let begin = Instant::now();
        let stage = Stage { name: name.to_owned(), unit, total, figure: String::new(), begin, first: None };
        if let Display::Bar(bar) = &self.display {
            bar.reset();
            match total {
                Some(total) => bar.set_length(total),
                None => bar.unset_length(),
            }
            bar.set_prefix(stage.name.clone());
            self.show(&stage);
        }
        if let Ok(mut current) = self.stage.lock() {
            *current = Some(stage);
        }
    }

    fn advance(&self, done: u64) {
        self.done.store(done, Relaxed);
        if matches!(self.display, Display::Nothing) || !self.is_due() {
            return;
        }
        // Whoever can't get the lock has another thread showing the progress at this moment.
        if let Ok(mut current) = self.stage.try_lock()
            && let Some(stage) = current.as_mut()
        {
            if stage.first.is_none() {
                stage.first = Some((done, Instant::now()));
                self.next_in(WORTH_A_LINE);
            } else {
                self.show(stage);
            }
        }
    }

    fn figure(&self, text: &str) {
        if let Ok(mut current) = self.stage.lock()
            && let Some(stage) = current.as_mut()
        {
            stage.figure = text.to_owned();
        }
    }

    fn say(&self, text: &str) {
        self.line(text);
    }

    fn warn(&self, text: &str) {
        match &self.display {
            Display::Nothing => {
                let _ = writeln!(io::stderr(), "warning: {text}");
            }
            _ => self.line(&format!("warning: {text}")),
        }
    }
}

impl Stage {
    /// "4200 of 14315 pictures, 512/s, 20 s left, loss 0.0123".
    fn describe(&self, done: u64) -> String {
        let mut text = match self.total {
            Some(total) => format!("{done} of {total} {}", self.unit),
            None => format!("{done} {}", self.unit),
        };
        if let Some(rate) = self.rate(done) {
            text += &format!(", {}/s", short(rate));
            if let Some(total) = self.total.filter(|&t| t > done) {
                text += &format!(", {} left", span((total - done) as f64 / rate));
            }
        }
        if !self.figure.is_empty() {
            text += &format!(", {}", self.figure);
        }
        text
    }

    /// "reading film.mp4: 14315 pictures in 28 s".
    fn closing(&self, done: u64) -> String {
        let mut text =
            format!("{}: {done} {} in {}", self.name, self.unit, span(self.begin.elapsed().as_secs_f64()));
        if !self.figure.is_empty() {
            text += &format!(", {}", self.figure);
        }
        text
    }

    /// Units a second since the first report, once there is a second of it.
    fn rate(&self, done: u64) -> Option<f64> {
        let (start, since) = self.first?;
        let elapsed = since.elapsed();
        (elapsed >= WORTH_A_LINE && done > start).then(|| (done - start) as f64 / elapsed.as_secs_f64())
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:.bold} {bar:24} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// Three digits are enough for a rate: 512, 51.2, 5.12.
fn short(rate: f64) -> String {
    // By the rounded value: 99.96 is written 100, not 100.0.
    let decimals = [(99.95, 0), (9.995, 1)].iter().find(|(from, _)| rate >= *from).map_or(2, |(_, d)| *d);
    format!("{rate:.decimals$}")
}

/// A length of time in words: "20 s", "3 min 20 s", "2 h 05 min".
pub fn span(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Progress, Log) {
        let log = Log::default();
        (Progress::with(Display::Lines(Mutex::new(Box::new(log.clone())))), log)
    }

    fn running(seconds: u64) -> Stage {
        let begin = Instant::now() - Duration::from_secs(seconds);
        let first = Some((0, begin));
        Stage {
            name: "reading f".into(),
            unit: "pictures",
            total: Some(14_315),
            figure: String::new(),
            begin,
            first,
        }
    }

    #[test]
    fn a_line_tells_count_rate_and_time_left() {
        let mut stage = running(10);
        assert_eq!(stage.describe(5000), "5000 of 14315 pictures, 500/s, 19 s left");
        stage.figure = "loss 0.01".into();
        stage.total = None;
        assert_eq!(stage.describe(5000), "5000 pictures, 500/s, loss 0.01");
    }

    #[test]
    fn what_an_earlier_run_did_is_not_counted_as_speed() {
        let mut stage = running(10);
        stage.first = Some((4000, stage.begin));
        assert_eq!(stage.describe(5000), "5000 of 14315 pictures, 100/s, 1 min 33 s left");
    }

    #[test]
    fn no_rate_is_invented_and_the_end_has_no_time_left() {
        assert_eq!(running(0).describe(10), "10 of 14315 pictures");
        assert_eq!(running(100).describe(14_315), "14315 of 14315 pictures, 143/s");
    }

    #[test]
    fn rates_have_three_digits() {
        assert_eq!(
            [short(1431.5), short(99.96), short(51.23), short(9.996), short(0.2)],
            ["1432", "100", "51.2", "10.0", "0.20"]
        );
    }

    #[test]
    fn a_thousand_quick_reports_are_no_line_and_a_long_stage_is_one() {
        let (progress, log) = lines();
        progress.stage("reading a", "pictures", Some(1000));
        (0..1000).for_each(|i| progress.advance(i));
        progress.stage("reading b", "pictures", Some(1000));
        (0..1000).for_each(|i| progress.advance(i));
        progress.end();
        assert_eq!(log.text(), "");
        progress.stage("reading c", "pictures", Some(1000));
        progress.advance(1);
        // As if a while had passed.
        progress.due.store(0, Relaxed);
        (100..200).for_each(|i| progress.advance(i));
        assert_eq!(log.text(), "reading c: 100 of 1000 pictures\n");
    }

    #[test]
    fn facts_and_warnings_are_lines_and_quiet_has_no_facts() {
        let (progress, log) = lines();
        progress.say("a fact");
        progress.warn("careful");
        assert_eq!(log.text(), "a fact\nwarning: careful\n");
        assert!(matches!(Progress::new(true).display, Display::Nothing));
    }

    #[test]
    fn spans_of_time_are_words() {
        assert_eq!(
            [span(0.4), span(59.4), span(200.0), span(7500.0)],
            ["0 s", "59 s", "3 min 20 s", "2 h 05 min"]
        );
    }
}
