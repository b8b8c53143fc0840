//! The schemes that come with the gateway, as texts in the config's own language. The config reads them.

const PRESETS: &[(&str, &str)] = &[
    ("device", include_str!("presets/device.yaml")),
    ("device-v2", include_str!("presets/device-v2.yaml")),
    ("raw-body", include_str!("presets/raw-body.yaml")),
];

/// The YAML of a preset: the keys of a scheme, to be overridden by the user's own.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// Their names, in the order they are listed to a user.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}
