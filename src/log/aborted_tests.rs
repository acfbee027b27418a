use super::*;

fn entry(producer_id: i64, first_offset: i64, last_offset: i64, stable: i64) -> AbortedEntry {
    AbortedEntry::new(Aborted { first_offset, last_offset, producer_id }, stable)
}

#[test]
fn an_entry_has_kafkas_bytes() {
    let mut bytes = Vec::new();
    entry(7, 3, 5, 4).write(&mut bytes);
    let wanted = [
        &[0, 0][..],
        &7i64.to_be_bytes(),
        &3i64.to_be_bytes(),
        &5i64.to_be_bytes(),
        &4i64.to_be_bytes(),
    ];
    assert_eq!(bytes, wanted.concat());
    assert_eq!(bytes.len(), AbortedEntry::LEN);
    assert_eq!(AbortedEntry::read(&bytes), entry(7, 3, 5, 4));
}

#[test]
fn entries_are_in_order_of_their_markers_and_begin_before_them() {
    assert!(are_sound(&[entry(7, 3, 5, 1), entry(8, 1, 9, 10)]));
    assert!(are_sound(&[]));
    assert!(!are_sound(&[entry(7, 3, 5, 4), entry(8, 1, 5, 6)]), "two markers at one offset");
    assert!(!are_sound(&[entry(7, 3, 5, 4), entry(8, 1, 9, 3)]), "a stable offset that falls");
    assert!(!are_sound(&[entry(7, 5, 5, 6)]), "it ends before it begins");
    let unknown = AbortedEntry { version: 1, ..entry(7, 3, 5, 6) };
    assert!(!are_sound(&[unknown]), "a version that nobody knows");
}
