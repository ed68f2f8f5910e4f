//! A role that another credential may assume.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    CredentialsError, Fetch, Fetching, Issued, RamRoleArn, Secret, Session, access_key,
    context::{Context, names},
    sts::Sts,
};

/// A role, and who assumes it.
#[derive(Debug)]
pub(super) struct AssumedRole {
    pub(super) context: Arc<Context>,
    pub(super) source: Arc<dyn Fetch>,
    pub(super) role_arn: Option<String>,
    pub(super) external_id: Option<Secret>,
    pub(super) session: Session,
}

impl AssumedRole {
    pub(super) fn new(context: Arc<Context>, role: &RamRoleArn) -> Self {
        let source = context.fetch(&role.source);
        let RamRoleArn { role_arn, external_id, session, .. } = role.clone();
        Self { context, source, role_arn, external_id, session }
    }

    async fn ask(&self) -> Result<Issued, CredentialsError> {
        let role_arn = self.role_arn.as_deref().or_else(|| self.context.variable(names::ROLE_ARN));
        let role_arn = role_arn.ok_or_else(|| {
            CredentialsError::unusable(format!("no role is given, and {} is not set", names::ROLE_ARN))
        })?;
        let of_source = |error: CredentialsError| error.of(&format!("for the role {role_arn}"));
        let caller = self.source.fetch().await.map_err(of_source)?;
        let origin = format!("the role {role_arn}, assumed with {}", caller.origin);
        let external_id = match &self.external_id {
            Some(id) => Some(access_key::value(id).await?),
            None => None,
        };
        let external_id = external_id.as_ref().map(SecretString::expose_secret);
        let sts = Sts::new(&self.context, &self.session);
        sts.assume_role(role_arn, external_id, &caller.credentials, origin).await.map_err(of_source)
    }
}

impl Fetch for AssumedRole {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.ask())
    }
}
