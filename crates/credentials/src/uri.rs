//! A credentials URI: a service that issues credentials without authentication.

use std::{sync::Arc, time::Duration};

use url::Url;

use crate::{
    error::CredentialsError,
    issuer_response::{self, Lifetime},
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::CredentialsUri,
    provider_context::{ProviderContext, env},
};

/// The read timeout of Alibaba Cloud's SDKs (credentials-go 1.4, 2025).
const TIMEOUT: Duration = Duration::from_secs(10);

/// The service at a credentials URI: the configured one, or the environment's.
#[derive(Debug)]
pub(crate) struct UriProvider {
    context: Arc<ProviderContext>,
    configured: Option<CredentialsUri>,
}

impl UriProvider {
    pub(crate) fn new(context: Arc<ProviderContext>, configured: Option<CredentialsUri>) -> Self {
        Self { context, configured }
    }

    async fn get(&self) -> Result<IssuedCredentials, CredentialsError> {
        let uri = match &self.configured {
            Some(uri) => uri.clone(),
            None => self.uri_in_environment()?,
        };
        let service = format!("the credentials URI at {uri}");
        let request = self.context.direct()?.get(uri.url().clone()).timeout(TIMEOUT);
        let response = issuer_response::exchange(request, &service).await?;
        if response.status != 200 {
            return Err(CredentialsError::failed(format!("{service} answered HTTP {}", response.status)));
        }
        let wire = issuer_response::flat(&response.body, &service)?;
        wire.issued(self.context.clock.since_epoch(), Lifetime::Unlimited, service)
    }

    fn uri_in_environment(&self) -> Result<CredentialsUri, CredentialsError> {
        let name = env::CREDENTIALS_URI;
        let text = self.context.variable(name);
        let text = text.ok_or_else(|| CredentialsError::absent(format!("{name} is not set")))?;
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url =
            url.ok_or_else(|| CredentialsError::unusable(format!("{name} holds no http or https URI")))?;
        Ok(CredentialsUri::new(url))
    }
}

impl CredentialsSource for UriProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.get())
    }
}
