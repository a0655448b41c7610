//! Textures: films played by recorded sounds, without a brain.

mod support;

use std::path::Path;
use support::{Home, decode_sound, ffmpeg, packets_md5, small_film};

/// Whether a picture of [`flashes`] is white.
fn is_lit(k: usize) -> bool {
    k % 19 == 7 || k % 40 == 13
}

/// A film of 150 black pictures, with single white ones among them; `time` says when picture N appears, in
/// milliseconds.
fn flashes(file: &Path, time: &str) {
    let lit = "drawbox=c=white:t=fill:enable='eq(mod(n,19),7)+eq(mod(n,40),13)'";
    let source = format!("color=black:s=64x48:r=25:d=6,{lit},settb=1/1000,setpts='{time}'");
    let codec = "-fps_mode passthrough -enc_time_base 1/1000 -c:v libx264 -qp 0 -preset ultrafast -pix_fmt yuv420p -bf 0";
    let words = ["-f", "lavfi", "-i", &source].into_iter().chain(codec.split(' '));
    ffmpeg(&words.chain([file.to_str().unwrap()]).collect::<Vec<_>>());
}

/// A library with one recording: silence, and a burst of a fiftieth of a second that begins with its full
/// amplitude.
fn click(home: &Home, rate: u32) -> String {
    let source =
        format!("aevalsrc=if(between(t\\,0.4\\,0.42)\\,0.4*cos(2*PI*1000*(t-0.4))\\,0):s={rate}:d=1");
    let file = home.at(&format!("click{rate}.wav"));
    let words = ["-f", "lavfi", "-i", &source, "-c:a", "pcm_s16le", file.to_str().unwrap()];
    ffmpeg(&words);
    home.run(&format!("sounds @click{rate}.wav -o @click{rate}.lib"));
    format!("@click{rate}.lib")
}

/// When the pictures of a film appear, in microseconds, as the program sees them.
fn times(film: &Path) -> Vec<i64> {
    support::packets(film, "0:v:0").iter().map(|(at, _)| (at * 1e6).round() as i64).collect()
}

#[test]
fn every_flash_has_its_click_on_its_sample_and_nothing_else_sounds() {
    let home = Home::new();
    // 25 pictures a second, and every picture as long as it pleases, 4 to 76 ms.
    for (name, time) in [("regular.mkv", "40*N"), ("irregular.mkv", "40*N+mod(N*N*31,37)")] {
        flashes(&home.at(name), time);
        let times = times(&home.at(name));
        for rate in [44_100u32, 48_000] {
            let library = click(&home, rate);
            let line = format!("texture @{name} --sounds {library} -o @out.wav --force --preset percussion");
            let (made, _) = home.run(&line);
            assert_eq!(made["rate"], rate, "{made}");
            let sound = decode_sound(&home.at("out.wav"), rate);
            let frame = |k: usize| {
                let micros = i128::from(times[k] - times[0]);
                ((micros * i128::from(rate) + 500_000) / 1_000_000) as i64
            };
            let wanted: Vec<i64> = (0..150).filter(|k| is_lit(*k)).map(frame).collect();
            assert_eq!(made["hits"], wanted.len(), "{made}");
            let length = i64::from(rate) / 50;
            let mut begins = Vec::new();
            for (n, x) in (0i64..).zip(&sound) {
                let since = wanted.iter().filter(|at| n >= **at - 1).map(|at| n - at).min();
                if *x != 0.0 {
                    assert!(since.is_some_and(|since| since <= length + 1), "{name}, {rate}: {x} in {n}");
                    if begins.last().is_none_or(|last| n - last > length + 2) {
                        begins.push(n);
                    }
                }
            }
            assert_eq!(begins.len(), wanted.len(), "{name}, {rate}: {begins:?}");
            for (is, wanted) in begins.iter().zip(&wanted) {
                assert!((is - wanted).abs() <= 1, "{name}, {rate}: {is}, not {wanted}");
            }
        }
    }
}

