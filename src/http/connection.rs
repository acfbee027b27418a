//! One connection: one request, one page.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::stream::Stream;
use super::{Page, Site};

/// How long a connection lives at most: who asks for a page does it at once, and reads it.
const LIFETIME: Duration = Duration::from_secs(10);
/// The longest request line with its headers.
const REQUEST_AT_MOST: usize = 16 << 10;
/// The answer to who does not say what it wants within that time.
const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// How much of what nobody asked for is read before the connection is closed, and for how long: closed at once, the peer's system
/// would drop the answer.
const LEFT_OVER: (usize, Duration) = (256 << 10, Duration::from_secs(1));

/// Answers one request.
pub async fn serve<S: Site>(stream: TcpStream, site: Arc<S>) {
    let asked = AtomicBool::new(false);
    let answer = |request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let site = site.clone();
        async move { Ok::<_, Infallible>(answer(site, &request).await) }
    };
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(REQUEST_AT_MOST)
        .serve_connection(Stream(&stream), service_fn(answer));
    match timeout(LIFETIME, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP request was not understood"),
        Err(_) => {
            tracing::debug!("an HTTP connection took too long");
            if asked.into_inner() {
                return;
            }
            // The answer fits into any socket's buffer.
            let _ = stream.try_write(TIMED_OUT);
            let _ = rustix::net::shutdown(&stream, rustix::net::Shutdown::Write);
        }
    }
    let _ = timeout(LEFT_OVER.1, drain(&stream, LEFT_OVER.0)).await;
}

async fn answer<S: Site>(site: Arc<S>, request: &Request<Incoming>) -> Response<Text> {
    let page = match *request.method() {
        Method::GET | Method::HEAD => {
            let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
            let (path, accept) = (request.uri().path().to_owned(), accept.unwrap_or("").to_owned());
            let page = site.page(path, accept).await;
            page.unwrap_or_else(|| Page::plain(404, "there is no such page"))
        }
        _ => Page::plain(405, "only GET and HEAD are answered"),
    };
    let mut response = Response::new(Text(Some(page.text)));
    *response.status_mut() = StatusCode::from_u16(page.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if page.status == 405 {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

/// Reads and forgets what the peer still sends.
async fn drain(stream: &TcpStream, mut most: usize) {
    let mut window = [0; 4096];
    while most > 0 && stream.readable().await.is_ok() {
        match stream.try_read(&mut window) {
            Ok(0) => return,
            Ok(count) => most = most.saturating_sub(count),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// A page's text, in one piece.
struct Text(Option<Bytes>);

impl Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|text| Ok(Frame::data(text))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |text| text.len() as u64))
    }
}
