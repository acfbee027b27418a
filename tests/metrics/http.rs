//! As much of HTTP as a test needs, so that it can be wrong on purpose.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the listener accepts connections");
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline can be set");
    stream
}

/// Sends bytes as they are, and reads until the connection is closed.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Option<Response> {
    let mut stream = connect(address);
    stream.write_all(request).ok();
    answer(stream)
}

/// What comes until the connection is closed; `None` if that is nothing.
pub fn answer(mut stream: TcpStream) -> Option<Response> {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).expect("it is text");
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        assert!(text.is_empty(), "no whole head, then {ended:?}: {text:?}");
        return None;
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Some(Response { status: status.expect("a status"), head: head.into(), body: body.into() })
}

/// Asks for a page, in this media type.
pub fn get(address: SocketAddr, path: &str, accept: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: node\r\nAccept: {accept}\r\n\r\n");
    exchange(address, request.as_bytes()).expect("an answer")
}
