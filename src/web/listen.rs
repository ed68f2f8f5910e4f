//! Listening sockets.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the kernel queues until they are accepted. The kernel limits it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Bytes that the kernel buffers for each client; Linux doubles the number. Without a limit, the buffer of a fast client grows
/// to several MiB. The buffers of a few clients then exceed the processor's cache, which halves the rate of scrapes.
const SEND_BUFFER_SIZE: usize = 256 * 1024;

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenAddress {
    /// A port of every address, of IPv6 and IPv4; of IPv4 only on a machine without IPv6.
    Any(u16),
    /// An address and a port.
    Socket(SocketAddr),
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = match text.strip_prefix(':') {
            Some(port) => port.parse().ok().map(Self::Any),
            None => text.parse().ok().map(Self::Socket),
        };
        address.ok_or(
            "expected a port or an IP address and a port, such as :10978, 127.0.0.1:10978 or [::1]:10978",
        )
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(port) => write!(formatter, ":{port}"),
            Self::Socket(address) => address.fmt(formatter),
        }
    }
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({flag}): {source}")]
pub struct BindError {
    address: ListenAddress,
    flag: &'static str,
    source: io::Error,
}

/// Sockets that are bound, but not served yet.
#[derive(Debug)]
pub struct Listeners {
    pub(super) all: Vec<TcpListener>,
    pub(super) probes: Option<TcpListener>,
}

impl Listeners {
    /// Listens on each of `addresses`, and on `probes` for probes only.
    ///
    /// # Errors
    ///
    /// The first address that cannot be listened on, for example because its port is in use.
    #[expect(clippy::unused_async, reason = "the sockets must be registered with a runtime")]
    pub async fn bind(addresses: &[ListenAddress], probes: Option<ListenAddress>) -> Result<Self, BindError> {
        let bind = |address: ListenAddress, flag| {
            listen(address).map_err(|source| BindError { address, flag, source })
        };
        let all = addresses.iter().map(|&address| bind(address, "--web.listen-address"));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let probes = probes.map(|address| bind(address, "--web.probe-address")).transpose()?;
        Ok(Self { all, probes })
    }

    /// The addresses in use, with the real port instead of port 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The address for probes, if there is one.
    pub fn probe_address(&self) -> Option<SocketAddr> {
        self.probes.as_ref().and_then(|listener| listener.local_addr().ok())
    }
}

fn listen(address: ListenAddress) -> io::Result<TcpListener> {
    match address {
        ListenAddress::Socket(address) => listen_on(address, None),
        ListenAddress::Any(port) => {
            let both = listen_on((Ipv6Addr::UNSPECIFIED, port).into(), Some(false));
            both.or_else(|error| {
                // Without IPv6 in the kernel, or with IPv6 disabled by sysctl.
                let has_no_ipv6 = matches!(
                    rustix::io::Errno::from_io_error(&error),
                    Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL)
                );
                if has_no_ipv6 { listen_on((Ipv4Addr::UNSPECIFIED, port).into(), None) } else { Err(error) }
            })
        }
    }
}

fn listen_on(address: SocketAddr, only_v6: Option<bool>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(only_v6) = only_v6 {
        socket.set_only_v6(only_v6)?;
    }
    // As the standard library does: a restarted process can listen although old connections linger.
    socket.set_reuse_address(true)?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_SIZE)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use socket2::SockRef;
    use tokio::net::TcpStream;

    use super::*;

    #[test]
    fn an_address_is_a_port_or_an_ip_address_with_one() {
        assert_eq!(":9".parse(), Ok(ListenAddress::Any(9)));
        for text in ["0.0.0.0:9", "[::1]:9", ":9"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in ["localhost", "localhost:9", "9", ":", ":70000", ""] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_alone_is_open_on_ipv6_and_ipv4() {
        let listeners = Listeners::bind(&[ListenAddress::Any(0)], None).await.unwrap();
        let address = listeners.addresses()[0];
        let mut reached: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into()];
        if address.is_ipv6() {
            reached.push(Ipv6Addr::LOCALHOST.into());
        }
        for host in reached {
            TcpStream::connect((host, address.port())).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_send_buffer_of_a_connection_is_bounded() {
        let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()], None).await.unwrap();
        let _client = TcpStream::connect(listeners.addresses()[0]).await.unwrap();
        let (connection, _) = listeners.all[0].accept().await.unwrap();
        assert!(SockRef::from(&connection).send_buffer_size().unwrap() <= 2 * SEND_BUFFER_SIZE);
    }

    #[tokio::test]
    async fn the_backlog_holds_a_burst_of_connections() {
        let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let clients = limit.trim().parse::<usize>().unwrap().min(600);
        let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()], None).await.unwrap();
        let address = listeners.addresses()[0];
        let mut connected = Vec::new();
        for _ in 0..clients {
            connected.push(TcpStream::connect(address).await.unwrap());
        }
        assert_eq!(connected.len(), clients);
    }
}
