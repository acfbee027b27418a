use std::io::{Read, Write};

use proptest::prelude::*;

use super::*;

const CAP: usize = 8 << 20;

fn packed(codec: Codec, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(codec, None, input, &mut out).expect("any bytes compress");
    out
}

fn unpacked(codec: Codec, input: &[u8], cap: usize) -> Result<Vec<u8>, DecompressError> {
    let mut out = Vec::new();
    decompress(codec, input, cap, &mut out).map(|()| out)
}

/// Bytes that compress well in places and not at all in others, over several blocks of every codec.
fn mixed(len: usize) -> Vec<u8> {
    let mut state = 7u32;
    (0..len)
        .map(|at| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if (at >> 14) % 2 == 0 { (at / 100) as u8 } else { (state >> 24) as u8 }
        })
        .collect()
}

#[test]
fn every_codec_gives_back_what_it_took() {
    for codec in Codec::ALL {
        for len in [0, 1, 15, 1000, 32 << 10, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 1 << 20] {
            let input = mixed(len);
            let out = unpacked(codec, &packed(codec, &input), CAP);
            assert_eq!(out.as_deref(), Ok(&input[..]), "{codec} of {len} bytes");
        }
    }
}

#[test]
fn every_level_compresses_and_levels_outside_are_refused() {
    let input = mixed(100_000);
    for codec in Codec::ALL {
        let Some(levels) = codec.levels() else {
            let refused = compress(codec, Some(1), &input, &mut Vec::new());
            assert_eq!(refused, Err(CompressError::Level { codec, level: 1 }));
            continue;
        };
        for level in [(*levels.start()).max(-7), 1, 5, *levels.end()] {
            let mut out = Vec::new();
            compress(codec, Some(level), &input, &mut out).expect("a level in range");
            assert_eq!(unpacked(codec, &out, CAP).as_deref(), Ok(&input[..]), "{codec} {level}");
        }
        let level = levels.end() + 1;
        let refused = compress(codec, Some(level), &input, &mut Vec::new());
        assert_eq!(refused, Err(CompressError::Level { codec, level }));
    }
}

#[test]
fn a_bomb_stops_at_the_cap_and_one_byte_less_is_too_little() {
    let zeros = vec![0; 4 << 20];
    for codec in Codec::ALL {
        let bomb = packed(codec, &zeros);
        for cap in [0, 1, 1000, 1 << 20, (4 << 20) - 1] {
            let mut out = Vec::new();
            let result = decompress(codec, &bomb, cap, &mut out);
            assert_eq!(result, Err(DecompressError::TooLarge { codec, cap }));
            assert!(out.capacity() <= cap + 16, "{codec}: {} at {cap}", out.capacity());
        }
        assert!(unpacked(codec, &bomb, 4 << 20).is_ok(), "{codec} at exactly the cap");
    }
}

#[test]
fn the_cap_holds_for_what_does_not_compress_and_in_a_buffer_that_is_larger() {
    let noise: Vec<u8> =
        mixed(1 << 20).chunks(1 << 14).skip(1).step_by(2).flatten().copied().collect();
    for codec in Codec::ALL {
        let bytes = packed(codec, &noise);
        let mut out = Vec::with_capacity(2 << 20);
        for cap in [0, 1000, 70_000, noise.len() - 1] {
            let result = decompress(codec, &bytes, cap, &mut out);
            assert_eq!(result, Err(DecompressError::TooLarge { codec, cap }));
        }
        assert_eq!(decompress(codec, &bytes, noise.len(), &mut out), Ok(()));
        assert_eq!(out, noise);
    }
}

#[test]
fn an_lz4_block_larger_than_its_frame_allows_is_corrupt() {
    let mut frame = packed(Codec::Lz4, b"");
    frame.truncate(7);
    let length = (64 << 10) + 1;
    frame.extend_from_slice(&(length as u32 | 1 << 31).to_le_bytes());
    frame.extend_from_slice(&vec![0; length]);
    frame.extend_from_slice(&[0; 4]);
    let result = unpacked(Codec::Lz4, &frame, CAP);
    assert!(matches!(result, Err(DecompressError::Corrupt { .. })), "{result:?}");
}

#[test]
fn a_claimed_size_is_not_allocated() {
    // Raw snappy that claims 1 GiB; a zstandard frame whose header claims 1 GiB; LZ4 with blocks of 4 MiB.
    let snappy = [0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x61];
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x00, 0x00, 0x40, 0x01, 0x00, 0x00];
    let lz4 = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    for (codec, bytes) in [(Codec::Snappy, &snappy[..]), (Codec::Zstd, &zstd), (Codec::Lz4, &lz4)] {
        let mut out = Vec::new();
        let _ = decompress(codec, bytes, 2 << 30, &mut out);
        assert!(out.capacity() <= 1 << 20, "{codec} took {}", out.capacity());
    }
}

