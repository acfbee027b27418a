//! Random bodies of messages, made from their schemas alone, byte by byte: no encoder of klog's is involved.

use klog::wire::{Field, Schema, Type};

/// Random numbers; the same seed gives the same ones (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A seed from KLOG_SEED, else a new one; printed, so that a failure can be repeated.
    pub fn seeded() -> Dice {
        let given = std::env::var("KLOG_SEED").ok().and_then(|text| text.parse().ok());
        let now = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.unwrap().as_nanos() as u64
        };
        let seed = given.unwrap_or_else(now);
        println!("KLOG_SEED={seed}");
        Dice::new(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// What the bodies look like.
#[derive(Clone, Copy)]
pub enum Shape {
    /// A few elements in each list, texts of some length, nulls, tagged fields.
    Usual,
    /// As little as possible, but in the list met as number `list` so many elements, each with unknown tagged fields.
    Bulk { list: usize, elements: usize, tags: u32 },
}

/// A body in the making.
pub struct Body<'a> {
    pub bytes: Vec<u8>,
    dice: &'a mut Dice,
    shape: Shape,
    version: i16,
    flexible: bool,
    lists: usize,
    in_bulk: bool,
}

/// A body that is valid in `version`.
pub fn body(
    schema: &Schema,
    version: i16,
    flexible: bool,
    shape: Shape,
    dice: &mut Dice,
) -> Vec<u8> {
    let mut body =
        Body { bytes: Vec::new(), dice, shape, version, flexible, lists: 0, in_bulk: false };
    body.structure(schema);
    body.bytes
}

impl Body<'_> {
    fn usual(&self) -> bool {
        matches!(self.shape, Shape::Usual)
    }

    fn structure(&mut self, schema: &Schema) {
        let is_tagged =
            |field: &Field, version| field.tag.is_some_and(|(_, at)| at.contains(version));
        for field in schema.fields {
            if field.versions.contains(self.version) && !is_tagged(field, self.version) {
                self.value(field.ty, field.nullable.contains(self.version));
            }
        }
        if self.flexible {
            let known = schema.fields.iter().filter(|field| is_tagged(field, self.version));
            self.tags(known.collect());
        }
    }

    fn tags(&mut self, mut known: Vec<&Field>) {
        known.retain(|_| self.usual() && self.dice.one_in(2));
        let unknown = match self.shape {
            Shape::Usual => u32::from(self.dice.one_in(8)),
            Shape::Bulk { tags, .. } if self.in_bulk => tags,
            Shape::Bulk { .. } => 0,
        };
        self.uvarint(known.len() as u32 + unknown);
        for field in known {
            let before = std::mem::take(&mut self.bytes);
            self.value(field.ty, field.nullable.contains(self.version));
            let value = std::mem::replace(&mut self.bytes, before);
            self.uvarint(field.tag.unwrap().0);
            self.uvarint(value.len() as u32);
            self.bytes.extend(value);
        }
        for tag in 0..unknown {
            self.uvarint(100 + tag);
            let size = if self.usual() { self.dice.below(9) } else { 0 };
            self.uvarint(size as u32);
            self.bytes.extend(vec![0xee; size]);
        }
    }

    fn value(&mut self, ty: &Type, nullable: bool) {
        let null = nullable && self.usual() && self.dice.one_in(5);
        match ty {
            Type::Bool => self.bytes.push(u8::from(self.dice.one_in(2))),
            Type::I8 => self.number(1),
            Type::I16 | Type::U16 => self.number(2),
            Type::I32 | Type::U32 => self.number(4),
            Type::I64 => self.number(8),
            Type::F64 => self.bytes.extend((self.dice.below(1000) as f64 / 8.0).to_be_bytes()),
            Type::Uuid => self.number(16),
            Type::String => self.string(null),
            Type::Bytes | Type::Records => self.opaque(null),
            Type::Array(element) => self.list(element, null),
            Type::Struct(schema) => {
                if nullable {
                    self.bytes.push(if null { 0xff } else { 1 });
                }
                if !null {
                    self.structure(schema);
                }
            }
        }
    }

    /// Small, large or extreme.
    fn number(&mut self, width: usize) {
        let byte = [0x00, 0xff, 0x7f][self.dice.below(3)];
        for _ in 1..width {
            let byte = if self.dice.one_in(3) { self.dice.next() as u8 } else { byte };
            self.bytes.push(byte);
        }
        let last = self.dice.next() as u8;
        self.bytes.push(last);
    }

    fn string(&mut self, null: bool) {
        let letters = ["a", "Z", "0", "-", ".", "ü", "日", "🦀"];
        let count = if self.usual() { self.dice.below(9) } else { 0 };
        let text: String = (0..count).map(|_| letters[self.dice.below(letters.len())]).collect();
        self.length(true, (!null).then_some(text.len()));
        if !null {
            self.bytes.extend(text.bytes());
        }
    }

    /// Sometimes so much that an encoder would rather not copy it.
    fn opaque(&mut self, null: bool) {
        let most = if self.dice.one_in(5) { 900 } else { 40 };
        let size = if self.usual() { self.dice.below(most) } else { 0 };
        self.length(false, (!null).then_some(size));
        if !null {
            let bytes: Vec<u8> = (0..size).map(|_| self.dice.next() as u8).collect();
            self.bytes.extend(bytes);
        }
    }

    fn list(&mut self, element: &Type, null: bool) {
        let at = self.lists;
        self.lists += 1;
        let (count, bulk) = match self.shape {
            Shape::Usual => (self.dice.below(4), false),
            Shape::Bulk { list, elements, .. } if list == at => (elements, true),
            // What leads to the bulk; nothing in its elements.
            Shape::Bulk { list, .. } => (usize::from(at < list), false),
        };
        self.length(false, (!null).then_some(count));
        if null {
            return;
        }
        self.in_bulk |= bulk;
        for _ in 0..count {
            self.value(element, false);
        }
        if bulk {
            self.in_bulk = false;
        }
    }

    fn length(&mut self, short: bool, length: Option<usize>) {
        match (self.flexible, short) {
            (true, _) => self.uvarint(length.map_or(0, |length| length as u32 + 1)),
            (false, true) => self.bytes.extend(length.map_or(-1, |l| l as i16).to_be_bytes()),
            (false, false) => self.bytes.extend(length.map_or(-1, |l| l as i32).to_be_bytes()),
        }
    }

    fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
