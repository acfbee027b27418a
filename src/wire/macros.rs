//! The one way to declare a message.

/// Declares structures of the protocol: each becomes a struct, its encoder, its decoder and its schema.
///
/// ```text
/// message! {
///     /// Doc of the structure.
///     Name {
///         field: Type, [3..=8], nullable [5..], tag 0 [7..], default -1, ignorable = true;
///     }
/// }
/// ```
///
/// The first brackets hold the versions that have the field, open (`3..`) or closed (`0..=2`). What follows is
/// optional and stands in this order: the versions in which it may be null (its type is an `Option` then); its tag and
/// the versions in which it is a tagged field; its default, where that is not the type's own; and whether it may be
/// dropped in versions that lack it. Tagged fields stand in ascending order of tag. Types are the numbers, `bool`,
/// `ByteString`, `Bytes`, `Records`, [`Uuid`](super::Uuid), other structures, and `Vec`s of them.
///
/// Requests are joined to their API with [`request!`]; other rooms use `message!` for what they keep on disk, with
/// [`Fields::encode_body`](super::Fields::encode_body) and [`decode_body`](super::Fields::decode_body).
macro_rules! message {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $(
                $(#[$field_doc:meta])*
                $field:ident: $ty:ty, [$($versions:tt)*]
                $(, nullable [$($nullable:tt)*])?
                $(, tag $tag:literal [$($tagged:tt)*])?
                $(, default $default:expr)?
                $(, ignorable = $ignorable:literal)?;
            )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
            /// Tagged fields that this version of klog does not know, kept as they came.
            pub unknown_tags: $crate::wire::UnknownTags,
        }

        impl Default for $name {
            fn default() -> $name {
                $name {
                    $($field: $crate::wire::macros::default_of!($ty $(, $default)?),)*
                    unknown_tags: $crate::wire::UnknownTags::default(),
                }
            }
        }

        impl $crate::wire::Fields for $name {
            const SCHEMA: &'static $crate::wire::Schema = &$crate::wire::Schema {
                name: stringify!($name),
                fields: &[$($crate::wire::Field {
                    name: stringify!($field),
                    ty: <$ty as $crate::wire::Value>::TYPE,
                    versions: $crate::wire::macros::versions!($($versions)*),
                    nullable: $crate::wire::macros::versions!($($($nullable)*)?),
                    tag: $crate::wire::macros::tag_of!($($tag [$($tagged)*])?),
                    default: $crate::wire::macros::text_of!($($default)?),
                    ignorable: $crate::wire::macros::flag_of!($($ignorable)?),
                },)*],
            };

            fn put_fields(
                &self,
                wire: $crate::wire::Wire,
                out: &mut $crate::wire::Encoder,
            ) -> Result<(), $crate::wire::EncodeError> {
                let tags = &mut $crate::wire::tags::TagWriter::new(&self.unknown_tags);
                $({
                    const FIELD: &$crate::wire::Field = &<$name as $crate::wire::Fields>::SCHEMA.fields
                        [$crate::wire::macros::index_of::<$name>(stringify!($field))];
                    let is_default = || self.$field == $crate::wire::macros::default_of!($ty $(, $default)?);
                    $crate::wire::field::put(FIELD, Self::SCHEMA, &self.$field, is_default, wire, tags, out)?;
                })*
                tags.finish(wire, out);
                Ok(())
            }

            fn get_fields(
                wire: $crate::wire::Wire,
                input: &mut $crate::wire::Input,
            ) -> Result<$name, $crate::wire::Located> {
                let schema = <$name as $crate::wire::Fields>::SCHEMA;
                let mut message = $name {
                    $($field: {
                        const FIELD: &$crate::wire::Field = &<$name as $crate::wire::Fields>::SCHEMA.fields
                            [$crate::wire::macros::index_of::<$name>(stringify!($field))];
                        match $crate::wire::field::get(FIELD, schema, wire, input)? {
                            Some(value) => value,
                            None => $crate::wire::macros::default_of!($ty $(, $default)?),
                        }
                    },)*
                    unknown_tags: $crate::wire::UnknownTags::default(),
                };
                if wire.flexible {
                    let mut tags = $crate::wire::tags::TagReader::new(schema, input)?;
                    while let Some((tag, bytes)) = tags.next(schema, input)? {
                        $({
                            const FIELD: &$crate::wire::Field = &<$name as $crate::wire::Fields>::SCHEMA.fields
                                [$crate::wire::macros::index_of::<$name>(stringify!($field))];
                            if FIELD.tagged_as(tag, wire.version) {
                                message.$field = $crate::wire::field::get_tagged(FIELD, schema, wire, bytes, input)?;
                                continue;
                            }
                        })*
                        $crate::wire::tags::keep(&mut message.unknown_tags, tag, bytes, schema, input)?;
                    }
                }
                Ok(message)
            }

            fn error_codes(&self, see: &mut impl FnMut(i16)) {
                let _ = &see; // some structures have no fields
                $($crate::wire::Value::error_codes(&self.$field, stringify!($field), see);)*
            }
        }

        impl $crate::wire::Value for $name {
            const TYPE: &'static $crate::wire::Type =
                &$crate::wire::Type::Struct(<$name as $crate::wire::Fields>::SCHEMA);
            fn put(&self, wire: $crate::wire::Wire, out: &mut $crate::wire::Encoder)
                -> Result<(), $crate::wire::Unfit>
            {
                $crate::wire::Fields::put_fields(self, wire, out).map_err($crate::wire::Unfit::Nested)
            }
            fn get(wire: $crate::wire::Wire, input: &mut $crate::wire::Input)
                -> Result<$name, $crate::wire::Unreadable>
            {
                <$name as $crate::wire::Fields>::get_fields(wire, input).map_err($crate::wire::Unreadable::Nested)
            }
            fn error_codes(&self, _: &str, see: &mut impl FnMut(i16)) {
                $crate::wire::Fields::error_codes(self, see);
            }
        }
    )*};
}

