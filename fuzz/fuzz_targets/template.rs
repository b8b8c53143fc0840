//! Any text as every template of a scheme: compiling must end in a scheme or in faults with places inside the text.
#![no_main]

use countersign::scheme::{Algorithm, Definition, Encoding, Equality, Scheme, SignatureDefinition, Sources, Template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for sources in [Sources::Request, Sources::Answer] {
        if let Err(fault) = Template::compile(text, sources) {
            assert!(text.get(fault.offset..fault.offset + fault.length).is_some(), "{fault:?}");
        }
    }
    let definition = Definition {
        name: "fuzz".to_owned(),
        key_id: Some(text.to_owned()),
        values: vec![("first".to_owned(), text.to_owned()), ("second".to_owned(), "{first}{first}".to_owned())],
        require: vec![Equality { left: text.to_owned(), right: "{second|sha256|hex}".to_owned() }],
        message: text.to_owned(),
        signature: SignatureDefinition {
            from: "{header:X-Signature}".to_owned(),
            encoding: Encoding::Hex,
            algorithm: Algorithm::HmacSha256,
        },
        timestamp: None,
        replay: None,
        emit: vec![("X-Signature".to_owned(), text.to_owned())],
    };
    let _ = Scheme::compile(&definition);
});
