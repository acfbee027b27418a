//! Every declaration, compared with Kafka's own definition field by field.

use std::fmt::Write as _;

use klog::forensics::decode::Internal;
use klog::meta::records::MetadataRecord;
use klog::wire::{Field, Schema, StoredRecord, Type, Versions};
use serde_json::Value;

use super::{definitions, halves};

/// A message's fields, a line each, in a form that both sides can be brought to.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, depth: usize, parts: [&str; 7]) {
        let [name, ty, versions, nullable, tag, default, ignorable] = parts;
        let indent = "  ".repeat(depth);
        writeln!(
            self.0,
            "{indent}{name}: {ty}, versions {versions}, nullable {nullable}, tag {tag}, default {default:?}, ignorable {ignorable}"
        )
        .unwrap();
    }
}

// Kafka's side.

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str()
}

fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_small = at > 0 && !letters[at - 1].is_uppercase();
        let before_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && at > 0 && (after_small || before_small) {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn versions(text: Option<&str>) -> Versions {
    let number = |text: &str| text.trim().parse::<i16>().unwrap();
    match text {
        None | Some("none") => Versions::NONE,
        Some(text) => match (text.strip_suffix('+'), text.split_once('-')) {
            (Some(min), _) => Versions { min: number(min), max: i16::MAX },
            (None, Some((min, max))) => Versions { min: number(min), max: number(max) },
            (None, None) => Versions { min: number(text), max: number(text) },
        },
    }
}

fn their_default(field: &Value, ty: &str, nullable: bool) -> String {
    let given = match &field["default"] {
        Value::Null => None,
        Value::String(text) => Some(text.trim().to_owned()),
        other => Some(other.to_string()),
    };
    match (ty, given.as_deref()) {
        (_, Some("null")) => "null".to_owned(),
        ("records", None) if nullable => "null".to_owned(),
        ("bool", None) => "false".to_owned(),
        ("int8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "float64", None) => {
            "0".to_owned()
        }
        (_, None) => String::new(),
        (_, Some(hex)) if hex.starts_with("0x") => {
            i64::from_str_radix(&hex[2..], 16).unwrap().to_string()
        }
        (_, Some(other)) => other.to_owned(),
    }
}

fn their_fields(page: &mut Page, depth: usize, fields: &Value, common: &Value) {
    let mut fields: Vec<&Value> = fields.as_array().unwrap().iter().collect();
    // On the wire the tagged ones come last, by tag; klog declares them so.
    fields.sort_by_key(|field| field["tag"].as_u64().map_or(-1, |tag| tag as i64));
    for field in fields {
        let ty = text(field, "type").unwrap();
        let nullable = versions(text(field, "nullableVersions"));
        let tag = match field["tag"].as_u64() {
            Some(tag) => format!("{tag} {:?}", versions(text(field, "taggedVersions"))),
            None => "none".to_owned(),
        };
        page.line(
            depth,
            [
                &snake(text(field, "name").unwrap()),
                ty,
                // A tagged field that does not say is there in the versions that tag it.
                &format!(
                    "{:?}",
                    versions(text(field, "versions").or(text(field, "taggedVersions")))
                ),
                &format!("{nullable:?}"),
                &tag,
                &their_default(field, ty, nullable != Versions::NONE),
                &(field["ignorable"] == true || field["ignorable"] == "true").to_string(),
            ],
        );
        let element = ty.trim_start_matches("[]");
        let shared = common.as_array().into_iter().flatten().find(|one| one["name"] == element);
        let nested = if field["fields"].is_array() { Some(field) } else { shared };
        if let Some(nested) = nested {
            their_fields(page, depth + 1, &nested["fields"], common);
        }
    }
}

fn their_page(definition: &Value) -> String {
    let mut page = Page::default();
    their_fields(&mut page, 0, &definition["fields"], &definition["commonStructs"]);
    page.0
}

// Our side.

fn our_type(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::I8 => "int8".to_owned(),
        Type::I16 => "int16".to_owned(),
        Type::U16 => "uint16".to_owned(),
        Type::I32 => "int32".to_owned(),
        Type::U32 => "uint32".to_owned(),
        Type::I64 => "int64".to_owned(),
        Type::F64 => "float64".to_owned(),
        Type::Uuid => "uuid".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Records => "records".to_owned(),
        Type::Struct(schema) => schema.name.to_owned(),
        Type::Array(element) => format!("[]{}", our_type(element)),
    }
}

