//! `ListEditableNamespace`, which returns the namespaces in which the credentials have a role of the console, in all
//! workspaces of a region. It belongs to `ververica`, but its requests name no workspace in the header.
//! Reference (November 2026): <https://next.api.alibabacloud.com/api/ververica/2022-07-18/ListEditableNamespace>

use lenient_json::{Cursor, FromJson as _, Lenient, Scalar, lenient_object};

use crate::{
    api::{DecodeError, Decoded, Decoder, Operation, Pagination},
    model::{EditableNamespace, Object as _, is_namespace_name},
};

/// The operation.
#[derive(Debug, Clone)]
pub struct ListEditableNamespace {
    /// The region.
    pub region: String,
}

lenient_object! {
    struct WireNamespace<'a> {
        workspace: Scalar<'a> = "WorkspaceId",
        name: Scalar<'a> = "Namespace",
    }
}

impl Operation for ListEditableNamespace {
    type Item = EditableNamespace;

    const ACTION: &'static str = "ListEditableNamespace";
    const PAGINATION: Pagination = Pagination::TotalSize;
    const ITEMS: &'static str = "namespaces";

    fn path(&self) -> String {
        "/gateway/v2/namespaces/editable".to_owned()
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        vec![("regionId", self.region.clone())]
    }

    fn namespace(&self) -> &'static str {
        ""
    }

    fn key(namespace: &EditableNamespace) -> &str {
        namespace.key()
    }

    /// Decodes the object that contains the list and its total size.
    fn decode(
        &self,
        decoder: Decoder,
        cursor: &mut Cursor<'_>,
    ) -> Result<Lenient<Decoded<EditableNamespace>>, DecodeError> {
        if cursor.peek()? != b'{' {
            return Ok(Lenient::mismatch(cursor)?);
        }
        let (mut decoder, mut list, mut total) = (Some(decoder), Lenient::Absent, Scalar::default());
        cursor.object(|cursor, key| {
            match (key.text().as_deref(), decoder.take()) {
                (Some("editableNamespaces"), Some(decoder)) => {
                    list = decoder.array(cursor, |values, cursor| {
                        let wire = Lenient::<WireNamespace<'_>>::from_json(cursor)?;
                        Ok(namespace(values, wire))
                    })?;
                    return Ok(());
                }
                (Some("total"), unused) => {
                    decoder = unused;
                    total = Scalar::from_json(cursor)?;
                }
                (_, unused) => {
                    decoder = unused;
                    cursor.skip()?;
                }
            }
            Ok::<_, DecodeError>(())
        })?;
        let Ok(total) = total.count() else { return Ok(Lenient::Invalid) };
        Ok(match list {
            Lenient::Valid(list) => Lenient::Valid(Decoded { total, ..list }),
            Lenient::Absent => Lenient::Valid(Decoded { total, ..Decoded::default() }),
            Lenient::Invalid => Lenient::Invalid,
        })
    }
}

fn namespace(values: &mut Decoder, wire: Lenient<WireNamespace<'_>>) -> Option<EditableNamespace> {
    let Lenient::Valid(wire) = wire else {
        values.unidentified("editableNamespaces");
        return None;
    };
    values.begin_object("Namespace", wire.name)?;
    let name = values.end_object();
    let workspace = values.begin_object("WorkspaceId", wire.workspace)?;
    if !workspace.bytes().all(|byte| byte.is_ascii_graphic()) {
        values.unidentified("WorkspaceId");
        return None;
    }
    if !is_namespace_name(&name) {
        values.unidentified("Namespace");
        return None;
    }
    Some(EditableNamespace::new(workspace, &name))
}
