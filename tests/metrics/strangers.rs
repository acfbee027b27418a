//! Whoever speaks HTTP badly, slowly or without end gets an answer that says so, and nobody else notices.

use std::io::{Read, Write};
use std::time::Instant;

use klog::wire::produce::ProduceRequest;

use crate::http::{self, Response};
use crate::kafka::{self, PRODUCE};
use crate::node::Node;

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_the_answers_that_http_has_for_them() {
    let node = Node::start().await;
    let ask = |request: &str| http::exchange(node.metrics, request.as_bytes());
    let status = |request: &str| ask(request).map(|answer| answer.status);
    let long = "x".repeat(70_000);
    assert_eq!(status("GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n"), Some(200));
    assert_eq!(status("GET /metrics HTTP/1.0\r\n\r\n"), Some(200));
    assert_eq!(status("GET /metrics?name=x HTTP/1.1\r\nHost: n\r\n\r\n"), Some(200));
    assert_eq!(status("GET /nowhere HTTP/1.1\r\nHost: n\r\n\r\n"), Some(404));
    assert_eq!(status("GET /metrics/ HTTP/1.1\r\nHost: n\r\n\r\n"), Some(404));
    let line = status(&format!("GET /{long} HTTP/1.1\r\nHost: n\r\n\r\n"));
    assert!(matches!(line, Some(414 | 431)), "{line:?}");
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: n\r\nX: {long}\r\n\r\n")), Some(431));
    let many = "A: b\r\n".repeat(500);
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: n\r\n{many}\r\n")), Some(431));
    assert_eq!(status("\u{1}\u{2}\u{3} what is this\r\n\r\n"), Some(400));
    assert_eq!(status("GET /metrics SPDY/9\r\n\r\n"), Some(400));
    let posted =
        format!("POST /metrics HTTP/1.1\r\nHost: n\r\nContent-Length: 70000\r\n\r\n{long}");
    let refused: Response = ask(&posted).expect("an answer");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(status("DELETE /healthz HTTP/1.1\r\nHost: n\r\n\r\n"), Some(405));
    let head = ask("HEAD /metrics HTTP/1.1\r\nHost: n\r\n\r\n").expect("an answer");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.header("content-length").is_some_and(|length| length != "0"));
    // What Kafka's clients send.
    let kafka = http::exchange(node.metrics, b"\0\0\0\x10\0\x12\0\x04\0\0\0\x01\xff\xff\0\0");
    assert!(kafka.is_none_or(|answer| answer.status == 400));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_do_nothing_or_have_no_end_hold_up_neither_scrapes_nor_clients() {
    let node = Node::start().await;
    let mut kafka = node.connect();
    kafka::create(&mut kafka, ["events"]);
    let loris = || {
        let mut stream = http::connect(node.metrics);
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHo").expect("it is taken");
        stream
    };
    let mut idle: Vec<_> = (0..64).map(|_| loris()).collect();
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(node.scrape().value("klog_healthy"), 1.0);
        let request = kafka::produce("events", 0, kafka::batch(1, 0));
        kafka.call::<ProduceRequest>(PRODUCE, &request);
    }
    let took = begun.elapsed();
    assert!(took.as_secs() < 5, "with idle connections, ten scrapes took {took:?}");
    // The oldest made room for those that came after them; who is left is told that it took too long.
    let last = idle.pop().expect("one is left");
    assert_eq!(http::answer(last).map(|answer| answer.status), Some(408));
    for stream in &mut idle[..32] {
        let ended = stream.read(&mut [0; 1]);
        assert!(!matches!(ended, Ok(1..)), "{ended:?}");
        assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
    // Of a request without end, no more is read than some windows of the sockets hold.
    let mut endless = http::connect(node.metrics);
    endless.write_all(b"GET / HTTP/1.1\r\nX: ").expect("it is taken");
    let mut taken = 0;
    while taken < 256 << 20 && endless.write_all(&[b'x'; 64 << 10]).is_ok() {
        taken += 64 << 10;
    }
    assert!(taken < 32 << 20, "{taken} bytes were taken");
    assert_eq!(node.scrape().value(r#"klog_request_duration_seconds_count{api="Produce"}"#), 10.0);
    node.stop().await;
}
