//! Tagged fields (KIP-482): optional, in ascending order of tag, at the end of every structure of a flexible version.

use bytes::{BufMut, Bytes, BytesMut};

use super::encoder::Encoder;
use super::error::{Fault, Located};
use super::input::Input;
use super::schema::Schema;
use super::value::{Unfit, Value, Wire};
use crate::base::{Cursor, put_uvarint};

/// Tagged fields that klog does not know, in ascending order of tag. Takes one word where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::box_collection,
    reason = "every structure has one, and nearly none has tags: one word, not three"
)]
pub struct UnknownTags(Option<Box<Vec<(u32, Bytes)>>>);

impl UnknownTags {
    /// All of them.
    pub fn as_slice(&self) -> &[(u32, Bytes)] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

/// Adds the next one, against the memory that the input may still take.
pub(crate) fn keep(
    tags: &mut UnknownTags,
    tag: u32,
    bytes: Bytes,
    schema: &Schema,
    input: &mut Input,
) -> Result<(), Located> {
    // The first comes with its list; later ones double the list's room.
    const FIRST: usize = size_of::<Vec<(u32, Bytes)>>() + size_of::<(u32, Bytes)>();
    const LATER: usize = 2 * size_of::<(u32, Bytes)>();
    let cost = if tags.0.is_none() { FIRST } else { LATER };
    input.spend(cost).map_err(|fault| at_tags(schema, input, fault))?;
    tags.0.get_or_insert_with(|| Box::new(Vec::with_capacity(1))).push((tag, bytes));
    Ok(())
}

/// Collects a structure's tagged fields while its plain ones are written.
pub(crate) struct TagWriter<'a> {
    unknown: &'a [(u32, Bytes)],
    count: u32,
    body: BytesMut,
}

impl<'a> TagWriter<'a> {
    pub(crate) fn new(unknown: &'a UnknownTags) -> TagWriter<'a> {
        TagWriter { unknown: unknown.as_slice(), count: 0, body: BytesMut::new() }
    }

    /// Adds a field; fields come in ascending order of tag.
    pub(crate) fn put<T: Value>(&mut self, tag: u32, value: &T, wire: Wire) -> Result<(), Unfit> {
        while let Some((first, rest)) =
            self.unknown.split_first().filter(|(first, _)| first.0 < tag)
        {
            self.raw(first.0, &first.1);
            self.unknown = rest;
        }
        let mut out = Encoder::default();
        value.put(wire, &mut out)?;
        let bytes = out.into_bytes().ok_or(Unfit::Null)?;
        self.raw(tag, &bytes);
        Ok(())
    }

    fn raw(&mut self, tag: u32, bytes: &[u8]) {
        self.count += 1;
        put_uvarint(&mut self.body, tag);
        put_uvarint(&mut self.body, bytes.len() as u32);
        self.body.put_slice(bytes);
    }

    /// Appends what was collected; nothing in versions that are not flexible.
    #[inline]
    pub(crate) fn finish(&mut self, wire: Wire, out: &mut Encoder) {
        if !wire.flexible {
            return;
        }
        for (tag, bytes) in self.unknown {
            self.raw(*tag, bytes);
        }
        put_uvarint(&mut out.buffer, self.count);
        out.buffer.put_slice(&self.body);
    }
}

/// Walks the tagged fields at the end of a structure.
pub(crate) struct TagReader {
    left: u32,
    last: Option<u32>,
}

impl TagReader {
    #[inline]
    pub(crate) fn new(schema: &Schema, input: &mut Cursor) -> Result<TagReader, Located> {
        let read = |input: &mut Cursor| {
            let count = input.uvarint()?;
            let left = input.remaining();
            // Each takes a tag and a size at least.
            if count as usize > left / 2 {
                return Err(Fault::Length { length: i64::from(count), left });
            }
            Ok(TagReader { left: count, last: None })
        };
        read(input).map_err(|fault| at_tags(schema, input, fault))
    }

    /// The next field's tag and bytes.
    #[inline]
    pub(crate) fn next(
        &mut self,
        schema: &Schema,
        input: &mut Cursor,
    ) -> Result<Option<(u32, Bytes)>, Located> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let field = self.read(input).map_err(|fault| at_tags(schema, input, fault))?;
        Ok(Some(field))
    }

    fn read(&mut self, input: &mut Cursor) -> Result<(u32, Bytes), Fault> {
        let tag = input.uvarint()?;
        if let Some(after) = self.last.filter(|last| *last >= tag) {
            return Err(Fault::TagOrder { tag, after });
        }
        self.last = Some(tag);
        let size = input.uvarint()? as usize;
        Ok((tag, input.take(size)?))
    }
}

fn at_tags(schema: &Schema, input: &Cursor, fault: Fault) -> Located {
    Located { message: schema.name, field: "tagged fields", left: input.remaining(), fault }
}
