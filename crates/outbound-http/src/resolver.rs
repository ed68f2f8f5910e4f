//! Name resolution that is bounded: on the caller's threads, and one lookup per host at a time.
//!
//! The resolver of the C library blocks a thread for each lookup, and cannot be cancelled. With dead name servers, such
//! lookups outlive their requests and use up the threads of the runtime. This resolver asks the name servers itself.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
    system_conf,
};
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

use crate::{error::root_cause, hosts_file::Hosts, single_flight::SingleFlight};

/// The longest time of one lookup, with all name servers, attempts and search domains. Callers give up earlier by their
/// own deadlines.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time that a missing name is cached: it may just have been created.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// Resolves names by the hosts file and by the name servers of the system. Both files are read again when they change.
/// The name service switch is not used, so names known only to mDNS or LDAP are not found.
pub struct Resolver {
    resolv_conf: PathBuf,
    hosts: PathBuf,
    system: Mutex<Option<System>>,
    lookups: SingleFlight<Result<Arc<[IpAddr]>, LookupError>>,
}

/// What the files of the system contain.
#[derive(Clone)]
struct System {
    modified: [Option<SystemTime>; 2],
    hosts: Arc<Hosts>,
    dns: TokioResolver,
}

/// Why a name was not resolved.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct LookupError(Arc<str>);

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new("/etc/resolv.conf", "/etc/hosts")
    }
}

impl Resolver {
    /// A resolver that reads these files.
    pub fn new(resolv_conf: impl Into<PathBuf>, hosts: impl Into<PathBuf>) -> Self {
        Self {
            resolv_conf: resolv_conf.into(),
            hosts: hosts.into(),
            system: Mutex::default(),
            lookups: SingleFlight::default(),
        }
    }

    /// The addresses of `name`.
    ///
    /// # Errors
    ///
    /// If the name has no address, or if no name server answers in time.
    ///
    /// # Cancel safety
    ///
    /// The lookup ends when its last caller is dropped.
    pub async fn lookup(&self, name: &str) -> Result<Arc<[IpAddr]>, LookupError> {
        let system = self.system()?;
        let owned = name.to_owned();
        self.lookups.run(name, move || async move { system.lookup(&owned).await }).await
    }

    /// What the files contain now.
    fn system(&self) -> Result<System, LookupError> {
        let modified = [&self.resolv_conf, &self.hosts]
            .map(|path| path.metadata().and_then(|metadata| metadata.modified()).ok());
        let mut known = self.system.lock();
        if let Some(system) = known.as_ref().filter(|system| system.modified == modified) {
            return Ok(system.clone());
        }
        let hosts = Arc::new(Hosts::read(&self.hosts));
        let dns = dns(&std::fs::read(&self.resolv_conf).unwrap_or_default())?;
        Ok(known.insert(System { modified, hosts, dns }).clone())
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let system = self.system();
        let host = name.as_str().to_owned();
        let lookup = system.map(|system| {
            let owned = host.clone();
            self.lookups.run(&host, move || async move { system.lookup(&owned).await })
        });
        Box::pin(async move {
            let addresses = lookup?.await?;
            let sockets: Vec<_> = addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect();
            Ok(Box::new(sockets.into_iter()) as Addrs)
        })
    }
}

impl System {
    async fn lookup(&self, name: &str) -> Result<Arc<[IpAddr]>, LookupError> {
        let listed = self.hosts.lookup(name);
        if !listed.is_empty() {
            return Ok(listed.into());
        }
        let found = timeout(LOOKUP_TIMEOUT, self.dns.lookup_ip(name)).await;
        let found = found.unwrap_or(Err(NetError::Timeout)).map_err(|error| described(name, &error))?;
        Ok(found.iter().collect())
    }
}

/// A resolver for the name servers in `resolv_conf`; without any, for the local one, as in the C library.
fn dns(resolv_conf: &[u8]) -> Result<TokioResolver, LookupError> {
    let (config, options) = system_conf::parse_resolv_conf(resolv_conf).unwrap_or_else(|_| {
        let local = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
        (ResolverConfig::from_parts(None, Vec::new(), vec![local]), ResolverOpts::default())
    });
    resolver(config, options).map_err(|error| LookupError(error.to_string().into()))
}

fn resolver(config: ResolverConfig, mut options: ResolverOpts) -> Result<TokioResolver, NetError> {
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    options.use_hosts_file = ResolveHosts::Never;
    options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options).build()
}

fn described(name: &str, error: &NetError) -> LookupError {
    let text = if error.is_nx_domain() || error.is_no_records_found() {
        format!("{name} has no address")
    } else if matches!(error, NetError::Timeout) {
        format!("no name server answered in time for {name}")
    } else {
        let cause = root_cause(error);
        format!("{name} cannot be resolved: {cause}")
    };
    LookupError(text.into())
}

impl From<LookupError> for io::Error {
    fn from(error: LookupError) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hickory_resolver::config::ConnectionConfig;
    use tokio::{net::UdpSocket, task::JoinHandle, time::Instant};

    use super::*;

