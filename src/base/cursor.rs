//! Reads bytes that came from network or disk. Every read is bounded by what is left; nothing is allocated.

use bytes::{Buf, Bytes};

use super::varint::{unzigzag32, unzigzag64};

/// Why bytes from outside could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// The bytes end before the value does.
    #[error("{wanted} bytes wanted, {left} left")]
    Short {
        /// Bytes that the value takes.
        wanted: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A variable-length integer that does not end within its type.
    #[error("variable-length integer longer than {max} bytes")]
    Overlong {
        /// The most bytes that its type can take.
        max: usize,
    },
}

/// A position in a [`Bytes`]; what it hands out are slices of the same allocation.
#[derive(Clone, Debug)]
pub struct Cursor {
    rest: Bytes,
}

/// Declares readers of big-endian numbers of a fixed width.
macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident -> $type:ty = $get:ident;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// `Short` at the end of the bytes.
            pub fn $name(&mut self) -> Result<$type, CursorError> {
                self.need(size_of::<$type>())?;
                Ok(self.rest.$get())
            }
        )*
    };
}

impl Cursor {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: Bytes) -> Cursor {
        Cursor { rest: bytes }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What is left, without moving.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }

    fixed! {
        /// One signed byte.
        i8 -> i8 = get_i8;
        /// One byte.
        u8 -> u8 = get_u8;
        /// Two bytes, signed.
        i16 -> i16 = get_i16;
        /// Two bytes.
        u16 -> u16 = get_u16;
        /// Four bytes, signed.
        i32 -> i32 = get_i32;
        /// Four bytes.
        u32 -> u32 = get_u32;
        /// Eight bytes, signed.
        i64 -> i64 = get_i64;
        /// Eight bytes, IEEE 754.
        f64 -> f64 = get_f64;
    }

    /// The next `count` bytes, as a slice of the same allocation.
    ///
    /// # Errors
    /// `Short` where fewer are left.
    pub fn take(&mut self, count: usize) -> Result<Bytes, CursorError> {
        self.need(count)?;
        Ok(self.rest.split_to(count))
    }

    /// The next `N` bytes, copied.
    ///
    /// # Errors
    /// `Short` where fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CursorError> {
        self.need(N)?;
        let mut out = [0; N];
        self.rest.copy_to_slice(&mut out);
        Ok(out)
    }

    /// An unsigned varint.
    ///
    /// # Errors
    /// `Short`, or `Overlong` past 5 bytes or 32 bits.
    pub fn uvarint(&mut self) -> Result<u32, CursorError> {
        let raw = self.leb128(5)?;
        u32::try_from(raw).map_err(|_| CursorError::Overlong { max: 5 })
    }

    /// A zigzag varint.
    ///
    /// # Errors
    /// `Short`, or `Overlong` past 5 bytes or 32 bits.
    pub fn varint(&mut self) -> Result<i32, CursorError> {
        self.uvarint().map(unzigzag32)
    }

    /// A zigzag varlong.
    ///
    /// # Errors
    /// `Short`, or `Overlong` past 10 bytes or 64 bits.
    pub fn varlong(&mut self) -> Result<i64, CursorError> {
        self.leb128(10).map(unzigzag64)
    }

    fn leb128(&mut self, max: usize) -> Result<u64, CursorError> {
        let mut value = 0u64;
        for (at, byte) in self.rest.iter().take(max).enumerate() {
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * at);
            if shifted >> (7 * at) != bits {
                return Err(CursorError::Overlong { max });
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                self.rest.advance(at + 1);
                return Ok(value);
            }
        }
        if self.rest.len() >= max {
            return Err(CursorError::Overlong { max });
        }
        Err(CursorError::Short { wanted: self.rest.len() + 1, left: self.rest.len() })
    }

    fn need(&self, wanted: usize) -> Result<(), CursorError> {
        let left = self.rest.len();
        if wanted > left { Err(CursorError::Short { wanted, left }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use bytes::BytesMut;

    #[test]
    fn varints_read_what_was_written_in_the_length_foretold() {
        for value in [0, 1, -1, 63, 64, -64, -65, 8191, 1 << 20, i32::MAX, i32::MIN] {
            let mut out = BytesMut::new();
            put_varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value));
            assert_eq!(Cursor::new(out.freeze()).varint(), Ok(value));
        }
        for value in [0, 1, -1, 1 << 40, i64::MAX, i64::MIN] {
            let mut out = BytesMut::new();
            put_varlong(&mut out, value);
            assert_eq!(out.len(), varlong_len(value));
            assert_eq!(Cursor::new(out.freeze()).varlong(), Ok(value));
        }
    }

    #[test]
    fn an_overlong_varint_is_refused_and_a_short_one_is_short() {
        let overlong = Cursor::new(Bytes::from_static(&[0x80; 11]));
        assert_eq!(overlong.clone().uvarint(), Err(CursorError::Overlong { max: 5 }));
        assert_eq!(overlong.clone().varlong(), Err(CursorError::Overlong { max: 10 }));
        let too_wide = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert_eq!(Cursor::new(too_wide).uvarint(), Err(CursorError::Overlong { max: 5 }));
        let short = Bytes::from_static(&[0x80]);
        assert_eq!(Cursor::new(short).varint(), Err(CursorError::Short { wanted: 2, left: 1 }));
    }

    #[test]
    fn a_read_past_the_end_takes_nothing() {
        let mut cursor = Cursor::new(Bytes::from_static(&[1, 2, 3]));
        assert_eq!(cursor.i32(), Err(CursorError::Short { wanted: 4, left: 3 }));
        assert_eq!(cursor.take(3).as_deref(), Ok(&[1u8, 2, 3][..]));
    }

    use bytes::Bytes;
}
