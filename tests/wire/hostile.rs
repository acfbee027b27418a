//! Frames that no client would send: never a panic, and memory in proportion to their length.

use bytes::Bytes;
use klog::base::Cursor;
use klog::wire::{Fault, Opening, decode_client_id, decode_response_header};

use super::memory::peak_of;
use super::random::{Dice, Shape, body};
use super::{Half, halves};

/// The most memory that a frame of this length may take: klog's own limit is 16 times and 64 KiB; a list of unknown
/// tagged fields holds its old and its new room at once while it grows.
fn allowed(length: usize) -> usize {
    24 * length + 96 * 1024
}

/// Decodes, and checks the memory that it took.
fn decode(half: &Half, version: i16, body: Vec<u8>) -> Result<(), Fault> {
    let (length, body) = (body.len(), Bytes::from(body));
    let (result, peak) = peak_of(|| half.decode(version, body));
    let name = half.schema.name;
    assert!(peak <= allowed(length), "{name} v{version}: {peak} bytes for a frame of {length}");
    if let Err(error) = &result {
        assert!(error.position <= length, "{error} beyond the {length} bytes of {name} v{version}");
    }
    result.map_err(|error| error.fault)
}

fn mutate(frame: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(frame.len() + 1);
        match dice.below(5) {
            0 => frame.truncate(at),
            1 => frame.insert(at, dice.next() as u8),
            2 if at < frame.len() => frame[at] ^= 1 << dice.below(8),
            3 if at < frame.len() => frame[at] = [0x00, 0x01, 0x7f, 0x80, 0xff][dice.below(5)],
            _ => {
                let large: &[u8] = match dice.below(4) {
                    0 => &[0x7f, 0xff, 0xff, 0xff],
                    1 => &[0xff, 0xff, 0xff, 0xff, 0x0f],
                    2 => &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                    _ => &[0x80, 0x00, 0x00, 0x00],
                };
                frame.splice(at..at, large.iter().copied());
            }
        }
    }
}

#[test]
fn a_mutated_frame_is_read_or_refused() {
    let mut dice = Dice::seeded();
    let (mut read, mut refused) = (0, 0);
    for half in halves() {
        for version in half.versions() {
            for _ in 0..60 {
                let flexible = half.api.flexible(version);
                let mut frame = body(half.schema, version, flexible, Shape::Usual, &mut dice);
                mutate(&mut frame, &mut dice);
                match decode(&half, version, frame) {
                    Ok(()) => read += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(
        read > 100 && refused > 100,
        "{read} read, {refused} refused: the mutations are too mild or too wild"
    );
}

#[test]
fn random_bytes_are_read_or_refused() {
    let mut dice = Dice::seeded();
    for half in halves() {
        for version in half.versions() {
            for _ in 0..60 {
                let length = dice.below(200);
                let mild = dice.one_in(2);
                let byte = |dice: &mut Dice| dice.next() as u8 & if mild { 0x03 } else { 0xff };
                let _ = decode(&half, version, (0..length).map(|_| byte(&mut dice)).collect());
            }
        }
    }
}

#[test]
fn every_valid_frame_is_refused_where_it_is_cut_and_where_a_byte_is_added() {
    let mut dice = Dice::seeded();
    for half in halves() {
        for version in half.versions() {
            let flexible = half.api.flexible(version);
            let frame = body(half.schema, version, flexible, Shape::Usual, &mut dice);
            for end in (0..frame.len()).step_by(1 + frame.len() / 50) {
                assert!(decode(&half, version, frame[..end].to_vec()).is_err());
            }
            let longer = [&frame[..], &[0]].concat();
            let refused = decode(&half, version, longer);
            assert_eq!(refused, Err(Fault::Trailing { count: 1 }), "{}", half.schema.name);
        }
    }
}

#[test]
fn lists_of_elements_that_are_small_on_the_wire_and_large_in_memory_stay_within_the_limit() {
    let mut dice = Dice::seeded();
    let mut refused = 0;
    for half in halves() {
        for version in half.versions() {
            for (list, tags) in (0..5).flat_map(|list| [(list, 0), (list, 1), (list, 9)]) {
                let shape = Shape::Bulk { list, elements: 3_000, tags };
                let flexible = half.api.flexible(version);
                let frame = body(half.schema, version, flexible, shape, &mut dice);
                match decode(&half, version, frame) {
                    Ok(()) => {}
                    Err(Fault::Memory { .. }) => refused += 1,
                    Err(other) => panic!("{} v{version}: {other}", half.schema.name),
                }
            }
        }
    }
    assert!(refused > 0, "no list reached the limit: the test shows nothing");
}

#[test]
fn headers_of_random_bytes_are_read_or_refused() {
    let mut dice = Dice::seeded();
    let api = halves().first().unwrap().api;
    for _ in 0..20_000 {
        let length = dice.below(24);
        let bytes: Bytes = (0..length).map(|_| dice.next() as u8 & 0x0f).collect();
        let mut input = Cursor::new(bytes.clone());
        let (_, peak) = peak_of(|| {
            if Opening::decode(&mut input).is_ok() {
                let _ = decode_client_id(dice.one_in(2), &mut input);
            }
            let _ = decode_response_header(api, api.versions.max, bytes);
        });
        assert!(peak <= 4096, "{peak}");
    }
}
