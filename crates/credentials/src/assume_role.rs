//! STS: temporary credentials for a role.

use std::{fmt::Write as _, time::Duration};

use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{
    credentials::Credentials,
    error::CredentialsError,
    issuer_response::{self, Lifetime, Response, WireCredentials},
    provider::IssuedCredentials,
    provider_config::Session,
    provider_context::{ProviderContext, env},
};

const VERSION: &str = "2015-04-01";

/// The default of Alibaba Cloud's SDKs, for example credentials-go 1.4 (2025):
/// <https://github.com/aliyun/credentials-go/blob/master/credentials/providers/ram_role_arn.go>.
const DEFAULT_DURATION: Duration = Duration::from_secs(3600);

/// The read timeout of Alibaba Cloud's SDKs (credentials-go 1.4, 2025).
const TIMEOUT: Duration = Duration::from_secs(10);

/// STS, with the parameters of a session.
#[derive(Debug)]
pub(crate) struct Sts<'a> {
    context: &'a ProviderContext,
    session: &'a Session,
    /// Scheme and host, without a trailing slash.
    base: String,
    host: String,
}

impl<'a> Sts<'a> {
    pub(crate) fn new(context: &'a ProviderContext, session: &'a Session) -> Self {
        let (base, host) = if let Some(url) = &session.sts_endpoint {
            (url.as_str().trim_end_matches('/').to_owned(), authority(url))
        } else {
            let host = host(context, session);
            (format!("https://{host}"), host)
        };
        Self { context, session, base, host }
    }

    /// Credentials for `role_arn`, requested by `caller`.
    pub(crate) async fn assume_role(
        &self,
        role_arn: &str,
        external_id: Option<&str>,
        caller: &Credentials,
        origin: String,
    ) -> Result<IssuedCredentials, CredentialsError> {
        let mut parameters = self.parameters(role_arn);
        parameters.extend(external_id.map(|id| ("ExternalId", id.to_owned())));
        let query: Vec<_> = parameters.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let query = acs3::canonical_query(&query);
        let mut request = self.post(&query)?;
        for (name, value) in self.signed_headers("AssumeRole", &query, caller) {
            let mut value = reqwest::header::HeaderValue::from_str(&value).map_err(|_| {
                CredentialsError::unusable("the source's access key holds characters that HTTP forbids")
            })?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        self.issued(request, origin).await
    }

    /// Credentials for `role_arn`, requested by the bearer of `token`. The request is not signed. The token goes into
    /// the body, never into the URL, which proxies and servers log.
    pub(crate) async fn assume_role_with_oidc(
        &self,
        role_arn: &str,
        provider_arn: &str,
        token: &str,
        origin: String,
    ) -> Result<IssuedCredentials, CredentialsError> {
        let timestamp = self.context.clock.timestamp().to_string();
        let query = acs3::canonical_query(&[
            ("Action", "AssumeRoleWithOIDC"),
            ("Format", "JSON"),
            ("Timestamp", &timestamp),
            ("Version", VERSION),
        ]);
        let mut form = self.parameters(role_arn);
        form.push(("OIDCProviderArn", provider_arn.to_owned()));
        form.push(("OIDCToken", token.to_owned()));
        let form: Vec<_> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let request = self
            .post(&query)?
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(acs3::canonical_query(&form));
        self.issued(request, origin).await
    }

    /// Uses the proxy that the environment names, unless the endpoint is on this machine.
    fn post(&self, query: &str) -> Result<reqwest::RequestBuilder, CredentialsError> {
        let is_local = self.session.sts_endpoint.as_ref().is_some_and(outbound_http::is_loopback);
        let http = if is_local { self.context.direct() } else { self.context.http() }?;
        Ok(http.post(format!("{}/?{query}", self.base)).timeout(TIMEOUT))
    }

    fn parameters(&self, role_arn: &str) -> Vec<(&'static str, String)> {
        let duration = self.session.duration.unwrap_or(DEFAULT_DURATION).as_secs().to_string();
        let configured =
            self.session.name.as_deref().or_else(|| self.context.variable(env::ROLE_SESSION_NAME));
        let mut parameters = vec![
            ("DurationSeconds", duration),
            ("RoleArn", role_arn.to_owned()),
            ("RoleSessionName", configured.unwrap_or(self.context.session_name()).to_owned()),
        ];
        parameters.extend(self.session.policy.clone().map(|policy| ("Policy", policy)));
        parameters
    }

    fn signed_headers(&self, action: &str, query: &str, caller: &Credentials) -> Vec<(&'static str, String)> {
        let call = acs3::Call {
            method: "POST",
            host: &self.host,
            path: "/",
            query,
            action,
            version: VERSION,
            date: &self.context.clock.timestamp().to_string(),
            nonce: &format!("{:032x}", rand::rng().random::<u128>()),
            headers: &[],
        };
        let key = acs3::AccessKey {
            id: &caller.access_key_id,
            secret: caller.access_key_secret.expose_secret(),
            security_token: caller.security_token.as_ref().map(SecretString::expose_secret),
        };
        let signed = call.signed_headers(key).into_iter().map(|(name, value)| (name, value.into_owned()));
        signed.chain([("accept", "application/json".to_owned())]).collect()
    }

    async fn issued(
        &self,
        request: reqwest::RequestBuilder,
        origin: String,
    ) -> Result<IssuedCredentials, CredentialsError> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(rename = "Credentials")]
            credentials: WireCredentials,
        }
        let service = format!("STS at {}", self.base);
        let response = issuer_response::exchange(request, &service).await?;
        if response.status != 200 {
            return Err(CredentialsError::failed(refusal(&service, &response)));
        }
        let wire: Wire = issuer_response::parsed(serde_json::from_slice(&response.body), &service)?;
        wire.credentials.issued(self.context.clock.since_epoch(), Lifetime::Limited, origin)
    }
}

