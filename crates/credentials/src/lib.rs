//! Alibaba Cloud's credentials providers and default chain, refreshed in the background.
//!
//! A [`ProviderConfig`] says where credentials come from. [`ProviderContext::provider`] turns it into a [`ProvideCredentials`], which
//! returns the credentials that are valid now. Each provider is a `CredentialsSource` in a file of its own. A
//! `RefreshingProvider` around it fetches ahead of expiry in one background task, and keeps the previous credentials
//! until they expire.
//!
//! No text that leaves this crate contains a secret: the responses of the services that issue credentials are never
//! quoted, only their error codes and request ids.

mod access_key;
mod assume_role;
mod chain;
mod cli_profile;
mod credentials;
mod ecs_ram_role;
mod environment;
mod error;
mod ini_profile;
mod issuer_response;
mod oidc_role_arn;
mod profile;
mod provider;
mod provider_config;
mod provider_context;
mod provider_factory;
mod ram_role_arn;
mod refreshing;
mod secret_files;
mod uri;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use credentials::Credentials;
pub use error::CredentialsError;
pub use provider::{ProvideCredentials, Static};
pub use provider_config::{
    AccessKey, CredentialsUri, EcsRamRole, Endpoints, Oidc, Profile, ProviderConfig, RamRoleArn, Secret,
    SecretSource, Session, Uri,
};
pub use provider_context::{Application, ProviderContext, VARIABLES};
