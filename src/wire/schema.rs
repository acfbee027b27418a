//! What a message looks like, as data: made from the same declaration as its code, read by tests and tools.

/// An inclusive range of versions; empty where `min > max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    /// The first version.
    pub min: i16,
    /// The last version; `i16::MAX` where the range is open.
    pub max: i16,
}

impl Versions {
    /// No version at all.
    pub const NONE: Versions = Versions { min: 0, max: -1 };

    /// Whether `version` lies in the range.
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }
}

/// The type of a field.
#[derive(Debug)]
pub enum Type {
    /// One byte, 0 or 1.
    Bool,
    /// int8.
    I8,
    /// int16.
    I16,
    /// uint16.
    U16,
    /// int32.
    I32,
    /// uint32.
    U32,
    /// int64.
    I64,
    /// float64.
    F64,
    /// 16 bytes.
    Uuid,
    /// UTF-8.
    String,
    /// Opaque bytes.
    Bytes,
    /// Record batches, opaque to this room.
    Records,
    /// A nested structure.
    Struct(&'static Schema),
    /// A list of elements of one type.
    Array(&'static Type),
}

/// One field of a structure.
#[derive(Debug)]
pub struct Field {
    /// Its name in snake case.
    pub name: &'static str,
    /// Its type, without regard to nullability.
    pub ty: &'static Type,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// Its tag, and the versions in which it is a tagged field (KIP-482).
    pub tag: Option<(u32, Versions)>,
    /// The default as Rust source, where it is not the type's own (0, false, empty, null).
    pub default: Option<&'static str>,
    /// Whether a value other than the default is dropped in versions that lack the field, rather than refused.
    pub ignorable: bool,
}

impl Field {
    /// Whether the field is the one that stands under `tag` in `version`.
    pub const fn tagged_as(&self, tag: u32, version: i16) -> bool {
        match self.tag {
            Some((own, versions)) => own == tag && versions.contains(version),
            None => false,
        }
    }
}

/// A structure: a message or a part of one.
#[derive(Debug)]
pub struct Schema {
    /// Its name, as in Kafka's definitions.
    pub name: &'static str,
    /// Its fields in wire order.
    pub fields: &'static [Field],
}

/// A kind of record in one of Kafka's internal topics: its key begins with the kind, its value with a version.
#[derive(Clone, Copy, Debug)]
pub struct StoredRecord {
    /// The number that its key begins with.
    pub kind: i16,
    /// What follows in the key: version 0, not flexible.
    pub key: &'static Schema,
    /// What follows in the value.
    pub value: &'static Schema,
    /// The newest version of the value that is declared; the first is 0.
    pub newest: i16,
    /// The first version of the value with compact lengths and tagged fields.
    pub flexible_from: i16,
}

/// One API: what a request says in its header, and which versions klog can read and write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Api {
    /// The number on the wire.
    pub key: i16,
    /// The protocol's name, for example `Produce`.
    pub name: &'static str,
    /// The versions that are declared here.
    pub versions: Versions,
    /// The first version with compact lengths and tagged fields (KIP-482).
    pub flexible_from: i16,
}

impl Api {
    /// Whether `version` has compact lengths and tagged fields.
    pub const fn flexible(self, version: i16) -> bool {
        version >= self.flexible_from
    }
}