/// Six seconds of noise, as many of two tones.
fn noises(home: &Home) {
    std::fs::create_dir_all(home.at("noises")).unwrap();
    for (name, source) in [
        ("noise.wav", "anoisesrc=r=44100:a=0.3:d=6:seed=1"),
        ("brown.wav", "anoisesrc=r=44100:a=0.5:d=6:c=brown:seed=2"),
        ("tone.wav", "aevalsrc=0.2*sin(2*PI*440*t)*(0.6+0.4*sin(2*PI*3*t)):s=44100:d=6"),
    ] {
        ffmpeg(&["-f", "lavfi", "-i", source, home.at("noises").join(name).to_str().unwrap()]);
    }
    home.run("sounds @noises -o @lib --licence CC0-1.0");
}

#[test]
fn a_texture_keeps_the_picture_and_is_the_same_again() {
    let home = Home::new();
    noises(&home);
    small_film(&home.at("film.mp4"), 4);
    let (made, _) = home.run("texture @film.mp4 --sounds @lib -o @out.mp4 --pictures @look");
    assert!(home.at("look/texture.png").exists() && made["drawn"].as_array().unwrap().len() == 1, "{made}");
    assert!(made["grains"].as_u64().unwrap() > 3, "{made}");
    assert_eq!(made["shots"].as_array().unwrap().len(), 1, "{made}");
    assert_eq!(packets_md5(&home.at("out.mp4"), "v"), packets_md5(&home.at("film.mp4"), "v"));
    let tags = ffmpeg(&["-i", home.at("out.mp4").to_str().unwrap(), "-f", "ffmetadata", "-"]);
    let tags = String::from_utf8(tags).unwrap();
    assert!(tags.contains("strings") && tags.contains("brown.wav"), "{tags}");
    let files: Vec<Vec<u8>> = ["a.wav", "b.wav"]
        .iter()
        .map(|name| {
            home.run(&format!("texture @film.mp4 --sounds @lib -o @{name} --seed 3"));
            std::fs::read(home.at(name)).unwrap()
        })
        .collect();
    assert!(files[0] == files[1], "another sound from the same seed");
    // Over the film's own sound, at a loudness.
    let (made, _) = home.run(
        "texture @film.mp4 --sounds @lib -o @kept.mp4 --preset drone --keep-original -12 --loudness -20 --sections off",
    );
    assert!(made["loudness_before"].is_number(), "{made}");
    assert!(home.refuse("texture @film.mp4 --sounds @lib -o @kept.mp4").contains("exists already"));
}

#[test]
fn mappings_are_printed_changed_and_checked() {
    let home = Home::new();
    noises(&home);
    small_film(&home.at("film.mp4"), 2);
    for preset in ["strings", "percussion", "drone", "inverse"] {
        let text =
            String::from_utf8(home.succeed(&format!("texture --print-mapping {preset}")).stdout).unwrap();
        std::fs::write(home.at("mine.toml"), &text).unwrap();
        home.run("texture @film.mp4 --sounds @lib -o @a.wav --mapping @mine.toml --force");
        home.run(&format!("texture @film.mp4 --sounds @lib -o @b.wav --preset {preset} --force"));
        // The files name their mappings, and sound alike.
        let [a, b] = ["a.wav", "b.wav"].map(|name| decode_sound(&home.at(name), 44_100));
        assert!(a == b, "{preset}");
    }
    let line = "texture @film.mp4 --sounds @lib -o @c.wav --mapping @mine.toml";
    std::fs::write(home.at("mine.toml"), "[loudness]\nfrom = \"smell\"\nlow_db = -50\nhigh_db = -10\n")
        .unwrap();
    let said = home.refuse(line);
    assert!(said.contains("line 2, column 8") && said.contains("smell") && said.contains("warmth"), "{said}");
    std::fs::write(home.at("mine.toml"), "[loudness]\nfrom = \"motion\"\nlow_db = -500\nhigh_db = -10\n")
        .unwrap();
    assert!(home.refuse(line).contains("line 3, column 10"));
    assert!(
        home.refuse("texture @film.mp4 --sounds @lib -o @c.wav --mapping @none.toml")
            .contains("does not exist")
    );
    // Silence is no library.
    ffmpeg(&["-f", "lavfi", "-i", "anullsrc=r=44100", "-t", "1", home.at("silence.wav").to_str().unwrap()]);
    home.run("sounds @silence.wav -o @silent");
    let said = home.refuse("texture @film.mp4 --sounds @silent -o @c.wav");
    assert!(said.contains("nothing but silence"), "{said}");
    std::fs::create_dir(home.at("empty")).unwrap();
    home.refuse("texture @film.mp4 --sounds @empty -o @c.wav");
    assert!(!home.at("c.wav").exists());
}

