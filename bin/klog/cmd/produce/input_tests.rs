use std::io::Write as _;

use super::*;

/// All that comes out of an input that gets `pieces` one after the other.
async fn read(pieces: &[&[u8]], delimiter: &'static str, limit: usize) -> Vec<(String, u64)> {
    let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let cut = Cut::Delimiter(Bytes::from_static(delimiter.as_bytes()));
    let mut input = Input::of(theirs.into(), cut, limit).expect("a thread");
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|p| p.to_vec()).collect();
    let writer = std::thread::spawn(move || {
        let mut ours = ours;
        for piece in pieces {
            if ours.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let mut found = Vec::new();
    while let Some(block) = input.next().await {
        match block {
            Ok(block) => {
                found.push((String::from_utf8_lossy(&block.bytes).into_owned(), block.first))
            }
            Err(error) => found.push((error.to_string(), 0)),
        }
    }
    writer.join().expect("the writer is done");
    found
}

fn joined(blocks: &[(String, u64)]) -> String {
    blocks.iter().map(|(text, _)| text.as_str()).collect()
}

#[tokio::test]
async fn blocks_hold_whole_records_and_nothing_is_lost() {
    let line = "x".repeat(1000) + "\n";
    let all = line.repeat(2000) + "no end";
    let blocks = read(&[all.as_bytes()], "\n", 1 << 20).await;
    assert_eq!(joined(&blocks), all);
    let mut expected = 1;
    for (text, first) in &blocks {
        assert_eq!(*first, expected);
        assert!(text.ends_with('\n') || text.ends_with("no end"));
        expected += text.matches('\n').count() as u64;
    }
}

#[tokio::test]
async fn a_delimiter_may_come_in_two_reads() {
    for split in 1..6 {
        let text = b"ab\r\ncd\r\n";
        let blocks = read(&[&text[..split], &text[split..]], "\r\n", 100).await;
        assert_eq!(joined(&blocks), "ab\r\ncd\r\n");
        assert!(blocks.iter().all(|(text, _)| text.ends_with("\r\n")));
    }
}

#[tokio::test]
async fn a_line_beyond_the_limit_is_named_by_its_number() {
    let long = "y".repeat(300_000);
    let blocks = read(&[b"one\ntwo\n", long.as_bytes()], "\n", 1000).await;
    assert_eq!(joined(&blocks[..blocks.len() - 1]), "one\ntwo\n");
    assert_eq!(blocks.last().map(|b| b.0.as_str()), Some("line 3 has more than 1000 bytes"));
}

#[tokio::test]
async fn a_stop_gives_what_was_read_and_no_half_record() {
    let (mut ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    let cut = Cut::Delimiter(Bytes::from_static(b"\n"));
    let mut input = Input::of(theirs.into(), cut, 1000).expect("a thread");
    ours.write_all(b"whole\nhalf").expect("the reader is there");
    let block = input.next().await.expect("a block").expect("no error");
    assert_eq!(&block.bytes[..], b"whole\n");
    input.stopper().expect("a descriptor").stop();
    assert!(input.next().await.is_none());
}
