//! What is known of a key.

/// The type of a key's value (the protocol's numbers, KIP-569).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// true or false.
    Boolean = 1,
    /// Text, often one of some words.
    String = 2,
    /// 32 bits.
    Int = 3,
    /// 16 bits.
    Short = 4,
    /// 64 bits.
    Long = 5,
    /// A fraction.
    Double = 6,
    /// Items between commas.
    List = 7,
}

/// A key of a broker or a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// What it does, in our own words.
    pub doc: &'static str,
    /// Of a broker's key: whether it can be changed while the broker runs.
    pub dynamic: bool,
}
