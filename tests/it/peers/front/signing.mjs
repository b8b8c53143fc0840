// What a client adds to sign a request by the preset device-v2.
import { createHash, createHmac, randomBytes } from "node:crypto";

export function signed(method, address, body = "") {
  const url = new URL(address);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomBytes(16).toString("hex");
  const digest = createHash("sha256").update(body).digest("hex");
  const lines = ["v2", "peer", method, url.host, url.pathname + url.search, timestamp, nonce, digest];
  return {
    "X-HMAC-Key-Id": "peer",
    "X-HMAC-Timestamp": timestamp,
    "X-HMAC-Nonce": nonce,
    "X-HMAC-Signature": createHmac("sha256", process.env.KEY).update(lines.join("\n")).digest("hex"),
  };
}
