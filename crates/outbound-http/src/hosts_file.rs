//! The hosts file.

use std::{fs::File, io::Read as _, net::IpAddr, path::Path};

/// Maximum number of bytes read from a hosts file.
const MAX_SIZE: u64 = 4 << 20;

/// The addresses of a hosts file.
#[derive(Debug, Default)]
pub(crate) struct Hosts(Vec<(String, IpAddr)>);

impl Hosts {
    /// Reads the file at `path`. One that cannot be read has no addresses, as in the C library.
    pub(crate) fn read(path: &Path) -> Self {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_SIZE).read_to_end(&mut bytes));
        if read.is_err() { Self::default() } else { Self::parse(&String::from_utf8_lossy(&bytes)) }
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let entries = lines.filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = words.next()?.parse::<IpAddr>().ok()?;
            Some(words.map(move |name| (normalized(name), address)))
        });
        Self(entries.flatten().collect())
    }

    /// The addresses of `name`, in the order of the file.
    pub(crate) fn lookup(&self, name: &str) -> Vec<IpAddr> {
        let name = normalized(name);
        self.0.iter().filter(|(known, _)| *known == name).map(|(_, address)| *address).collect()
    }
}

fn normalized(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
