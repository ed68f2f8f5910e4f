//! `ListEngineVersionMetadata`, which returns the engine versions of a workspace.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/ListEngineVersionMetadata>

use lenient_json::{Cursor, FromJson as _, Lenient, Scalar, lenient_object};

use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination},
    model::{EngineVersion, Object as _},
};

/// The operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListEngineVersionMetadata;

lenient_object! {
    struct WireVersion<'a> { version: Scalar<'a> = "engineVersion", status: Scalar<'a> = "status" }
}

impl Operation for ListEngineVersionMetadata {
    type Item = EngineVersion;

    const ACTION: &'static str = "ListEngineVersionMetadata";
    const PAGINATION: Pagination = Pagination::None;
    const ITEMS: &'static str = "engine versions";

    fn path(&self) -> String {
        "/api/v2/engine-version-meta.json".to_owned()
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn namespace(&self) -> &'static str {
        ""
    }

    fn key(version: &EngineVersion) -> &str {
        version.key()
    }

    /// Decodes the object that contains the list and the default version.
    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<EngineVersion>>, DecodeError> {
        if cursor.peek()? != b'{' {
            return Ok(Lenient::mismatch(cursor)?);
        }
        let (mut decoder, mut list) = (Some(decoder), Lenient::Absent);
        cursor.object(|cursor, key| {
            let is_list = key.text().as_deref() == Some("engineVersionMetadata");
            if let Some(decoder) = decoder.take_if(|_| is_list) {
                list = decoder.array(cursor, element)?;
            } else {
                cursor.skip()?;
            }
            Ok::<_, DecodeError>(())
        })?;
        Ok(list)
    }
}

fn element(
    values: &mut Decoder,
    cursor: &mut Cursor<'_>,
) -> Result<Option<EngineVersion>, lenient_json::SyntaxError> {
    let Lenient::Valid(wire) = Lenient::<WireVersion<'_>>::from_json(cursor)? else {
        values.unidentified("engineVersionMetadata");
        return Ok(None);
    };
    Ok(version(values, &wire))
}

fn version(values: &mut Decoder, wire: &WireVersion<'_>) -> Option<EngineVersion> {
    values.begin_object("engineVersion", wire.version)?;
    Some(EngineVersion { status: values.text("status", wire.status), version: values.end_object() })
}
