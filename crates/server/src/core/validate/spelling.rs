//! How fields are spelled: names that differ in letter case alone are one field, which keeps the spelling it had first.
//!
//! ```text
//! namespace has Temp, upload sends temp  ─▶ Temp
//! upload sends Temp, then temp           ─▶ Temp
//! one batch holds both                   ─▶ 400
//! ```
//!
//! Invariant: behind this module a field has one spelling, that of its namespace; nothing else compares letter case.

use std::collections::HashMap;

use iobeam_catalog::Namespace;
use iobeam_model::{FieldName, NamespaceName};

use crate::core::api_error::ApiError;

/// Names as they were sent, and as their namespace spells them, where that differs.
pub(super) type Respelled = HashMap<FieldName, FieldName>;

/// The spellings that an upload has met so far: in lower case ─▶ as first seen. Built when a name is not known as sent.
#[derive(Debug, Default)]
pub(super) struct Spellings(HashMap<NamespaceName, HashMap<String, FieldName>>);

impl Spellings {
    /// Which of the fields of one batch are spelled otherwise in their namespace. A name may be given more than once.
    pub(super) fn respelled<'f>(
        &mut self,
        namespace: &Namespace,
        sent: impl Iterator<Item = &'f FieldName> + Clone,
    ) -> Result<Respelled, ApiError> {
        let mut respelled = Respelled::new();
        // Those of a namespace differ in more than letter case, so the usual batch is done here.
        if sent.clone().all(|name| namespace.fields.contains_key(name)) {
            return Ok(respelled);
        }
        let known = self.0.entry(namespace.name.clone()).or_insert_with(|| {
            namespace.fields.keys().map(|name| (lower_case(name), name.clone())).collect()
        });
        let mut in_batch: HashMap<String, &FieldName> = HashMap::new();
        for name in sent {
            let key = lower_case(name);
            let first = *in_batch.entry(key.clone()).or_insert(name);
            if first != name {
                return Err(both(first, name));
            }
            let spelling = known.entry(key).or_insert_with(|| name.clone());
            if spelling != name {
                respelled.insert(name.clone(), spelling.clone());
            }
        }
        Ok(respelled)
    }
}

fn lower_case(name: &FieldName) -> String {
    name.as_str().to_ascii_lowercase()
}

fn both(first: &FieldName, second: &FieldName) -> ApiError {
    ApiError::bad_request(
        "A field is sent twice",
        format!(
            "the fields '{first}' and '{second}' differ in letter case alone and are one field; send it once, or choose \
             another name for one of them"
        ),
    )
}
