//! Tells a service manager that the broker is ready (systemd's sd_notify).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends `READY=1` to the socket that NOTIFY_SOCKET names, if it names one. `@` begins an abstract name.
///
/// # Errors
/// If the socket cannot be reached.
pub fn tell(socket: Option<&OsStr>) -> io::Result<()> {
    let Some(name) = socket.filter(|name| !name.is_empty()) else { return Ok(()) };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abstract_socket_is_told_too() {
        let name = format!("klog-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("it is a name");
        let socket = UnixDatagram::bind_addr(&address).expect("it is free");
        tell(Some(OsStr::new(&format!("@{name}")))).expect("somebody listens");
        let mut buffer = [0; 16];
        let length = socket.recv(&mut buffer).expect("a message");
        assert_eq!(&buffer[..length], b"READY=1");
        assert!(tell(None).is_ok());
    }
}