#[test]
fn a_bomb_of_unknown_size_stops_at_the_cap_too() {
    let zeros = vec![0; 4 << 20];
    let mut streamed = ::zstd::zstd_safe::CCtx::create();
    let mut bomb = vec![0; 64 << 10];
    let mut output = ::zstd::zstd_safe::OutBuffer::around(&mut bomb);
    let mut input = ::zstd::zstd_safe::InBuffer::around(&zeros);
    while input.pos() < zeros.len() {
        streamed.compress_stream(&mut output, &mut input).expect("it compresses");
    }
    streamed.end_stream(&mut output).expect("it ends");
    let written = output.pos();
    bomb.truncate(written);
    let cap = 1 << 20;
    let result = unpacked(Codec::Zstd, &bomb, cap);
    assert_eq!(result, Err(DecompressError::TooLarge { codec: Codec::Zstd, cap }));
    assert_eq!(unpacked(Codec::Zstd, &bomb, zeros.len()), Ok(zeros));
}

#[test]
fn truncated_data_is_corrupt_at_every_length() {
    let input = mixed(3000);
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let whole = packed(codec, &input);
        for len in 0..whole.len() {
            let got = unpacked(codec, &whole[..len], CAP);
            let empty_stream = codec == Codec::Snappy && len == 16;
            assert!(got.is_err() || empty_stream, "{codec} cut to {len} of {}", whole.len());
        }
    }
}

#[test]
fn raw_snappy_and_concatenated_xerial_streams_are_read() {
    let input = mixed(100_000);
    let raw = snap::raw::Encoder::new().compress_vec(&input).expect("snappy compresses");
    assert_eq!(unpacked(Codec::Snappy, &raw, CAP).as_deref(), Ok(&input[..]));
    let twice = [packed(Codec::Snappy, &input), packed(Codec::Snappy, b"more")].concat();
    assert_eq!(unpacked(Codec::Snappy, &twice, CAP), Ok([&input[..], b"more"].concat()));
}

#[test]
fn gzip_members_in_a_row_are_one_stream() {
    let twice = [packed(Codec::Gzip, b"one "), packed(Codec::Gzip, b"two")].concat();
    assert_eq!(unpacked(Codec::Gzip, &twice, CAP).as_deref(), Ok(&b"one two"[..]));
}

#[test]
fn every_field_of_a_gzip_header_is_stepped_over_and_the_trailer_is_checked() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(vec![1, 2, 3])
        .mtime(77)
        .write(Vec::new(), flate2::Compression::best());
    encoder.write_all(b"content").expect("it compresses");
    let mut member = encoder.finish().expect("it compresses");
    assert_eq!(unpacked(Codec::Gzip, &member, CAP).as_deref(), Ok(&b"content"[..]));
    let mut theirs = Vec::new();
    flate2::read::GzDecoder::new(&packed(Codec::Gzip, b"content")[..])
        .read_to_end(&mut theirs)
        .expect("a member");
    assert_eq!(theirs, b"content");
    for at in 1..=8 {
        let at = member.len() - at;
        member[at] ^= 1;
        assert!(unpacked(Codec::Gzip, &member, CAP).is_err());
        member[at] ^= 1;
    }
}

#[test]
fn lz4_frames_agree_with_another_implementation_both_ways() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
    let input = mixed(1 << 20);
    let mut theirs = Vec::new();
    FrameDecoder::new(&packed(Codec::Lz4, &input)[..]).read_to_end(&mut theirs).expect("a frame");
    assert_eq!(theirs, input);

    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [BlockSize::Max64KB, BlockSize::Max1MB, BlockSize::Max4MB] {
            for extras in [false, true] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(extras)
                    .content_checksum(extras)
                    .content_size(extras.then_some(input.len() as u64));
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&input).expect("it compresses");
                let frame = encoder.finish().expect("it compresses");
                assert_eq!(unpacked(Codec::Lz4, &frame, CAP).as_deref(), Ok(&input[..]));
            }
        }
    }
}

#[test]
fn old_kafkas_lz4_header_checksum_is_read_only_where_it_is_expected() {
    let mut frame = packed(Codec::Lz4, b"written by Kafka 0.9");
    // Kafka before 0.10 hashed the magic too.
    frame[6] ^= 0x55;
    assert!(unpacked(Codec::Lz4, &frame, CAP).is_err());
    let mut out = Vec::new();
    decompress_legacy(Codec::Lz4, &frame, CAP, &mut out).expect("tolerated");
    assert_eq!(out, b"written by Kafka 0.9");
}

proptest! {
    #[test]
    fn any_bytes_survive_any_codec(input in proptest::collection::vec(any::<u8>(), 0..5000)) {
        for codec in Codec::ALL {
            prop_assert_eq!(unpacked(codec, &packed(codec, &input), CAP), Ok(input.clone()));
        }
    }

    #[test]
    fn random_bytes_neither_panic_nor_pass_the_cap(
        input in proptest::collection::vec(any::<u8>(), 0..600),
        magic in 0usize..5,
    ) {
        let starts: [&[u8]; 5] = [
            b"", &[0x1f, 0x8b, 8, 0], &[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0],
            &[4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82], &[0x28, 0xb5, 0x2f, 0xfd],
        ];
        let input = [starts[magic], &input].concat();
        for codec in Codec::ALL {
            if let Ok(out) = unpacked(codec, &input, 1000) {
                prop_assert!(out.len() <= 1000);
            }
        }
    }

    #[test]
    fn mutated_streams_neither_panic_nor_pass_the_cap(
        at in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        let input = mixed(40_000);
        for codec in Codec::ALL {
            let mut bytes = packed(codec, &input);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(out) = unpacked(codec, &bytes, 50_000) {
                prop_assert!(out.len() <= 50_000);
            }
        }
    }
}
