//! A server that only acknowledges: what the load's client and the loopback can do at most.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;

use anyhow::ensure;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Length, API key and version stand before the correlation id.
const ID_AT: usize = 8;
const BUFFER: usize = 64 << 10;

/// Answers each small request on `connections` connections with `answer`, a frame whose correlation id is put in. Ends when
/// the connections do.
pub fn start(connections: usize, answer: Vec<u8>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        if let Err(error) = serve(&listener, connections, answer) {
            eprintln!("the sink failed: {error:#}");
        }
    });
    Ok(address)
}

fn serve(listener: &TcpListener, connections: usize, mut answer: Vec<u8>) -> anyhow::Result<()> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut streams: Vec<TcpStream> = Vec::new();
    for at in 0..connections {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(&poll, stream.as_fd(), EventData::new_u64(at as u64), EventFlags::IN)?;
        streams.push(stream);
    }
    let mut buffer = vec![0; BUFFER];
    let mut events: Vec<Event> = Vec::with_capacity(connections);
    let mut open = connections;
    while open > 0 {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let stream = &mut streams[event.data.u64() as usize];
            match stream.read(&mut buffer) {
                Ok(0) => {
                    epoll::delete(&poll, stream.as_fd())?;
                    open -= 1;
                }
                Ok(count) => acknowledge(stream, &buffer[..count], &mut answer)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Ok(()),
            }
        }
    }
    Ok(())
}

fn acknowledge(stream: &mut TcpStream, request: &[u8], answer: &mut [u8]) -> anyhow::Result<()> {
    let length = request.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    ensure!(request.len() == 4 + length, "a small request comes in one piece");
    answer[4..8].copy_from_slice(&request[ID_AT..ID_AT + 4]);
    stream.write_all(answer)?;
    Ok(())
}
