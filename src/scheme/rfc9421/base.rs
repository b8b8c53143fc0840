//! The signature base (RFC 9421 section 2.5): one line a covered component, and what the signature says of itself last.

use super::{
    component::Component,
    value::{FieldTypes, Message, ReadOnce, value},
};
use crate::scheme::Failure;

/// The bytes that are signed. `parameters` is the value of `@signature-params`.
///
/// # Errors
/// A component has no value in the message.
pub(super) fn signature_base(
    components: &[Component],
    parameters: &str,
    message: Message<'_>,
    types: &FieldTypes,
) -> Result<String, Failure> {
    let (mut base, mut read) = (String::new(), ReadOnce::default());
    for component in components {
        base.push_str(&component.to_string());
        base.push_str(": ");
        base.push_str(&value(component, message, types, &mut read)?);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    Ok(base)
}
