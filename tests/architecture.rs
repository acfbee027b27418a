//! ARCHITECTURE.md is held to the source: the rooms in its table are the folders, and no `use` points up or sideways.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that only the command line may know.
const TERMINAL_CRATES: [&str; 6] =
    ["clap", "clap_complete", "clap_mangen", "comfy_table", "indicatif", "anyhow"];

/// What a pure room must not touch.
const IMPURE: [&str; 6] =
    ["tokio", "std::fs", "std::net", "SystemTime::now", "Instant::now", "rustix"];

#[derive(Debug, PartialEq)]
struct Room {
    rank: u32,
    pure: bool,
}

type Rooms = BTreeMap<String, Room>;

#[test]
fn no_room_imports_upward_or_sideways() {
    let rooms = rooms_in(&read("ARCHITECTURE.md"));
    let violations: Vec<String> = sources(&rooms)
        .iter()
        .flat_map(|(room, path)| {
            let text = fs::read_to_string(path).expect("a source file is readable");
            let shipped = if is_test_file(path) { "" } else { shipped(&text) };
            upward(&rooms, room, &text)
                .into_iter()
                .chain(impure(&rooms, room, shipped))
                .map(|found| format!("{}: {found}", path.display()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn every_room_in_the_table_is_a_folder_and_every_folder_is_in_the_table() {
    let rooms = rooms_in(&read("ARCHITECTURE.md"));
    let mut folders: Vec<String> = fs::read_dir(root().join("src"))
        .expect("src is a folder")
        .map(|entry| entry.expect("src is listable"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("room names are UTF-8"))
        .collect();
    folders.push("bin/klog".to_owned());
    folders.sort();
    assert_eq!(folders, rooms.keys().cloned().collect::<Vec<_>>());
}

#[test]
fn every_room_has_a_door_that_says_what_it_is_for() {
    for room in rooms_in(&read("ARCHITECTURE.md")).keys() {
        let door = match room.as_str() {
            "bin/klog" => "bin/klog/main.rs".to_owned(),
            room => format!("src/{room}/mod.rs"),
        };
        assert!(read(&door).starts_with("//!"), "{door} does not open with what the room is for");
    }
}

#[test]
fn the_check_can_fail() {
    let rooms = rooms_in("| 0 | `a` | x | pure |\n| 1 | `b` | x | I/O |\n| 1 | `c` | x | I/O |\n");
    let check = |room: &str, text: &str| -> Vec<String> {
        upward(&rooms, room, text).into_iter().chain(impure(&rooms, room, shipped(text))).collect()
    };
    let clean: Vec<String> = Vec::new();

    assert_eq!(check("b", "use crate::a::Thing;\nuse crate::b::Own;"), clean);
    assert_eq!(check("a", "use crate::b::Thing;"), ["a (rank 0) imports b (rank 1)"]);
    assert_eq!(check("b", "fn f() -> crate::c::T {}"), ["b (rank 1) imports c (rank 1)"]);
    assert_eq!(check("a", "use crate::{a::X, b::{self, Y}};"), ["a (rank 0) imports b (rank 1)"]);
    assert_eq!(check("a", "use crate::{\n    c,\n};"), ["a (rank 0) imports c (rank 1)"]);
    assert_eq!(check("b", "use crate::Reexported;"), ["b imports crate::Reexported, not a room"]);
    assert_eq!(check("a", "// use crate::b::Thing;\n/// See crate::b."), clean);
    assert_eq!(check("a", "use tokio::sync::Mutex;"), ["a is pure, but mentions tokio"]);
    assert_eq!(check("a", "let t = Instant::now();"), ["a is pure, but mentions Instant::now"]);
    assert_eq!(check("a", "fn x() {}\n#[cfg(test)]\nmod tests {\n use std::fs;\n}"), clean);
    assert_eq!(check("b", "use clap::Parser;"), ["b mentions clap, which only bin/klog may know"]);
}

/// Rows of the table: `| rank | `room` | … | pure or not |`.
fn rooms_in(page: &str) -> Rooms {
    page.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, rank, room, .., io, _] = cells[..] else { return None };
            let room = room.strip_prefix('`')?.strip_suffix('`')?;
            Some((room.to_owned(), Room { rank: rank.parse().ok()?, pure: io == "pure" }))
        })
        .collect()
}

/// Imports of rooms that are not strictly below `room`.
fn upward(rooms: &Rooms, room: &str, text: &str) -> Vec<String> {
    let rank = rooms[room].rank;
    let mut found: Vec<String> = imports(room, &without_comments(text))
        .into_iter()
        .filter(|import| import != room)
        .filter_map(|import| match rooms.get(&import) {
            None => Some(format!("{room} imports crate::{import}, not a room")),
            Some(other) if other.rank >= rank => {
                Some(format!("{room} (rank {rank}) imports {import} (rank {})", other.rank))
            }
            Some(_) => None,
        })
        .collect();
    found.dedup();
    found
}

/// Mentions of the outside world in a pure room, and of the terminal anywhere but in `bin/klog`.
fn impure(rooms: &Rooms, room: &str, text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut found = Vec::new();
    if rooms[room].pure {
        let impure = IMPURE.iter().filter(|name| mentions(&code, name));
        found.extend(impure.map(|name| format!("{room} is pure, but mentions {name}")));
    }
    if room != "bin/klog" {
        let terminal = TERMINAL_CRATES.iter().filter(|name| mentions(&code, &format!("{name}::")));
        found.extend(
            terminal.map(|name| format!("{room} mentions {name}, which only bin/klog may know")),
        );
    }
    found
}

/// The part of a source file above its tests.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

fn is_test_file(path: &Path) -> bool {
    path.with_extension("").iter().any(|part| part.to_string_lossy().ends_with("tests"))
}

/// The first segment of every path that starts at the library's root, groups included.
fn imports(room: &str, code: &str) -> Vec<String> {
    let start = if room == "bin/klog" { "klog::" } else { "crate::" };
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        if code[..at].ends_with(is_word) || code[..at].ends_with(':') {
            continue;
        }
        let path = &code[at + start.len()..];
        match path.strip_prefix('{') {
            Some(group) => found.extend(heads_of_group(group)),
            None => found.push(word(path)),
        }
    }
    found.retain(|import| !import.is_empty());
    found
}

/// `a::X, b::{self, Y}, c};…` gives a, b, c.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = vec![word(group.trim_start())];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| is_word(*c)).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn mentions(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| !code[..at].ends_with(is_word))
}

fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// Every source file with the room that it belongs to. `src/lib.rs` only lists the rooms.
fn sources(rooms: &Rooms) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for room in rooms.keys() {
        let folder = if room == "bin/klog" { room.clone() } else { format!("src/{room}") };
        walk(&root().join(folder), &mut |path| found.push((room.clone(), path)));
    }
    assert!(found.len() >= rooms.len(), "too few source files were found");
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(PathBuf)) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a folder is listable").path();
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}