/// Joins a request to its response and its API.
macro_rules! request {
    ($request:ident => $response:ident, $api:literal $key:literal, [$($versions:tt)*], flexible $flexible:literal) => {
        impl $crate::wire::Request for $request {
            type Response = $response;
            const API: $crate::wire::Api = $crate::wire::Api {
                key: $key,
                name: $api,
                versions: $crate::wire::macros::versions!($($versions)*),
                flexible_from: $flexible,
            };
        }
    };
}

/// A version range in brackets.
macro_rules! versions {
    () => {
        $crate::wire::Versions::NONE
    };
    ($min:literal ..) => {
        $crate::wire::Versions { min: $min, max: i16::MAX }
    };
    ($min:literal ..= $max:literal) => {
        $crate::wire::Versions { min: $min, max: $max }
    };
}

/// A field's default: its own, or its type's.
macro_rules! default_of {
    ($ty:ty) => {
        <$ty as Default>::default()
    };
    ($ty:ty, $default:expr) => {
        $default
    };
}

/// The default's source text for the schema.
macro_rules! text_of {
    () => {
        None
    };
    ($default:expr) => {
        Some(stringify!($default))
    };
}

/// The tag for the schema.
macro_rules! tag_of {
    () => { None };
    ($tag:literal [$($tagged:tt)*]) => { Some(($tag, $crate::wire::macros::versions!($($tagged)*))) };
}

/// A flag, false if it is not there.
macro_rules! flag_of {
    () => {
        false
    };
    ($flag:literal) => {
        $flag
    };
}

pub(crate) use {default_of, flag_of, message, request, tag_of, text_of, versions};

use super::Fields;

/// The place of a field in its structure, found at compile time.
pub(crate) const fn index_of<T: Fields>(name: &str) -> usize {
    let (fields, name) = (T::SCHEMA.fields, name.as_bytes());
    let mut at = 0;
    while at < fields.len() {
        if same(fields[at].name.as_bytes(), name) {
            return at;
        }
        at += 1;
    }
    panic!("a field is in the schema of its own structure")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
