//! The NUT container, as far as ffmpeg writes it for one stream of raw pictures into a pipe.
//!
//! Pictures and their exact times must come out of one process in one pass. Raw video has no times, and two
//! channels could lose step; NUT carries both in one, with any time base, and costs a dozen bytes a picture.
//! Reference: the NUT open container format specification (2008-08-09 draft, `nut.txt`), version 3.
//! Deliberately absent: seeking, the index, checksums (a pipe loses nothing), more than one stream, and side
//! data.

use std::io::{self, BufReader, Read};

const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNCPOINT: u64 = 0x4E4B_E4AD_EECA_4569;
const MAGIC: &[u8] = b"nut/multimedia container\0";
/// Headers are small; a longer one is no NUT of ffmpeg's.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// A picture of 4096 × 4096 in RGB, the largest that is ever asked for.
const MAX_PACKET_BYTES: u64 = 4096 * 4096 * 3;

mod flag {
    pub(crate) const CODED_PTS: u64 = 1 << 3;
    pub(crate) const STREAM_ID: u64 = 1 << 4;
    pub(crate) const SIZE_MSB: u64 = 1 << 5;
    pub(crate) const CHECKSUM: u64 = 1 << 6;
    pub(crate) const RESERVED: u64 = 1 << 7;
    pub(crate) const SIDE_DATA: u64 = 1 << 8;
    pub(crate) const HEADER_IDX: u64 = 1 << 10;
    pub(crate) const MATCH_TIME: u64 = 1 << 11;
    pub(crate) const CODED: u64 = 1 << 12;
    pub(crate) const INVALID: u64 = 1 << 13;
}

/// Takes packets out of a NUT stream.
pub(crate) struct NutReader<R> {
    source: BufReader<R>,
    main: NutMain,
    /// Number of low bits of a time that a frame may carry instead of all of it.
    pts_shift: u32,
    last_pts: i64,
}

/// The main header (spec: "main_header").
#[derive(Default)]
struct NutMain {
    /// Ticks a second of the one time base: (numerator, denominator) of a tick in seconds.
    time_base: (u64, u64),
    codes: Vec<FrameCode>,
    elided: Vec<Vec<u8>>,
}

/// Meaning of a frame's first byte.
#[derive(Clone, Copy, Default)]
struct FrameCode {
    flags: u64,
    pts_delta: i64,
    size_mul: u64,
    size_lsb: u64,
    reserved: u64,
    header: u64,
}

impl<R: Read> NutReader<R> {
    /// Nothing is read yet.
    pub(crate) fn new(source: R) -> Self {
        Self {
            source: BufReader::with_capacity(1 << 16, source),
            main: NutMain::default(),
            pts_shift: 0,
            last_pts: 0,
        }
    }

    /// The next packet's time in microseconds; its bytes fill `packet`. `None` at a clean end; a stream that
    /// is cut off is `UnexpectedEof`.
    pub(crate) fn next(&mut self, packet: &mut Vec<u8>) -> io::Result<Option<i64>> {
        loop {
            let Some(first) = self.first_byte()? else { return Ok(None) };
            match first {
                b'n' if self.main.codes.is_empty() => self.magic()?,
                b'N' => self.header()?,
                code => return self.frame(code, packet).map(Some),
            }
        }
    }

