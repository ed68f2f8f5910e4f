//! What is configured: types that hold and nothing that does.

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// Where a workspace's credentials come from, as configured.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The default chain.
    Default(Endpoints),
    /// A key given in the configuration, or in files that it names.
    AccessKey(AccessKey),
    /// A role that another source's credential may assume.
    RamRoleArn(Box<RamRoleArn>),
    /// A role that the bearer of an OIDC token may assume, as on ACK with RRSA.
    Oidc(Oidc),
    /// The role of the ECS instance that this process runs on.
    EcsRamRole(EcsRamRole),
    /// A service that gives credentials to who asks; without a URI the one in the environment.
    Uri(Option<Location>),
    /// A profile of the CLI's file or of the credentials file.
    Profile(Profile),
}

impl Default for Source {
    fn default() -> Self {
        Self::Default(Endpoints::default())
    }
}

/// Other addresses than the cloud's for the services that give credentials.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Endpoints {
    /// Instead of STS's.
    pub sts: Option<Url>,
    /// Instead of the ECS metadata service's.
    pub metadata: Option<Url>,
}

/// A secret, or the file that holds it.
#[derive(Debug, Clone)]
pub enum Secret {
    /// As it is.
    Given(SecretString),
    /// In a file, which is read again when it changes.
    File(PathBuf),
}

/// Whether both say the same, of files without a look inside.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Given(one), Self::Given(other)) => one.expose_secret() == other.expose_secret(),
            (Self::File(one), Self::File(other)) => one == other,
            _ => false,
        }
    }
}

/// An access key.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessKey {
    /// Its id.
    pub id: Secret,
    /// Its secret.
    pub secret: Secret,
    /// The token of a temporary one.
    pub token: Option<Secret>,
}

/// What a role is assumed with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session {
    /// The session's name in the cloud's audit log; without one the environment's, or the exporter's own.
    pub name: Option<String>,
    /// How long the credential is to be valid; an hour if not given.
    pub duration: Option<Duration>,
    /// A policy that narrows what the role may do, in JSON.
    pub policy: Option<String>,
    /// The region whose STS is asked; without one the environment's, or the central one.
    pub sts_region: Option<String>,
    /// Whether STS is asked inside the VPC; if not given, as the environment says.
    pub vpc: Option<bool>,
    /// Another address than STS's.
    pub sts_endpoint: Option<Url>,
}

/// A role to assume.
#[derive(Debug, Clone, PartialEq)]
pub struct RamRoleArn {
    /// Who assumes it.
    pub source: Source,
    /// The role; without one the environment's.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for, if anything.
    pub external_id: Option<Secret>,
    /// The session.
    pub session: Session,
}

/// A role to assume with an OIDC token; what isn't given is the environment's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Oidc {
    /// The role.
    pub role_arn: Option<String>,
    /// The OIDC provider, as RAM knows it.
    pub provider_arn: Option<String>,
    /// The file that holds the token; read each time.
    pub token_file: Option<PathBuf>,
    /// The session.
    pub session: Session,
}

/// An ECS instance's role.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EcsRamRole {
    /// Its name; without one the environment's, or the one that the metadata service names.
    pub role_name: Option<String>,
    /// Another address than the metadata service's.
    pub metadata_endpoint: Option<Url>,
    /// Whether requests without a session token are ruled out; if not given, as the environment says.
    pub imds_v1_disabled: Option<bool>,
}

/// The address of a service that gives credentials. It may hold a secret.
#[derive(Clone, PartialEq)]
pub struct Location(Url);

impl Location {
    /// The service at `url`.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

/// The scheme and the host alone.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Location({self})")
    }
}

/// A profile of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// Its name; without one the environment's, or the file's default.
    pub name: Option<String>,
    /// The file, the CLI's if it ends in `.json`; without one the CLI's own, then the credentials file.
    pub file: Option<PathBuf>,
    /// Other addresses, for profiles that ask a service.
    pub endpoints: Endpoints,
}
