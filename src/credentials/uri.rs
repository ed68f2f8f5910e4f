//! A service that gives credentials to who asks.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    CredentialsError, Fetch, Fetching, Issued, Location,
    context::{Context, names},
    reply,
};

/// As Alibaba Cloud's SDKs have it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A credentials URI.
#[derive(Debug)]
pub(super) struct FromUri {
    context: Arc<Context>,
    given: Option<Location>,
}

impl FromUri {
    pub(super) fn new(context: Arc<Context>, given: Option<Location>) -> Self {
        Self { context, given }
    }

    async fn ask(&self) -> Result<Issued, CredentialsError> {
        let location = match &self.given {
            Some(location) => location.clone(),
            None => self.location_in_environment()?,
        };
        let whom = format!("the credentials URI at {location}");
        let request = self.context.direct()?.get(location.url().clone()).timeout(TIMEOUT);
        let reply = reply::exchange(request, &whom).await?;
        if reply.status != 200 {
            return Err(CredentialsError::failed(format!("{whom} answered HTTP {}", reply.status)));
        }
        let wire = reply::flat(&reply.body, &whom)?;
        wire.issued(self.context.clock.since_epoch(), whom)
    }

    fn location_in_environment(&self) -> Result<Location, CredentialsError> {
        let name = names::CREDENTIALS_URI;
        let text = self.context.variable(name);
        let text = text.ok_or_else(|| CredentialsError::absent(format!("{name} is not set")))?;
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url =
            url.ok_or_else(|| CredentialsError::unusable(format!("{name} holds no http or https URI")))?;
        Ok(Location::new(url))
    }
}

impl Fetch for FromUri {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.ask())
    }
}
