//! The credentials file of Alibaba Cloud's SDKs, in the INI format.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use configparser::ini::Ini;

use crate::{
    ecs_ram_role::EcsRamRoleProvider,
    error::CredentialsError,
    oidc_role_arn::OidcRoleArnProvider,
    profile::{access_key, non_empty},
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::{EcsRamRole, Oidc, Profile, Session},
    provider_context::{ProviderContext, env},
    ram_role_arn::RamRoleArnProvider,
    secret_files::{self, PathOrigin},
};

/// The default file of the Python SDK, and of the Go SDK.
const DEFAULT_FILES: [&str; 2] = [".alibabacloud/credentials.ini", ".alibabacloud/credentials"];

const DEFAULT_PROFILE: &str = "default";

/// The section whose settings all others inherit.
const INHERITED: &str = "DEFAULT";

const TYPES: &str = "access_key, ram_role_arn, oidc_role_arn and ecs_ram_role";

/// A profile of the credentials file, read on each fetch.
#[derive(Debug)]
pub(crate) struct IniProfileProvider {
    context: Arc<ProviderContext>,
    profile: Profile,
}

/// The settings of one section.
struct Section(HashMap<String, String>);

impl Section {
    /// Parses `text` and returns the section `name`, if there is one.
    fn read(text: String, name: &str) -> Result<Option<Self>, CredentialsError> {
        let mut parser = Ini::new_cs();
        parser.set_comment_symbols(&['#', ';']);
        // As in the Python SDK, `#` ends a value anywhere, and `;` does not.
        parser.set_inline_comment_symbols(Some(&['#']));
        parser.set_multiline(true);
        // The text of the parser's error may contain a value.
        let sections = parser.read(text);
        let sections =
            sections.map_err(|_| CredentialsError::unusable("it is not a file in the INI format"))?;
        let Some(own) = sections.get(name) else { return Ok(None) };
        let inherited = sections.get(INHERITED).into_iter().flatten();
        let keys = inherited.chain(own).filter_map(|(key, value)| Some((key.to_lowercase(), value.clone()?)));
        Ok(Some(Self(keys.collect())))
    }

    fn get(&self, key: &str) -> Option<String> {
        non_empty(self.0.get(key).cloned())
    }
}

impl IniProfileProvider {
    pub(crate) fn new(context: Arc<ProviderContext>, profile: &Profile) -> Self {
        Self { context, profile: profile.clone() }
    }

    async fn read(&self) -> Result<IssuedCredentials, CredentialsError> {
        let requested = self.profile.name.as_deref().or_else(|| self.context.variable(env::PROFILE));
        let section = self.section(requested.unwrap_or(DEFAULT_PROFILE)).await;
        let (path, section) = section.map_err(|error| match requested {
            // No later provider has profiles.
            Some(_) => CredentialsError::unusable(error.to_string()),
            None => error,
        })?;
        let name = requested.unwrap_or(DEFAULT_PROFILE);
        let origin = format!("the profile {name:?} in {}", path.display());
        let source = self.source_of(&section, &origin).map_err(|error| error.of(&origin))?;
        let issued = source.fetch().await.map_err(|error| error.of(&origin))?;
        Ok(issued.found_in(&origin))
    }

    /// The first file that has the profile.
    async fn section(&self, name: &str) -> Result<(PathBuf, Section), CredentialsError> {
        let mut errors = Vec::new();
        let (paths, origin) = self.paths()?;
        let mut absent = origin == PathOrigin::Default;
        for path in paths {
            match secret_files::read(&path, origin).await {
                Ok(text) => match Section::read(text, name) {
                    Ok(Some(section)) => return Ok((path, section)),
                    Ok(None) => errors.push(format!("{} has no profile {name:?}", path.display())),
                    Err(error) => {
                        absent = false;
                        errors.push(format!("{}: {error}", path.display()));
                    }
                },
                Err(error) => {
                    absent &= error.is_absent();
                    errors.push(error.to_string());
                }
            }
        }
        let text = errors.join("; ");
        Err(if absent { CredentialsError::absent(text) } else { CredentialsError::unusable(text) })
    }

    fn paths(&self) -> Result<(Vec<PathBuf>, PathOrigin), CredentialsError> {
        match (&self.profile.file, self.context.variable(env::CREDENTIALS_FILE)) {
            (Some(file), _) => Ok((vec![file.clone()], PathOrigin::Explicit)),
            (None, Some(file)) => Ok((vec![file.into()], PathOrigin::Explicit)),
            (None, None) => {
                let in_home = DEFAULT_FILES.into_iter().map(|file| self.context.in_home(file));
                Ok((in_home.collect::<Result<_, _>>()?, PathOrigin::Default))
            }
        }
    }

    fn source_of(
        &self,
        section: &Section,
        origin: &str,
    ) -> Result<Arc<dyn CredentialsSource>, CredentialsError> {
        let source =
            || access_key(section.get("access_key_id"), section.get("access_key_secret"), None, origin);
        match section.get("type").as_deref().unwrap_or_default() {
            "access_key" => source(),
            "ram_role_arn" => Ok(Arc::new(RamRoleArnProvider {
                context: self.context.clone(),
                source: source()?,
                role_arn: section.get("role_arn"),
                external_id: None,
                session: self.session(section),
            })),
            "oidc_role_arn" => {
                let oidc = Oidc {
                    role_arn: section.get("role_arn"),
                    oidc_provider_arn: section.get("oidc_provider_arn"),
                    oidc_token_file: section.get("oidc_token_file_path").map(Into::into),
                    session: self.session(section),
                };
                Ok(Arc::new(OidcRoleArnProvider::new(self.context.clone(), oidc)))
            }
            "ecs_ram_role" => {
                let role = EcsRamRole {
                    role_name: section.get("role_name"),
                    metadata_endpoint: self.profile.metadata_endpoint.clone(),
                    imds_v1_disabled: None,
                };
                Ok(Arc::new(EcsRamRoleProvider::new(self.context.clone(), role)))
            }
            kind => {
                let text = format!("the type {kind:?} is not supported here: {TYPES} are");
                Err(CredentialsError::unusable(text))
            }
        }
    }

    fn session(&self, section: &Section) -> Session {
        Session {
            name: section.get("role_session_name"),
            policy: section.get("policy"),
            sts_endpoint: self.profile.sts_endpoint.clone(),
            ..Session::default()
        }
    }
}

impl CredentialsSource for IniProfileProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.read())
    }

    fn files(&self) -> Vec<PathBuf> {
        self.paths().map(|(paths, _)| paths).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_section_that_is_found_is_named_in_the_text(text in "[a\\[\\]=:;# \t\r\n\"\\\\é杭%]{0,60}", name in "[a\\[ ]{0,2}") {
            let found = matches!(Section::read(text.clone(), &name), Ok(Some(_)));
            prop_assert!(!found || text.to_lowercase().contains(name.trim()));
        }
    }

    #[test]
    fn a_section_overrides_inherited_values() {
        let text = "[DEFAULT]\ntype = a\nx = 1\n[p]\nTYPE = b\n[Q]\n";
        let section = Section::read(text.to_owned(), "p").unwrap().unwrap();
        assert_eq!((section.get("type"), section.get("x")), (Some("b".to_owned()), Some("1".to_owned())));
        assert!(
            Section::read(text.to_owned(), "q").unwrap().is_none(),
            "names of sections are case-sensitive"
        );
    }
}
