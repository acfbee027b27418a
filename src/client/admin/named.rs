//! Enumerations that brokers tell as text.

/// Names that come as text, with room for those that are not known yet.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// One that klog does not know.
            Other(String),
        }

        impl $name {
            /// All that are known.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// As brokers call it.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Other(text) => text,
                }
            }

            /// As a broker told it; case does not matter.
            pub(in crate::client::admin) fn told(text: &str) -> $name {
                text.parse().unwrap_or_else(|_| $name::Other(text.to_owned()))
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// Case does not matter; the error lists what is known.
            fn from_str(text: &str) -> Result<$name, String> {
                let known = $name::ALL.iter().find(|one| one.as_str().eq_ignore_ascii_case(text));
                let names = || $name::ALL.iter().map($name::as_str).collect::<Vec<_>>().join(", ");
                known.cloned().ok_or_else(|| format!("it is one of {}", names()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(super) use named;