    fn first_byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.source.read(&mut byte)? == 1).then_some(byte[0]))
    }

    fn magic(&mut self) -> io::Result<()> {
        let mut rest = [0; MAGIC.len() - 1];
        self.source.read_exact(&mut rest)?;
        if rest == MAGIC[1..] { Ok(()) } else { Err(broken("no NUT stream")) }
    }

    /// Spec, "packet": a startcode, its length, a checksum of long ones, the content and its checksum.
    fn header(&mut self) -> io::Result<()> {
        let mut code = [b'N'; 8];
        self.source.read_exact(&mut code[1..])?;
        let length = varint(&mut self.source)?;
        if length > MAX_HEADER_BYTES {
            return Err(broken("an overlong header"));
        }
        if length > 4096 {
            self.source.read_exact(&mut [0; 4])?;
        }
        let mut content = vec![0; length as usize];
        self.source.read_exact(&mut content)?;
        let content = &mut content.as_slice();
        match u64::from_be_bytes(code) {
            MAIN => self.main = NutMain::parse(content)?,
            STREAM => self.pts_shift = stream_header(content)?,
            SYNCPOINT => self.last_pts = varint(content)? as i64,
            _ => {}
        }
        Ok(())
    }

    /// Spec, "frame".
    fn frame(&mut self, code: u8, packet: &mut Vec<u8>) -> io::Result<i64> {
        let source = &mut self.source;
        let code =
            *self.main.codes.get(usize::from(code)).ok_or_else(|| broken("a frame before the header"))?;
        let mut flags = code.flags;
        if flags & flag::CODED != 0 {
            flags ^= varint(source)?;
        }
        if flags & (flag::INVALID | flag::SIDE_DATA) != 0 {
            return Err(broken("an invalid frame"));
        }
        if flags & flag::STREAM_ID != 0 && varint(source)? != 0 {
            return Err(broken("a second stream"));
        }
        let pts = match flags & flag::CODED_PTS {
            0 => self.last_pts.wrapping_add(code.pts_delta),
            _ => full_time(varint(source)?, self.last_pts, self.pts_shift),
        };
        let mut size = code.size_lsb;
        if flags & flag::SIZE_MSB != 0 {
            size = size.saturating_add(code.size_mul.saturating_mul(varint(source)?));
        }
        if flags & flag::MATCH_TIME != 0 {
            varint(source)?;
        }
        let header = if flags & flag::HEADER_IDX != 0 { varint(source)? } else { code.header };
        let reserved = if flags & flag::RESERVED != 0 { varint(source)? } else { code.reserved };
        for _ in 0..reserved {
            varint(source)?;
        }
        if flags & flag::CHECKSUM != 0 {
            source.read_exact(&mut [0; 4])?;
        }
        self.last_pts = pts;
        self.payload(header as usize, size, packet)?;
        let (num, den) = self.main.time_base;
        Ok((i128::from(pts) * i128::from(num) * 1_000_000 / i128::from(den)) as i64)
    }

    /// A packet may begin like one of the header's elided beginnings, which is then left out of the stream.
    fn payload(&mut self, header: usize, size: u64, packet: &mut Vec<u8>) -> io::Result<()> {
        packet.clear();
        packet.extend_from_slice(self.main.elided.get(header).map_or(&[], Vec::as_slice));
        let rest = size
            .checked_sub(packet.len() as u64)
            .filter(|&rest| rest <= MAX_PACKET_BYTES)
            .ok_or_else(|| broken("an impossible size"))?;
        let read = (&mut self.source).take(rest).read_to_end(packet)?;
        if read as u64 == rest { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl NutMain {
    fn parse(content: &mut &[u8]) -> io::Result<Self> {
        let version = varint(content)?;
        if version > 3 {
            varint(content)?; // minor version
        }
        let (streams, _max_distance, bases) = (varint(content)?, varint(content)?, varint(content)?);
        if streams != 1 || bases != 1 {
            return Err(broken("more than one stream"));
        }
        let time_base = (varint(content)?, varint(content)?);
        if ![time_base.0, time_base.1].iter().all(|&part| (1..=u64::from(u32::MAX)).contains(&part)) {
            return Err(broken("an impossible time base"));
        }
        let codes = Self::frame_codes(content)?;
        let mut elided = vec![Vec::new()];
        if !content.is_empty() {
            for _ in 0..varint(content)?.min(127) {
                let mut bytes = vec![0; varint(content)?.min(256) as usize];
                content.read_exact(&mut bytes)?;
                elided.push(bytes);
            }
        }
        Ok(Self { time_base, codes, elided })
    }

    /// The table of what each first byte means, run-length coded; the byte 'N' begins startcodes and stands
    /// for no frame.
    fn frame_codes(content: &mut &[u8]) -> io::Result<Vec<FrameCode>> {
        let mut codes = Vec::with_capacity(256);
        let mut code = FrameCode { size_mul: 1, ..FrameCode::default() };
        while codes.len() < 256 {
            code.flags = varint(content)?;
            let fields = varint(content)?;
            let mut field = |index: u64| if fields > index { varint(content).map(Some) } else { Ok(None) };
            code.pts_delta = field(0)?.map_or(code.pts_delta, signed);
            code.size_mul = field(1)?.unwrap_or(code.size_mul);
            field(2)?; // stream: there is only one
            code.size_lsb = field(3)?.unwrap_or(0);
            code.reserved = field(4)?.unwrap_or(0);
            let count = field(5)?.unwrap_or(code.size_mul.saturating_sub(code.size_lsb));
            field(6)?; // match time
            code.header = field(7)?.unwrap_or(code.header);
            for unknown in 8..fields.min(64) {
                field(unknown)?;
            }
            push_run(&mut codes, code, count)?;
        }
        Ok(codes)
    }
}

fn push_run(codes: &mut Vec<FrameCode>, code: FrameCode, count: u64) -> io::Result<()> {
    if count == 0 {
        return Err(broken("an empty run in the frame table"));
    }
    let mut left = count;
    while left > 0 || codes.len() == usize::from(b'N') {
        if codes.len() >= 256 {
            return Err(broken("an overlong frame table"));
        }
        if codes.len() == usize::from(b'N') {
            codes.push(FrameCode { flags: flag::INVALID, ..code });
            continue;
        }
        let size_lsb = code.size_lsb.saturating_add(count - left);
        codes.push(FrameCode { size_lsb, ..code });
        left -= 1;
    }
    Ok(())
}

/// Spec, "stream_header"; gives `msb_pts_shift`, the one thing needed of it.
fn stream_header(content: &mut &[u8]) -> io::Result<u32> {
    let (_id, _class) = (varint(content)?, varint(content)?);
    let fourcc = varint(content)?;
    io::copy(&mut content.take(fourcc), &mut io::sink())?;
    let _time_base = varint(content)?;
    Ok(varint(content)?.min(62) as u32)
}

/// Spec, "coded_pts": small values are the low bits of a time near the last one, large ones a whole time.
fn full_time(coded: u64, last: i64, shift: u32) -> i64 {
    let range = 1_i64 << shift;
    let coded = coded.min(i64::MAX as u64) as i64;
    if coded >= range {
        return coded - range;
    }
    let nearest = last.wrapping_sub((range - 1) / 2);
    (coded.wrapping_sub(nearest) & (range - 1)).wrapping_add(nearest)
}

/// Spec, "v": seven bits a byte, the highest bit says that more follow.
fn varint(source: &mut impl Read) -> io::Result<u64> {
    let mut value = 0_u64;
    loop {
        let mut byte = [0];
        source.read_exact(&mut byte)?;
        if value >> 57 != 0 {
            return Err(broken("an overlong number"));
        }
        value = value << 7 | u64::from(byte[0] & 0x7f);
        if byte[0] & 0x80 == 0 {
            return Ok(value);
        }
    }
}

/// Spec, "s".
fn signed(value: u64) -> i64 {
    let value = (value as i64).wrapping_add(1);
    if value & 1 == 1 { -(value >> 1) } else { value >> 1 }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the pictures from ffmpeg contain {what}"))
}
