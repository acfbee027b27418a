//! `listeners` and `advertised.listeners`.

use std::fmt;

use super::value::{Bad, list};

/// One listener: `NAME://host:port`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    /// Its name.
    pub name: String,
    /// The address to bind or to advertise; empty: all.
    pub host: String,
    /// The port; 0: any that is free.
    pub port: u16,
}

impl Listener {
    /// A listener without encryption and authentication.
    pub fn plaintext(host: &str, port: u16) -> Listener {
        Listener { name: "PLAINTEXT".into(), host: host.into(), port }
    }

    /// Reads `host:port`, `[v6]:port` or `NAME://host:port`.
    ///
    /// # Errors
    /// What it should be.
    pub fn parse(text: &str) -> Result<Listener, Bad> {
        let (name, address) = text.split_once("://").unwrap_or(("PLAINTEXT", text));
        let shape = || format!("{text:?} must look like PLAINTEXT://host:port");
        let (host, port) = address.rsplit_once(':').ok_or_else(shape)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Ok(Listener {
            name: name.into(),
            host: host.into(),
            port: port.parse().map_err(|_| shape())?,
        })
    }

    /// Reads several, between commas.
    ///
    /// # Errors
    /// What they should be.
    pub fn parse_all(text: &str) -> Result<Vec<Listener>, Bad> {
        let listeners: Vec<Listener> =
            list(text).iter().map(|one| Listener::parse(one)).collect::<Result<_, _>>()?;
        if listeners.is_empty() { Err("must name a listener".into()) } else { Ok(listeners) }
    }

    /// The protocol that it speaks: what `listener.security.protocol.map` says, or what it is named after.
    pub fn protocol<'a>(&'a self, map: &'a [(String, String)]) -> &'a str {
        let mapped = map.iter().find(|(name, _)| *name == self.name);
        mapped.map_or(&self.name, |(_, protocol)| protocol)
    }

    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        let octets: Vec<&str> = self.host.split('.').collect();
        let loopback_v4 = octets.len() == 4
            && octets[0] == "127"
            && octets.iter().all(|octet| octet.parse::<u8>().is_ok());
        matches!(self.host.as_str(), "localhost" | "::1") || loopback_v4
    }

    /// `host:port`, with brackets where the host is an IPv6 address.
    pub fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.name, self.address())
    }
}
