//! Pixel values: full range, the right way up, transparent over black.

use crate::media::tests::*;

fn single(film: &Path, colour: bool) -> Vec<u8> {
    let (pictures, _) = decode(film, &Decode { size: 16, colour }).unwrap();
    pictures.into_iter().next().unwrap().pixels
}

#[test]
fn black_is_zero_and_white_is_255_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    for format in ["yuv420p", "yuvj420p", "yuv422p10le", "yuv444p", "gray", "bgr0", "gbrp10le"] {
        for (name, value) in [("black", 0), ("white", 255)] {
            let codec = if format == "yuvj420p" { "mjpeg" } else { "ffv1" };
            make(
                &format!("-f lavfi -i color={name}:s=96x54:r=5:d=0.4 -pix_fmt {format} -c:v {codec} {{}}"),
                &[&film],
            );
            for colour in [false, true] {
                let worst = single(&film, colour).into_iter().map(|p| p.abs_diff(value)).max();
                assert!(worst <= Some(1), "{name} {format} colour {colour}: off by {worst:?}");
            }
        }
    }
}

/// HDR code values are no light levels, but their order must hold: black stays black, white is bright.
#[test]
fn hdr_is_sane() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    for transfer in ["smpte2084", "arib-std-b67"] {
        let tags =
            format!("-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc -color_range tv");
        let picture = "color=black:s=64x64:r=5:d=0.4,drawbox=w=32:c=white:t=fill";
        make(&format!("-f lavfi -i {picture} -pix_fmt yuv420p10le {tags} -c:v ffv1 {{}}"), &[&film]);
        let pixels = single(&film, false);
        assert!(pixels[0] >= 254 && pixels[15] <= 1, "{transfer}: {} {}", pixels[0], pixels[15]);
    }
}

#[test]
fn areas_are_averaged_and_colours_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    // Columns of one pixel, black and white by turns: an average is grey, a sample would be black or white.
    make("-f lavfi -i nullsrc=s=256x256:r=5:d=0.4,format=gray,geq=255*mod(X\\,2) -c:v ffv1 {}", &[&film]);
    assert!(single(&film, false).iter().all(|p| p.abs_diff(128) <= 2));
    make("-f lavfi -i color=0xff8000:s=64x32:r=5:d=0.4 -pix_fmt bgr0 -c:v ffv1 {}", &[&film]);
    let pixel = &single(&film, true)[..3];
    assert!(pixel[0].abs_diff(255) <= 1 && pixel[1].abs_diff(128) <= 1 && pixel[2] <= 1, "{pixel:?}");
}

#[test]
fn transparency_lies_over_black() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    // White everywhere, but only half there on the left and not at all on the right.
    let alpha = "geq=r=255:g=255:b=255:a=if(lt(X\\,32)\\,128\\,0)";
    make(
        &format!(
            "-f lavfi -i color=white:s=64x64:r=5:d=0.4,format=rgba,{alpha} -pix_fmt bgra -c:v ffv1 {{}}"
        ),
        &[&film],
    );
    let pixels = single(&film, false);
    assert!(pixels[2].abs_diff(128) <= 2 && pixels[13] <= 1, "{} {}", pixels[2], pixels[13]);
    let orange = "geq=r=255:g=128:b=0:a=128";
    make(
        &format!(
            "-f lavfi -i color=white:s=64x64:r=5:d=0.4,format=rgba,{orange} -pix_fmt bgra -c:v ffv1 {{}}"
        ),
        &[&film],
    );
    let pixel = &single(&film, true)[..3];
    assert!(pixel[0].abs_diff(128) <= 3 && pixel[1].abs_diff(64) <= 3 && pixel[2] <= 3, "{pixel:?}");
}

/// Sound of 5.1 keeps its centre (speech) and does not clip; more than stereo comes out as stereo.
#[test]
fn surround_is_mixed_down_whole() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    for channel in 0..6 {
        let channels: Vec<_> = (0..6).map(|c| if c == channel { "sin(2000*t)" } else { "0" }).collect();
        let sound = format!("aevalsrc={}:c=5.1:s=48000:d=0.5", channels.join("|"));
        make(&format!("-f lavfi -i {sound} -c:a pcm_f32le {{}}"), &[&film]);
        let heard = sound_of(&film, 48_000).into_iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        // FFmpeg leaves the low-frequency channel (3) out of a downmix, as ITU-R BS.775 allows.
        assert!(
            if channel == 3 { heard < 0.01 } else { (0.1..0.6).contains(&heard) },
            "channel {channel}: {heard}"
        );
    }
    make("-f lavfi -i aevalsrc=1|1|1|1|1|1:c=5.1:s=48000:d=0.5 -c:a pcm_f32le {}", &[&film]);
    assert!(sound_of(&film, 48_000).into_iter().all(|s| s <= 1.0001));
}