/// A refusal: the code and the request id. The message may quote the request.
fn refusal(service: &str, response: &Response) -> String {
    #[derive(Deserialize, Default)]
    struct Wire {
        #[serde(rename = "Code", default)]
        code: Option<String>,
        #[serde(rename = "RequestId", default)]
        request_id: Option<String>,
    }
    let wire: Wire = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = wire.code.as_deref().map(issuer_response::sanitize_code);
    let mut text = format!("{service} answered HTTP {}", response.status);
    if let Some(code) = code {
        // Writing to a String can't fail.
        let _ = write!(text, " {code}{}", remedy(code));
    }
    if let Some(id) = wire.request_id.as_deref() {
        let _ = write!(text, " (request id {})", issuer_response::sanitize_code(id));
    }
    text
}

/// What to do about the most common refusals.
fn remedy(code: &str) -> &'static str {
    match code {
        "NoPermission" => {
            ": the caller needs the RAM action sts:AssumeRole, and the role's trust policy must name the caller"
        }
        "EntityNotExist.Role" => ": there is no such role",
        _ if code.starts_with("AuthenticationFail.OIDCToken") => {
            ": the OIDC token is not accepted; is it expired, or for another audience?"
        }
        _ if code.starts_with("AuthenticationFail") => {
            ": the role's trust policy must name the OIDC provider"
        }
        _ if code.starts_with("InvalidTimeStamp") => ": this machine's clock is wrong",
        _ => "",
    }
}

/// The host for a region, inside the VPC or not, by the configuration or else the environment.
fn host(context: &ProviderContext, session: &Session) -> String {
    let vpc = session.vpc.unwrap_or_else(|| context.is_enabled(env::VPC_ENDPOINT_ENABLED));
    let region = session.sts_region.as_deref().or_else(|| context.variable(env::STS_REGION));
    match region {
        Some(region) => format!("sts{}.{region}.aliyuncs.com", if vpc { "-vpc" } else { "" }),
        // There is no central endpoint inside VPCs.
        None => "sts.aliyuncs.com".to_owned(),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use clock::Clock;

    use super::*;
    use crate::provider_context::Application;

    const REGION: &[(&str, &str)] = &[("ALIBABA_CLOUD_STS_REGION", "cn-hangzhou")];
    const BOTH: &[(&str, &str)] =
        &[("ALIBABA_CLOUD_STS_REGION", "cn-hangzhou"), ("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "True")];

    #[test]
    fn the_sts_host_depends_on_region_and_vpc() {
        let host_with = |pairs: &'static [(&'static str, &'static str)], session: Session| {
            let variable = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            let application = Application { name: "a", version: "1" };
            host(&ProviderContext::new(application, variable, Clock::System), &session)
        };
        assert_eq!(host_with(&[], Session::default()), "sts.aliyuncs.com");
        assert_eq!(
            host_with(&[("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true")], Session::default()),
            "sts.aliyuncs.com"
        );
        assert_eq!(host_with(REGION, Session::default()), "sts.cn-hangzhou.aliyuncs.com");
        assert_eq!(host_with(BOTH, Session::default()), "sts-vpc.cn-hangzhou.aliyuncs.com");
        let session =
            Session { vpc: Some(false), sts_region: Some("cn-beijing".into()), ..Session::default() };
        assert_eq!(host_with(BOTH, session), "sts.cn-beijing.aliyuncs.com");
    }
}
