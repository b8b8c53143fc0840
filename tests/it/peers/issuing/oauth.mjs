// The endpoints of OAuth 2.0 as openid-client uses them, which is strict about every answer.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.NODE_PEERS + "/package.json");
const client = await import(pathToFileURL(require.resolve("openid-client")));

const origin = process.argv[2];
const server = { issuer: origin, token_endpoint: `${origin}/token`, revocation_endpoint: `${origin}/revoke` };
const known = (id, secret, authentication) => {
  const config = new client.Configuration(server, id, secret, authentication(secret));
  client.allowInsecureRequests(config); // Loopback, without TLS.
  return config;
};
const call = async (token) => {
  const answer = await fetch(`${origin}/api/x`, { headers: { Authorization: `Bearer ${token}` } });
  return [answer.status, answer.status === 200 ? await answer.text() : ""];
};

for (const authentication of [client.ClientSecretBasic, client.ClientSecretPost]) {
  const reports = known("reports", "wonderland", authentication);
  const own = await client.clientCredentialsGrant(reports, { scope: "read" });
  assert.deepEqual([own.token_type, own.expires_in, own.scope, own.refresh_token], ["bearer", 300, "read", undefined]);
  assert.deepEqual(await call(own.access_token), [200, "reports"]);

  const pair = await client.genericGrantRequest(reports, "password", { username: "alice", password: "wonderland" });
  const next = await client.refreshTokenGrant(reports, pair.refresh_token);
  assert.notEqual(next.refresh_token, pair.refresh_token);
  assert.deepEqual(await call(next.access_token), [200, "alice"]);
  await assert.rejects(client.refreshTokenGrant(known("shop", "builder", authentication), next.refresh_token),
    { error: "invalid_grant", status: 400 });

  await client.tokenRevocation(reports, next.access_token);
  assert.deepEqual(await call(next.access_token), [401, ""]);
  await client.tokenRevocation(reports, next.refresh_token);
  await client.tokenRevocation(reports, "never-was-a-token");
  await assert.rejects(client.refreshTokenGrant(reports, next.refresh_token), { error: "invalid_grant" });

  await assert.rejects(client.clientCredentialsGrant(reports, { scope: "admin" }), { error: "invalid_scope" });
  // A 401 with a challenge, as a client of its own kind reports it.
  await assert.rejects(client.clientCredentialsGrant(known("reports", "guess", authentication)), (error) =>
    error.status === 401 || error.cause?.status === 401 || error.response?.status === 401);
}