fn our_default(field: &Field) -> String {
    match (field.default, field.ty) {
        (None, _) if field.nullable != Versions::NONE => "null".to_owned(),
        (None, Type::Bool) => "false".to_owned(),
        (
            None,
            Type::I8 | Type::I16 | Type::U16 | Type::I32 | Type::U32 | Type::I64 | Type::F64,
        ) => "0".to_owned(),
        (None, _) => String::new(),
        (Some("i16::MAX"), _) => i16::MAX.to_string(),
        (Some("i32::MAX"), _) => i32::MAX.to_string(),
        (Some("i32::MIN"), _) => i32::MIN.to_string(),
        (Some("i64::MAX"), _) => i64::MAX.to_string(),
        (Some("Some(ByteString::new())" | "Some(Vec::new())" | "Some(Bytes::new())"), _) => {
            String::new()
        }
        // What stands in a nullable structure that is not there.
        (Some(structure), Type::Struct(_)) if structure.ends_with("::default())") => String::new(),
        (Some(number), _) => number.replace('_', ""),
    }
}

fn our_fields(page: &mut Page, depth: usize, schema: &Schema) {
    for field in schema.fields {
        let tag =
            field.tag.map_or("none".to_owned(), |(tag, versions)| format!("{tag} {versions:?}"));
        page.line(
            depth,
            [
                field.name.trim_start_matches("r#"),
                &our_type(field.ty),
                &format!("{:?}", field.versions),
                &format!("{:?}", field.nullable),
                &tag,
                &our_default(field),
                &field.ignorable.to_string(),
            ],
        );
        let mut element = field.ty;
        while let Type::Array(inner) = element {
            element = inner;
        }
        if let Type::Struct(nested) = element {
            our_fields(page, depth + 1, nested);
        }
    }
}

fn our_page(schema: &Schema) -> String {
    let mut page = Page::default();
    our_fields(&mut page, 0, schema);
    page.0
}

/// The lines in which two pages differ, for a reader.
fn difference(name: &str, ours: &str, theirs: &str) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let mut out = format!("{name}\n");
    let count = ours.lines().count().max(theirs.lines().count());
    let line = |page: &str, at: usize| page.lines().nth(at).unwrap_or("(nothing)").to_owned();
    for (a, b) in (0..count).map(|at| (line(ours, at), line(theirs, at))).filter(|(a, b)| a != b) {
        writeln!(out, "  klog  {a}\n  Kafka {b}").unwrap();
    }
    Some(out)
}

#[test]
fn every_request_and_response_is_what_kafka_defines() {
    let definitions = definitions::read("kafka-clients", "common/message/");
    let mut wrong = Vec::new();
    for half in halves() {
        let name = half.schema.name;
        let theirs = definitions.iter().find(|one| one["name"] == name).expect(name);
        wrong.extend(difference(name, &our_page(half.schema), &their_page(theirs)));
        assert_eq!(theirs["apiKey"], half.api.key, "{name}");
        assert_eq!(theirs["type"], if half.is_response { "response" } else { "request" }, "{name}");
        let ending = if half.is_response { "Response" } else { "Request" };
        assert_eq!(name, format!("{}{ending}", half.api.name));
        assert_eq!(versions(text(theirs, "validVersions")), half.api.versions, "{name}");
        let flexible = versions(text(theirs, "flexibleVersions"));
        let from = if flexible == Versions::NONE { i16::MAX } else { flexible.min };
        assert_eq!(from, half.api.flexible_from, "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_metadata_record_is_what_kafka_defines() {
    let definitions = definitions::read("kafka-metadata", "common/metadata/");
    let mut wrong = Vec::new();
    for (kind, schema, known) in MetadataRecord::ALL {
        let theirs = definitions.iter().find(|one| one["apiKey"] == *kind).expect(schema.name);
        assert_eq!(theirs["name"], schema.name);
        assert_eq!(versions(text(theirs, "flexibleVersions")).min, 0, "{}", schema.name);
        assert_eq!(versions(text(theirs, "validVersions")), *known, "{}", schema.name);
        wrong.extend(difference(schema.name, &our_page(schema), &their_page(theirs)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_record_of_groups_and_transactions_is_what_kafka_defines() {
    for (jar, topic) in [
        ("kafka-group-coordinator", Internal::Groups),
        ("kafka-transaction-coordinator", Internal::Transactions),
        ("kafka-share-coordinator", Internal::Shares),
    ] {
        let definitions = definitions::read(jar, "common/message/");
        let mut wrong = Vec::new();
        for theirs in &definitions {
            let name = text(theirs, "name").expect("a name");
            // The first version of the kind that took its place.
            if name.starts_with("LegacyOffsetCommit") {
                continue;
            }
            let kind = |it: &&StoredRecord| theirs["apiKey"] == it.kind;
            let ours = topic.stored().iter().find(kind).expect(name);
            let ours = if name.ends_with("Key") { ours.key } else { ours.value };
            assert_eq!(ours.name, name);
            wrong.extend(difference(name, &our_page(ours), &their_page(theirs)));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
