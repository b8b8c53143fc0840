//! The schemes that come with the gateway, as texts in the config's own language. The config reads them.

/// Our own forms first, then webhooks, then signed requests.
const PRESETS: &[(&str, &str)] = &[
    ("device", include_str!("presets/device.yaml")),
    ("device-v2", include_str!("presets/device-v2.yaml")),
    ("raw-body", include_str!("presets/raw-body.yaml")),
    ("github", include_str!("presets/github.yaml")),
    ("shopify", include_str!("presets/shopify.yaml")),
    ("dropbox", include_str!("presets/dropbox.yaml")),
    ("square", include_str!("presets/square.yaml")),
    ("stripe", include_str!("presets/stripe.yaml")),
    ("paddle", include_str!("presets/paddle.yaml")),
    ("slack", include_str!("presets/slack.yaml")),
    ("zoom", include_str!("presets/zoom.yaml")),
    ("twitch", include_str!("presets/twitch.yaml")),
    ("mailgun", include_str!("presets/mailgun.yaml")),
    ("standard-webhooks", include_str!("presets/standard-webhooks.yaml")),
    ("svix", include_str!("presets/svix.yaml")),
    ("twilio", include_str!("presets/twilio.yaml")),
    ("twilio-json", include_str!("presets/twilio-json.yaml")),
    ("discord", include_str!("presets/discord.yaml")),
    ("hubspot", include_str!("presets/hubspot.yaml")),
    ("cavage", include_str!("presets/cavage.yaml")),
    ("kong", include_str!("presets/kong.yaml")),
    ("tyk", include_str!("presets/tyk.yaml")),
    ("apisix", include_str!("presets/apisix.yaml")),
    ("apisix-legacy", include_str!("presets/apisix-legacy.yaml")),
    ("aws-sigv4", include_str!("presets/aws-sigv4.yaml")),
    ("aws-sigv4-presigned", include_str!("presets/aws-sigv4-presigned.yaml")),
    ("aws-sigv4-s3", include_str!("presets/aws-sigv4-s3.yaml")),
    ("aws-sigv4-s3-presigned", include_str!("presets/aws-sigv4-s3-presigned.yaml")),
    ("gcs", include_str!("presets/gcs.yaml")),
    ("gcs-presigned", include_str!("presets/gcs-presigned.yaml")),
    ("swift-tempurl", include_str!("presets/swift-tempurl.yaml")),
    ("azure-sas", include_str!("presets/azure-sas.yaml")),
    ("azure-appconfig", include_str!("presets/azure-appconfig.yaml")),
    ("azure-storage", include_str!("presets/azure-storage.yaml")),
    ("edgegrid", include_str!("presets/edgegrid.yaml")),
    ("hawk", include_str!("presets/hawk.yaml")),
    ("oauth1", include_str!("presets/oauth1.yaml")),
    ("tuya", include_str!("presets/tuya.yaml")),
    ("tencent-tc3", include_str!("presets/tencent-tc3.yaml")),
    ("alibaba-acs3", include_str!("presets/alibaba-acs3.yaml")),
    ("huawei", include_str!("presets/huawei.yaml")),
    ("volcengine", include_str!("presets/volcengine.yaml")),
    ("binance", include_str!("presets/binance.yaml")),
    ("binance-form", include_str!("presets/binance-form.yaml")),
    ("coinbase", include_str!("presets/coinbase.yaml")),
    ("kraken", include_str!("presets/kraken.yaml")),
    ("okx", include_str!("presets/okx.yaml")),
    ("kucoin", include_str!("presets/kucoin.yaml")),
];

/// The YAML of a preset: the keys of a scheme, to be overridden by the user's own.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// Their names, in the order they are listed to a user.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}
