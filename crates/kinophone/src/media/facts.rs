//! Facts of a film that are known before it is decoded.

use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use serde::{Deserialize, Serialize};

/// Facts of a film that are known before it is decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilmFacts {
    /// ffmpeg's names of the container: "mov,mp4,m4a,3gp,3g2,mj2".
    pub container: String,
    /// As the container claims; a stream without an index may not say.
    pub duration: Option<MediaTime>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// The picture stream that Kinophone uses: the best one that is no cover image.
    pub picture: Option<PictureFacts>,
    /// All sound streams in the file's order; `--audio-track N` counts these from 0.
    pub sounds: Vec<SoundFacts>,
    /// Title, artist, licence … as the file's own tags say.
    pub tags: Vec<(String, String)>,
}

/// A picture stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// Index among all streams of the file.
    pub stream: usize,
    /// ffmpeg's name: "h264".
    pub codec: String,
    /// Stored width in pixels.
    pub width: u32,
    /// Stored height in pixels.
    pub height: u32,
    /// ffmpeg's name: "yuv420p10le".
    pub pixel_format: String,
    /// Average rate as the container claims; pictures carry their own times, so this is for display and
    /// estimates.
    pub rate: Option<FrameRate>,
    /// Degrees by which a player turns the stored picture clockwise: 0, 90, 180 or 270 as a rule.
    pub rotation: i32,
    /// Time of its first picture that can be decoded, on the film's clock (a recording may begin between key
    /// frames).
    pub start: MediaTime,
    /// Timecode of its first picture, where the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<FilmTimecode>,
}

/// A timecode as a film's tags have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilmTimecode {
    /// As it is written: "01:00:00:00", with drop frames "01:00:00;00".
    pub label: String,
    /// Pictures a second that it counts, where a stream of its own says so; else those of the film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<FrameRate>,
}

/// A sound stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundFacts {
    /// Index among all streams of the file.
    pub stream: usize,
    /// ffmpeg's name: "aac".
    pub codec: String,
    /// Samples a second.
    pub rate: SampleRate,
    /// Channels in the file, before any downmix.
    pub channels: u32,
    /// Beginning of the stream on the film's clock.
    pub start: MediaTime,
    /// ffmpeg's name for the places of its channels, "5.1(side)"; `None` where they have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Language tag, where there is one.
    pub language: Option<String>,
    /// Title tag, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// True if players are to choose it where nobody else does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}
