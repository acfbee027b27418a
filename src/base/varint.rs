//! Variable-length integers as Kafka writes them: LEB128, signed ones in zigzag.

use bytes::BufMut;

/// Writes an unsigned varint (1 to 5 bytes).
pub fn put_uvarint(out: &mut impl BufMut, mut value: u32) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Writes a zigzag varint (1 to 5 bytes).
pub fn put_varint(out: &mut impl BufMut, value: i32) {
    put_uvarint(out, zigzag32(value));
}

/// Writes a zigzag varlong (1 to 10 bytes).
pub fn put_varlong(out: &mut impl BufMut, value: i64) {
    let mut left = zigzag64(value);
    while left >= 0x80 {
        out.put_u8(left as u8 | 0x80);
        left >>= 7;
    }
    out.put_u8(left as u8);
}

/// How many bytes [`put_uvarint`] writes.
pub fn uvarint_len(value: u32) -> usize {
    bytes_for_bits(32 - value.leading_zeros())
}

/// How many bytes [`put_varint`] writes.
pub fn varint_len(value: i32) -> usize {
    uvarint_len(zigzag32(value))
}

/// How many bytes [`put_varlong`] writes.
pub fn varlong_len(value: i64) -> usize {
    bytes_for_bits(64 - zigzag64(value).leading_zeros())
}

fn bytes_for_bits(bits: u32) -> usize {
    bits.max(1).div_ceil(7) as usize
}

fn zigzag32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

fn zigzag64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(super) fn unzigzag32(raw: u32) -> i32 {
    (raw >> 1) as i32 ^ -((raw & 1) as i32)
}

pub(super) fn unzigzag64(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}
