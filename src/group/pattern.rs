//! Regular expressions that name topics (KIP-848): those of RE2, matched against whole names. The engine takes time linear in the name, so
//! no pattern can hold a thread.

use regex::{Regex, RegexBuilder};

/// The longest pattern that is taken.
const LONGEST: usize = 32_000;
/// The most memory that a compiled pattern takes.
const COMPILED_AT_MOST: usize = 1 << 20;

/// Compiles a pattern so that it matches whole names.
///
/// # Errors
/// Tells what is wrong with it.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!("it has {} bytes; at most {LONGEST} are taken", pattern.len()));
    }
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(COMPILED_AT_MOST)
            .dfa_size_limit(COMPILED_AT_MOST)
            .build()
            .map_err(|error| error.to_string())
    };
    // Alone first: what closes a group that it did not open would become sound inside ours.
    build(pattern)?;
    build(&format!("\\A(?:{pattern})\\z"))
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn patterns_match_whole_names_and_what_is_none_is_told() {
        let orders = compile("orders|or.*s-[0-9]").unwrap();
        assert!(orders.is_match("orders") && orders.is_match("ors-7"));
        assert!(!orders.is_match("orders2") && !orders.is_match("my-orders"));
        for wrong in ["a)|(b", "[", "(?<name", "a{2,1}", "(a", "a**(?=b)", r"(a)\1"] {
            assert!(compile(wrong).is_err(), "{wrong}");
        }
        assert!(compile(&"a".repeat(32_001)).is_err());
        assert!(compile("((a{100}){100}){100}").is_err(), "it would take too much memory");
    }
}
