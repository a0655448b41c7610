//! Progress on standard error: a bar on a terminal, otherwise a plain line every few seconds; both with rate
//! and time left.

use crate::wording::{duration, visible, visible_line};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kinophone::task::Watcher;
use kinophone::wording::count;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Pause between two redraws of a bar.
const REDRAW_PAUSE: Duration = Duration::from_millis(100);

/// Pause between two plain lines: the log of an hour stays readable.
const LINE_PAUSE: Duration = Duration::from_secs(5);

/// Shortest stage that gets a line, and shortest time from which a rate is estimated.
const MIN_STAGE: Duration = Duration::from_secs(1);

/// Shows the progress of jobs. [`Watcher::advance`] costs an atomic store and a reading of the clock.
pub struct Progress {
    display: Display,
    begin: Instant,
    done: AtomicU64,
    /// Time of the next redraw or line, in milliseconds since `begin`.
    due: AtomicU64,
    stage: Mutex<Option<ProgressStage>>,
}

enum Display {
    Nothing,
    Bar(ProgressBar),
    Lines(Mutex<Box<dyn Write + Send>>),
}

struct ProgressStage {
    name: String,
    unit: &'static str,
    total: Option<u64>,
    figure: String,
    begin: Instant,
    /// The first report and its time: the work of an earlier run does not count towards the rate.
    first: Option<(u64, Instant)>,
}

impl Progress {
    /// A display on standard error, according to what that is connected to; `quiet` shows warnings only.
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
                    if last.begin.elapsed() >= MIN_STAGE {
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

    /// Writes a whole line, above the bar where there is one. A closed standard error is not an error.
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

    /// Shows the state of the stage, and schedules the next time.
    fn show(&self, stage: &ProgressStage) {
        let text = stage.describe(self.done.load(Relaxed));
        let pause = match &self.display {
            Display::Nothing => return,
            Display::Bar(bar) => {
                bar.set_position(self.done.load(Relaxed));
                bar.set_message(text);
                REDRAW_PAUSE
            }
            Display::Lines(_) => {
                self.line(&stage.with_name(&text));
                LINE_PAUSE
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
        let stage = ProgressStage {
            name: visible_line(name),
            unit,
            total,
            figure: String::new(),
            begin,
            first: None,
        };
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
        // Without the lock, another thread is showing the progress at this moment.
        if let Ok(mut current) = self.stage.try_lock()
            && let Some(stage) = current.as_mut()
        {
            if stage.first.is_none() {
                stage.first = Some((done, Instant::now()));
                self.next_in(MIN_STAGE);
            } else {
                self.show(stage);
            }
        }
    }

    fn figure(&self, text: &str) {
        if let Ok(mut current) = self.stage.lock()
            && let Some(stage) = current.as_mut()
        {
            stage.figure = visible_line(text);
        }
    }

    fn say(&self, text: &str) {
        self.line(&visible(text));
    }

    fn warn(&self, text: &str) {
        let text = visible_line(text);
        match &self.display {
            Display::Nothing => {
                let _ = writeln!(io::stderr(), "warning: {text}");
            }
            _ => self.line(&format!("warning: {text}")),
        }
    }
}

impl ProgressStage {
    /// "4200 of 14315 pictures, 512/s, 20 s left, loss 0.0123"; empty until something is done.
    fn describe(&self, done: u64) -> String {
        let mut text = match self.total {
            _ if done == 0 => String::new(),
            Some(total) => format!("{done} of {total} {}", self.unit),
            None => count(done, self.unit),
        };
        if let Some(rate) = self.rate(done) {
            text += &format!(", {}/s", rate_text(rate));
            if let Some(total) = self.total.filter(|&t| t > done) {
                text += &format!(", {} left", duration((total - done) as f64 / rate));
            }
        }
        self.add_figure(&mut text);
        text
    }

    /// "reading film.mp4: 14315 pictures in 28 s", or "training: 28 s" where nothing was counted.
    fn closing(&self, done: u64) -> String {
        let time = duration(self.begin.elapsed().as_secs_f64());
        let mut text = if done == 0 { time } else { format!("{} in {time}", count(done, self.unit)) };
        self.add_figure(&mut text);
        self.with_name(&text)
    }

    fn add_figure(&self, text: &mut String) {
        if !self.figure.is_empty() {
            *text += if text.is_empty() { "" } else { ", " };
            *text += &self.figure;
        }
    }

    /// "NAME: text", or the name alone.
    fn with_name(&self, text: &str) -> String {
        if text.is_empty() { self.name.clone() } else { format!("{}: {text}", self.name) }
    }

    /// Units per second since the first report, once that is a second ago.
    fn rate(&self, done: u64) -> Option<f64> {
        let (start, since) = self.first?;
        let elapsed = since.elapsed();
        (elapsed >= MIN_STAGE && done > start).then(|| (done - start) as f64 / elapsed.as_secs_f64())
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:.bold} {bar:24} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// A rate with three digits: 512, 51.2, 5.12.
fn rate_text(rate: f64) -> String {
    // By the rounded value: 99.96 is written 100, not 100.0.
    let decimals = [(99.95, 0), (9.995, 1)].iter().find(|(from, _)| rate >= *from).map_or(2, |(_, d)| *d);
    format!("{rate:.decimals$}")
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

    fn running(seconds: u64) -> ProgressStage {
        let begin = Instant::now() - Duration::from_secs(seconds);
        let first = Some((0, begin));
        ProgressStage {
            name: "reading f".into(),
            unit: "pictures",
            total: Some(14_315),
            figure: String::new(),
            begin,
            first,
        }
    }

    #[test]
    fn a_line_has_count_rate_and_time_left() {
        let mut stage = running(10);
        assert_eq!(stage.describe(5000), "5000 of 14315 pictures, 500/s, 19 s left");
        stage.figure = "loss 0.01".into();
        stage.total = None;
        assert_eq!(stage.describe(5000), "5000 pictures, 500/s, loss 0.01");
        assert_eq!(stage.describe(1), "1 picture, 0.10/s, loss 0.01");
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
    fn a_stage_without_a_count_is_its_name_and_its_time() {
        let mut stage = running(10);
        assert_eq!((stage.describe(0), stage.with_name("")), (String::new(), "reading f".to_owned()));
        assert_eq!(stage.closing(0), "reading f: 10 s");
        assert_eq!(stage.closing(1), "reading f: 1 picture in 10 s");
        stage.figure = "loss 0.01".into();
        assert_eq!(stage.describe(0), "loss 0.01");
    }

    #[test]
    fn rates_have_three_digits() {
        assert_eq!(
            [rate_text(1431.5), rate_text(99.96), rate_text(51.23), rate_text(9.996), rate_text(0.2)],
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
}
