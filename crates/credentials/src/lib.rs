//! Alibaba Cloud's credentials providers and default chain, refreshed in the background.
//!
//! A [`Source`] says where credentials come from. [`Context::provider`] turns it into a [`ProvideCredentials`], which
//! returns the credentials that are valid now. Each provider is a `CredentialsSource` in a file of its own. A
//! `RefreshingProvider` around it fetches ahead of expiry in one background task, and keeps the previous credentials
//! until they expire.
//!
//! No text that leaves this crate contains a secret: the responses of the services that issue credentials are never
//! quoted, only their error codes and request ids.

mod access_key;
mod build;
mod chain;
mod cli_profile;
mod context;
mod ecs_ram_role;
mod environment;
mod error;
mod files;
mod ini_profile;
mod key;
mod oidc_role_arn;
mod profile;
mod provider;
mod ram_role_arn;
mod refreshing;
mod response;
mod source;
mod sts;
mod uri;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use context::{Application, Context, VARIABLES};
pub use error::CredentialsError;
pub use key::Credentials;
pub use provider::{ProvideCredentials, Static};
pub use source::{
    AccessKey, CredentialsUri, EcsRamRole, Endpoints, Oidc, Profile, RamRoleArn, Secret, SecretSource,
    Session, Source, Uri,
};
