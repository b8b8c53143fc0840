//! Lines to paste into a shell: curl and openssl, so that it is seen how little a client needs.

use std::net::SocketAddr;

use super::{
    setup::{DEVICE, MAC_ADDRESS, Setup},
    token::mint,
};
use crate::{cli::trouble::Trouble, clock::Clock};

/// All of them, each block to be pasted whole. The keys in them were made for this run and open nothing else.
pub(super) fn lines(setup: &Setup, address: SocketAddr) -> Result<String, Trouble> {
    let key = setup.device_key();
    let token = mint(setup.token_key(), "alice", Clock::system().unix(), 3600)?;
    Ok(format!(
        r##"
Try it yourself: paste any block into a shell, then change something and paste it again.
The keys were made for this run and open nothing else.

# a device of the first form
KEY={key}
MAC={MAC_ADDRESS} TIME=$(date +%s)
SIGNATURE=$(printf '%s:%s' "$MAC" "$TIME" | openssl dgst -sha256 -hmac "$KEY" -r | cut -d' ' -f1)
curl -sS http://{address}/verify -H "X-HMAC-Signature: $SIGNATURE" \
  --data-binary "{{\"mac_address\":\"$MAC\",\"timestamp\":$TIME}}"

# a client of the second form; send only the last command again, and it is refused
KEY={key}
BODY='{{"reading":21.5}}' TIME=$(date +%s) NONCE=$(openssl rand -hex 16)
DIGEST=$(printf '%s' "$BODY" | openssl dgst -sha256 -r | cut -d' ' -f1)
SIGNATURE=$(printf 'v2\n%s\nPOST\n%s\n/v2/readings\n%s\n%s\n%s' \
  {DEVICE} {address} "$TIME" "$NONCE" "$DIGEST" |
  openssl dgst -sha256 -hmac "$KEY" -r | cut -d' ' -f1)
curl -sS http://{address}/v2/readings --data-binary "$BODY" -H 'X-HMAC-Key-Id: {DEVICE}' \
  -H "X-HMAC-Timestamp: $TIME" -H "X-HMAC-Nonce: $NONCE" -H "X-HMAC-Signature: $SIGNATURE"

# a person with a token, good for an hour
TOKEN={token}
curl -sS http://{address}/api/hello -H "Authorization: Bearer $TOKEN"
"##
    ))
}
