//! An ensemble at work: pictures in, what it says out, tick by tick.

use super::{Ensemble, MemberConfig};
use crate::brain::eye::Gaze;
use crate::brain::memory::{Net, Stream};
use crate::brain::voice::OUTPUTS;
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Plays an ensemble to a succession of pictures: the mean of what its members say, `[ticks, 69]`.
///
/// The members for films answer up to half a second late; those for live use at once. Pictures may come in batches; what
/// is said does not depend on it.
pub struct Player<'a> {
    gaze: Gaze<'a>,
    choir: Choir<'a>,
    seen: Vec<f32>,
}

impl<'a> Player<'a> {
    /// Before the first picture (of `side` pixels); the first tick is number `first`. `live` chooses the members that know
    /// only the past. `batch` pictures are looked at together.
    pub fn new(brain: &'a Ensemble, side: usize, colour: bool, first: i64, live: bool, batch: usize) -> Self {
        let config = brain.config();
        let members = config.members.iter().zip(&brain.members).filter(|(member, _)| member.live == live);
        Self {
            gaze: Gaze::new(&brain.eye, side, colour, config.grid.tick, first, batch),
            choir: Choir::new(members, brain.eye.width()),
            seen: Vec::new(),
        }
    }

    /// Ticks that were answered so far.
    pub fn ticks(&self) -> u64 {
        self.choir.said
    }

    /// Shows a picture from `begin` until `end`, and adds what is said by now to `rows`.
    pub fn show(&mut self, pixels: &[u8], begin: MediaTime, end: MediaTime, rows: &mut Vec<f32>) {
        self.gaze.show(pixels, begin, end, &mut self.seen);
        self.choir.hear(&self.seen, rows);
        self.seen.clear();
    }

    /// After the last picture: adds the rest, up to tick number `until`, exclusive.
    pub fn finish(&mut self, until: i64, rows: &mut Vec<f32>) {
        self.gaze.finish(until, &mut self.seen);
        self.choir.hear(&self.seen, rows);
        self.seen.clear();
        self.choir.finish(rows);
    }
}

/// Members that answer together.
pub(super) struct Choir<'a> {
    width: usize,
    members: Vec<Member<'a>>,
    asked: u64,
    said: u64,
}

impl<'a> Choir<'a> {
    /// Of members that see rows of `width` numbers.
    pub(super) fn new(members: impl Iterator<Item = (&'a MemberConfig, &'a Net)>, width: usize) -> Self {
        let members = members.map(|(config, net)| Member::new(config, net.stream())).collect();
        Self { width, members, asked: 0, said: 0 }
    }

    /// Takes what the eye saw in the next ticks, and adds what all members have answered to `rows`.
    pub(super) fn hear(&mut self, seen: &[f32], rows: &mut Vec<f32>) {
        for seen in seen.chunks_exact(self.width) {
            self.members.iter_mut().for_each(|member| member.hear(seen));
            self.asked += 1;
        }
        self.answer(rows);
    }

    /// After the last tick.
    pub(super) fn finish(&mut self, rows: &mut Vec<f32>) {
        self.members.iter_mut().for_each(Member::finish);
        self.answer(rows);
    }

    fn answer(&mut self, rows: &mut Vec<f32>) {
        let ready = self.members.iter().map(|member| member.answers.len() / OUTPUTS).min().unwrap_or(0);
        let ready = (ready as u64).min(self.asked - self.said);
        let share = 1.0 / self.members.len().max(1) as f32;
        for _ in 0..ready * OUTPUTS as u64 {
            let sum: f32 = self.members.iter_mut().filter_map(|member| member.answers.pop_front()).sum();
            rows.push(share * sum);
        }
        self.said += ready;
    }
}

/// A member and its answers that wait for those of the others.
struct Member<'a> {
    config: &'a MemberConfig,
    stream: Stream,
    input: Vec<f32>,
    /// Answers still to be dropped: those for ticks before the first.
    early: usize,
    answers: VecDeque<f32>,
    /// What it answers to, last: repeated at the end.
    last: Vec<f32>,
}

impl<'a> Member<'a> {
    fn new(config: &'a MemberConfig, stream: Stream) -> Self {
        Self {
            config,
            stream,
            input: Vec::new(),
            early: config.ahead,
            answers: VecDeque::new(),
            last: Vec::new(),
        }
    }

    fn hear(&mut self, seen: &[f32]) {
        self.input.clear();
        self.input.extend(self.config.sees.iter().flat_map(|range| &seen[range.clone()]));
        self.last.clone_from(&self.input);
        self.push();
    }

    fn push(&mut self) {
        let mut answer = [0.0; OUTPUTS];
        if self.stream.push(&self.input, &mut answer) {
            self.keep(&answer);
        }
    }

    fn keep(&mut self, answer: &[f32]) {
        if self.early > 0 {
            self.early -= 1;
        } else {
            self.answers.extend(answer);
        }
    }

    /// After the last tick: what it still owes, as if the last picture stood still.
    fn finish(&mut self) {
        if self.last.is_empty() {
            return;
        }
        for _ in 0..self.config.ahead {
            self.push();
        }
        let mut answers = vec![0.0; self.config.shape.delay() * OUTPUTS];
        let owed = self.stream.finish(&mut answers);
        for answer in answers[..owed * OUTPUTS].chunks_exact(OUTPUTS) {
            self.keep(answer);
        }
    }
}
