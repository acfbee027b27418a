//! One connection to a broker, over which requests go that no client would send so.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use klog::wire::{Encoder, Request, decode_response_header, encode_request_header};

/// How long an answer, or the end of a connection, may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// One connection.
pub struct Raw {
    pub(super) stream: TcpStream,
    sent: i32,
}

impl Raw {
    pub fn connect(address: &str) -> Raw {
        Raw::over(TcpStream::connect(address).expect("the broker accepts connections"))
    }

    /// A connection that stands.
    pub(super) fn over(stream: TcpStream) -> Raw {
        // What is sent while an answer is on its way is not to wait for its acknowledgement.
        stream.set_nodelay(true).expect("it can be set");
        stream.set_read_timeout(Some(DEADLINE)).expect("a deadline can be set");
        Raw { stream, sent: 0 }
    }

    /// Sends bytes as they are. A broker that has closed already is no failure here.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).ok();
    }

    /// Sends a request; returns its correlation id.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        let frame = self.framed(version, request);
        self.send_bytes(&frame);
        self.sent
    }

    /// The bytes of the next request, which are still to be sent.
    pub fn framed<R: Request>(&mut self, version: i16, request: &R) -> Vec<u8> {
        let mut body = Encoder::with_capacity(256);
        request.encode(version, &mut body).expect("the version carries the request");
        self.frame_around::<R>(version, &body.into_bytes().expect("no holes"))
    }

    /// The bytes of the next request, whose body is `body`.
    pub(super) fn frame_around<R: Request>(&mut self, version: i16, body: &[u8]) -> Vec<u8> {
        self.sent += 1;
        let mut header = Encoder::with_capacity(64);
        encode_request_header(R::API, version, self.sent, None, &mut header).expect("a header");
        let header = header.into_bytes().expect("no holes");
        let length = (header.len() + body.len()) as i32;
        [&length.to_be_bytes(), &header[..], body].concat()
    }

    /// The next frame, whatever it answers.
    pub fn frame(&mut self) -> Bytes {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).expect("an answer comes in time");
        let mut frame = vec![0; i32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame).expect("the answer is whole");
        frame.into()
    }

    /// The next answer, and what it answers.
    pub fn receive<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let (id, body) = decode_response_header(R::API, version, self.frame()).expect("a header");
        (id, R::decode_response(version, body).expect("the answer is well formed"))
    }

    /// Asks and waits for the answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let sent = self.send(version, request);
        let (answered, response) = self.receive::<R>(version);
        assert_eq!(answered, sent);
        response
    }
}