#[test]
fn a_still_is_soft_and_a_sound_is_no_film() {
    let home = Home::new();
    noises(&home);
    home.draw("still.mkv", "color=gray:size=64x64:rate=25", "sine=frequency=300", "4");
    for preset in ["strings", "drone", "percussion"] {
        home.run(&format!("texture @still.mkv --sounds @lib -o @out.wav --preset {preset} --force"));
        let sound = decode_sound(&home.at("out.wav"), 44_100);
        let power = sound.iter().map(|x| f64::from(x * x)).sum::<f64>() / sound.len() as f64;
        assert!(10.0 * power.max(1e-9).log10() < -30.0, "{preset}: {power}");
    }
    assert!(
        home.refuse("texture @noises/noise.wav --sounds @lib -o @out.wav --force").contains("no picture")
    );
}

#[test]
fn inspect_tells_shots() {
    let home = Home::new();
    let half = |colour: &str, at: u32| {
        format!("color={colour}:s=64x64:r=25:d=1,drawbox=x={at}:y=10:w=20:h=30:c=white:t=fill")
    };
    let graph = format!(
        "{}[a];{}[b];{}[c];[a][b][c]concat=n=3",
        half("navy", 5),
        half("orange", 35),
        half("green", 20)
    );
    let words = ["-filter_complex", &graph, "-c:v", "libx264", "-pix_fmt", "yuv420p"];
    ffmpeg(&[&words[..], &[home.at("cuts.mp4").to_str().unwrap()]].concat());
    let (facts, _) = home.run("inspect @cuts.mp4 --pictures @look");
    assert_eq!(facts["shots"]["count"], 3, "{facts}");
    assert_eq!(facts["shots"]["cuts"], serde_json::json!([1.0, 2.0]), "{facts}");
    assert!(home.at("look/measures.png").exists());
    let text = String::from_utf8(home.succeed("inspect @cuts.mp4").stdout).unwrap();
    assert!(text.contains("shots:") && text.contains("3, 1.0 s each"), "{text}");
}

/// The film's own sound is kept out of the marked track, which is said, and so is that it is damaged.
#[test]
fn what_is_kept_of_the_films_own_sound_is_said() {
    let home = Home::new();
    noises(&home);
    let film = home.at("film.mkv");
    let sources =
        "-f lavfi -i testsrc2=s=96x64:r=25:d=4 -f lavfi -i sine=300:d=4 -f lavfi -i anoisesrc=d=4:a=0.3";
    let coded = "-map 0 -map 1 -map 2 -c:v mpeg4 -c:a flac -disposition:a:0 0 -disposition:a:1 default";
    let words: Vec<&str> =
        sources.split(' ').chain(coded.split(' ')).chain([film.to_str().unwrap()]).collect();
    ffmpeg(&words);
    let (_, told) = home.run("texture @film.mkv --sounds @lib -o @kept.wav --keep-original -6");
    assert!(told.contains("film.mkv: of 2 sound tracks number 1 is used"), "{told}");
    let mut bytes = std::fs::read(&film).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0x55);
    std::fs::write(&film, bytes).unwrap();
    let (made, told) = home.run("texture @film.mkv --sounds @lib -o @damaged.wav --keep-original -6");
    assert!(told.contains("film.mkv is not as it should be"), "{told}");
    assert!(!made["complaints"].as_array().unwrap().is_empty(), "{made}");
}
