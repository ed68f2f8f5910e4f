//! Builds the provider of a configured source.

use std::sync::Arc;

use crate::{
    access_key::{AccessKeyProvider, inline_key},
    chain::Chain,
    cli_profile::CliProfileProvider,
    ecs_ram_role::{EcsRamRoleProvider, OptionalEcsRamRole},
    environment::EnvironmentProvider,
    ini_profile::IniProfileProvider,
    oidc_role_arn::OidcRoleArnProvider,
    provider::{CredentialsSource, ProvideCredentials, Static},
    provider_config::{EcsRamRole, Endpoints, Oidc, Profile, ProviderConfig, Session},
    provider_context::ProviderContext,
    ram_role_arn::RamRoleArnProvider,
    refreshing::RefreshingProvider,
    uri::UriProvider,
};

impl ProviderContext {
    /// The provider of credentials from `source`.
    pub fn provider(self: &Arc<Self>, source: &ProviderConfig) -> Arc<dyn ProvideCredentials> {
        if let ProviderConfig::AccessKey(key) = source
            && let Some(credentials) = inline_key(key)
        {
            credentials.warn_of_quotes("the configuration");
            return Arc::new(Static::new(credentials));
        }
        Arc::new(RefreshingProvider::new(build(self, source), self.clock))
    }
}

/// What fetches from `source`.
pub(crate) fn build(context: &Arc<ProviderContext>, source: &ProviderConfig) -> Arc<dyn CredentialsSource> {
    let context = context.clone();
    match source {
        ProviderConfig::Default(endpoints) => Arc::new(default_chain(&context, endpoints)),
        ProviderConfig::AccessKey(key) => Arc::new(AccessKeyProvider::new(key.clone())),
        ProviderConfig::RamRoleArn(role) => {
            let caller = build(&context, &role.source);
            Arc::new(RamRoleArnProvider {
                context,
                source: caller,
                role_arn: role.role_arn.clone(),
                external_id: role.external_id.clone(),
                session: role.session.clone(),
            })
        }
        ProviderConfig::Oidc(oidc) => Arc::new(OidcRoleArnProvider::new(context, oidc.clone())),
        ProviderConfig::EcsRamRole(role) => Arc::new(EcsRamRoleProvider::new(context, role.clone())),
        ProviderConfig::Uri(uri) => Arc::new(UriProvider::new(context, uri.uri.clone())),
        ProviderConfig::Profile(profile) => from_profile(&context, profile),
    }
}

fn from_profile(context: &Arc<ProviderContext>, profile: &Profile) -> Arc<dyn CredentialsSource> {
    let cli = || CliProfileProvider::new(context.clone(), profile);
    let ini = || IniProfileProvider::new(context.clone(), profile);
    match &profile.file {
        Some(file) if file.extension().is_some_and(|extension| extension == "json") => Arc::new(cli()),
        Some(_) => Arc::new(ini()),
        None => Arc::new(Chain::new(vec![
            ("the CLI's configuration", Arc::new(cli())),
            ("the credentials file", Arc::new(ini())),
        ])),
    }
}

/// The default chain, in the order of Alibaba Cloud's SDKs (credentials-go 1.4, 2025):
/// <https://github.com/aliyun/credentials-go/blob/master/credentials/providers/default.go>.
fn default_chain(context: &Arc<ProviderContext>, endpoints: &Endpoints) -> Chain {
    let context = || context.clone();
    let Endpoints { sts_endpoint, metadata_endpoint } = endpoints.clone();
    let profile = Profile { sts_endpoint, metadata_endpoint, ..Profile::default() };
    let session = Session { sts_endpoint: endpoints.sts_endpoint.clone(), ..Session::default() };
    let oidc = Oidc { session, ..Oidc::default() };
    let role = EcsRamRole { metadata_endpoint: endpoints.metadata_endpoint.clone(), ..EcsRamRole::default() };
    let instance = OptionalEcsRamRole::new(EcsRamRoleProvider::new(context(), role));
    Chain::new(vec![
        ("the environment", Arc::new(EnvironmentProvider(context()))),
        ("an OIDC token (RRSA)", Arc::new(OidcRoleArnProvider::new(context(), oidc))),
        ("the CLI's configuration", Arc::new(CliProfileProvider::new(context(), &profile))),
        ("the credentials file", Arc::new(IniProfileProvider::new(context(), &profile))),
        ("the ECS instance's RAM role", Arc::new(instance)),
        ("the credentials URI", Arc::new(UriProvider::new(context(), None))),
    ])
}
