//! Codecs by container: those that we offer, fewer than ffmpeg would write, so that results
//! play where people expect them to.

use crate::media::SoundCodec;
use SoundCodec::{Aac, Flac, Opus, Pcm};

/// A container that Kinophone writes.
struct Container {
    extension: &'static str,
    /// ffmpeg's name of its writer.
    muxer: &'static str,
    /// The first is the default.
    sounds: &'static [SoundCodec],
    /// ffmpeg's names of the picture codecs that fit; `None` for sound alone.
    pictures: Option<&'static [&'static str]>,
    /// True where tags have any name; other containers have a fixed set of names. (MP4 could have others, with
    /// `use_metadata_tags`, but then puts title and artist where ffmpeg alone finds them.)
    free_tags: bool,
}

/// ISO base media (MP4 registration authority's list, as far as players know it).
const MP4_PICTURES: &[&str] = &[
    "h264",
    "hevc",
    "av1",
    "vp9",
    "mpeg4",
    "mpeg2video",
    "mpeg1video",
    "mjpeg",
    "vc1",
    "vvc",
    "png",
    "jpeg2000",
];
/// QuickTime: what editors write, too.
const MOV_PICTURES: &[&str] = &[
    "h264",
    "hevc",
    "mpeg4",
    "mpeg2video",
    "mpeg1video",
    "mjpeg",
    "prores",
    "dnxhd",
    "cfhd",
    "png",
    "qtrle",
    "rawvideo",
    "dvvideo",
    "svq1",
    "svq3",
    "cinepak",
    "rpza",
    "h263",
    "ffv1",
    "jpeg2000",
    "hap",
    "v210",
    "gif",
];
const WEBM_PICTURES: &[&str] = &["vp8", "vp9", "av1"];
/// Codecs of AVI's own time. H.264 is left out: AVI has one time per packet, in storage order, so that its
/// B-frames come back late; so are newer codecs, whose tags players do not know.
const AVI_PICTURES: &[&str] = &[
    "mpeg4",
    "msmpeg4v1",
    "msmpeg4v2",
    "msmpeg4v3",
    "mpeg1video",
    "mpeg2video",
    "mjpeg",
    "ffv1",
    "huffyuv",
    "ffvhuff",
    "utvideo",
    "rawvideo",
    "dvvideo",
    "cinepak",
    "wmv1",
    "wmv2",
    "h263",
    "h263p",
    "flv1",
    "magicyuv",
    "png",
];

const CONTAINERS: &[Container] = &[
    Container {
        extension: "mp4",
        muxer: "mp4",
        sounds: &[Aac, Opus, Flac],
        pictures: Some(MP4_PICTURES),
        free_tags: false,
    },
    Container {
        extension: "m4v",
        muxer: "mp4",
        sounds: &[Aac, Opus, Flac],
        pictures: Some(MP4_PICTURES),
        free_tags: false,
    },
    Container {
        extension: "mov",
        muxer: "mov",
        sounds: &[Aac, Pcm],
        pictures: Some(MOV_PICTURES),
        free_tags: false,
    },
    // Matroska takes any picture codec that ffmpeg can read, but for animated PNG.
    Container {
        extension: "mkv",
        muxer: "matroska",
        sounds: &[Aac, Flac, Opus, Pcm],
        pictures: Some(&[]),
        free_tags: true,
    },
    Container {
        extension: "webm",
        muxer: "webm",
        sounds: &[Opus],
        pictures: Some(WEBM_PICTURES),
        free_tags: true,
    },
    // AVI can't say that AAC's first 1024 samples are not meant to be heard: it would sound late.
    Container {
        extension: "avi",
        muxer: "avi",
        sounds: &[Pcm],
        pictures: Some(AVI_PICTURES),
        free_tags: false,
    },
    Container { extension: "wav", muxer: "wav", sounds: &[Pcm], pictures: None, free_tags: false },
    Container { extension: "flac", muxer: "flac", sounds: &[Flac], pictures: None, free_tags: true },
];

impl SoundCodec {
    /// True where the written samples are read back exactly.
    pub fn is_lossless(self) -> bool {
        matches!(self, Flac | Pcm)
    }

    /// Default codec of a container, by the output's extension: mp4, m4v, mov, mkv: AAC, which every editor
    /// opens; webm: Opus; avi, wav: PCM; flac: FLAC. `None` for an extension that Kinophone does not write.
    pub fn default_for(extension: &str) -> Option<Self> {
        container(extension)?.sounds.first().copied()
    }

    /// True where that container can hold this codec.
    pub fn fits(self, extension: &str) -> bool {
        container(extension).is_some_and(|c| c.sounds.contains(&self))
    }
}

/// ffmpeg's name of the writer for an extension (lower case, no dot).
pub(crate) fn muxer(extension: &str) -> Option<&'static str> {
    container(extension).map(|c| c.muxer)
}

/// True where a container takes that picture codec.
pub(crate) fn takes_picture(extension: &str, codec: &str) -> bool {
    let pictures = container(extension).and_then(|c| c.pictures);
    pictures.is_some_and(|codecs| codecs.is_empty() && codec != "apng" || codecs.contains(&codec))
}

/// True where a container takes pictures at all.
pub(crate) fn holds_pictures(extension: &str) -> bool {
    container(extension).is_some_and(|c| c.pictures.is_some())
}

/// The extensions of all containers that take that picture codec.
pub(crate) fn takers_of_picture(codec: &str) -> Vec<&'static str> {
    extensions().filter(|extension| takes_picture(extension, codec)).collect()
}

/// The extensions of all containers that take that sound codec.
pub(crate) fn takers_of_sound(codec: SoundCodec) -> Vec<&'static str> {
    extensions().filter(|extension| codec.fits(extension)).collect()
}

/// The names of the tags that are ours in a container: how the sound was made, and its credits. Where names are not free, they are
/// those under which an owner's remark and notice of copyright may stand already.
pub(crate) fn own_tags(extension: &str) -> OwnTags {
    if container(extension).is_some_and(|c| c.free_tags) {
        return OwnTags { made: "KINOPHONE", credits: "KINOPHONE_CREDITS", shared: false };
    }
    OwnTags { made: "comment", credits: "copyright", shared: true }
}

/// See [`own_tags`].
pub(crate) struct OwnTags {
    pub(crate) made: &'static str,
    pub(crate) credits: &'static str,
    /// True where the film's owner may have used the same names.
    pub(crate) shared: bool,
}

/// Every extension that Kinophone writes.
pub(crate) fn extensions() -> impl Iterator<Item = &'static str> {
    CONTAINERS.iter().map(|c| c.extension)
}

fn container(extension: &str) -> Option<&'static Container> {
    CONTAINERS.iter().find(|c| c.extension == extension)
}