    /// A name server that knows `host.example.test`, or answers nothing.
    struct NameServer {
        port: u16,
        asked: Arc<AtomicUsize>,
        task: JoinHandle<()>,
    }

    impl Drop for NameServer {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    impl NameServer {
        async fn start(answers: bool) -> Self {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let port = socket.local_addr().unwrap().port();
            let asked = Arc::<AtomicUsize>::default();
            let count = asked.clone();
            let task = tokio::spawn(async move {
                let mut packet = [0; 512];
                loop {
                    let (length, from) = socket.recv_from(&mut packet).await.unwrap();
                    count.fetch_add(1, Ordering::SeqCst);
                    if answers {
                        socket.send_to(&reply(&packet[..length]), from).await.unwrap();
                    }
                }
            });
            Self { port, asked, task }
        }

        fn resolver(&self, search: &[&str]) -> Resolver {
            let mut server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
            server
                .connections
                .iter_mut()
                .for_each(|connection: &mut ConnectionConfig| connection.port = self.port);
            let search = search.iter().map(|domain| domain.parse().unwrap()).collect();
            let config = ResolverConfig::from_parts(None, search, vec![server]);
            let mut options = ResolverOpts::default();
            options.timeout = Duration::from_millis(200);
            let resolver = Resolver::new("/nonexistent/resolv.conf", "/nonexistent/hosts");
            let system = System {
                modified: [None, None],
                hosts: Arc::default(),
                dns: super::resolver(config, options).unwrap(),
            };
            *resolver.system.lock() = Some(system);
            resolver
        }
    }

    /// 192.0.2.7 for the A record of host.example.test, no records for its others, and no such name otherwise.
    fn reply(query: &[u8]) -> Vec<u8> {
        let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap();
        let question = &query[12..end + 5];
        let is_known = query[12..=end] == *b"\x04host\x07example\x04test\0";
        let is_a = question[question.len() - 4..][..2] == [0, 1];
        let answers = u8::from(is_known && is_a);
        let code = if is_known { 0x80 } else { 0x83 };
        let mut reply = query[..2].to_vec();
        reply.extend([0x81, code, 0, 1, 0, answers, 0, 0, 0, 0]);
        reply.extend(question);
        if answers == 1 {
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
        }
        reply
    }

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    #[tokio::test]
    async fn names_are_found_as_they_are_and_in_search_domains() {
        let server = NameServer::start(true).await;
        assert_eq!(*server.resolver(&[]).lookup("host.example.test").await.unwrap(), [ADDRESS]);
        let searching = server.resolver(&["other.test", "example.test"]);
        assert_eq!(*searching.lookup("host").await.unwrap(), [ADDRESS]);
        let missing = server.resolver(&[]).lookup("missing.example.test").await.unwrap_err();
        assert_eq!(missing.to_string(), "missing.example.test has no address");
    }

    #[tokio::test]
    async fn a_hundred_callers_share_one_lookup() {
        let server = NameServer::start(true).await;
        let resolver = server.resolver(&[]);
        let callers = (0..100).map(|_| resolver.lookup("host.example.test"));
        for found in futures_util::future::join_all(callers).await {
            assert_eq!(*found.unwrap(), [ADDRESS]);
        }
        assert!(server.asked.load(Ordering::SeqCst) <= 4, "an A and an AAAA query, each sent twice at most");
    }

    #[tokio::test]
    async fn a_dead_name_server_is_an_error_and_its_lookups_end_with_their_callers() {
        let server = NameServer::start(false).await;
        let resolver = server.resolver(&[]);
        let begun = Instant::now();
        let error = resolver.lookup("host.example.test").await.unwrap_err();
        assert!(begun.elapsed() < LOOKUP_TIMEOUT + Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(error.to_string().contains("host.example.test"), "{error}");
        assert!(timeout(Duration::from_millis(50), resolver.lookup("other.example.test")).await.is_err());
        assert_eq!(resolver.lookups.len(), 0, "nothing is left of a lookup without callers");
    }

    #[tokio::test]
    async fn the_hosts_file_has_precedence_and_is_read_again() {
        let directory = std::env::temp_dir().join(format!("resolver-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let hosts = directory.join("hosts");
        std::fs::write(&hosts, "192.0.2.1 Printer.example.test printer # the old one\n").unwrap();
        let resolver = Resolver::new(directory.join("resolv.conf"), &hosts);
        let first: IpAddr = "192.0.2.1".parse().unwrap();
        for name in ["printer", "PRINTER.example.test", "printer.example.test."] {
            assert_eq!(*resolver.lookup(name).await.unwrap(), [first], "{name}");
        }
        std::fs::write(&hosts, "192.0.2.2 printer\n2001:db8::2 printer\n").unwrap();
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        std::fs::File::options().write(true).open(&hosts).unwrap().set_modified(later).unwrap();
        let both: [IpAddr; 2] = ["192.0.2.2".parse().unwrap(), "2001:db8::2".parse().unwrap()];
        assert_eq!(*resolver.lookup("printer").await.unwrap(), both);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
