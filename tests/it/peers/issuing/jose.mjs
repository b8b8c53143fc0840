// What jose makes of the tokens that the gateway issues, and the gateway of those that jose signs.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.NODE_PEERS + "/package.json");
const { SignJWT, jwtVerify } = await import(pathToFileURL(require.resolve("jose")));

const [tokenApi, olderApi] = process.argv.slice(2);
const key = new TextEncoder().encode(process.env.JWT_KEY);

const login = await fetch(`${tokenApi}/login?username=alice`, { method: "POST" });
assert.equal(login.status, 200);
const { access_token: token, ...others } = await login.json();
assert.deepEqual(others, {});
const { payload, protectedHeader } = await jwtVerify(token, key, {
  algorithms: ["HS256"], issuer: "token-api", audience: "api", requiredClaims: ["sub", "iat", "exp", "jti"], maxTokenAge: "1h",
});
assert.deepEqual([payload.sub, payload.exp - payload.iat, protectedHeader.typ], ["alice", 3600, "JWT"]);

const signed = await new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setSubject("bob").setIssuedAt()
  .setIssuer("token-api").setAudience("api").setExpirationTime("1h").sign(key);
for (const [shown, name] of [[token, "alice"], [signed, "bob"]]) {
  const greeted = await fetch(`${tokenApi}/secure-jwt`, { headers: { Authorization: `Bearer ${shown}` } });
  assert.deepEqual([greeted.status, await greeted.json()], [200, { message: `Hello, ${name}. JWT authentication successful.` }]);
}

const body = JSON.stringify({ username: "bob", password: "builder" });
const older = await fetch(`${olderApi}/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
const { token: bare } = await older.json();
assert.equal((await jwtVerify(bare, key, { issuer: "legacy-token-api", audience: "api" })).payload.sub, "bob");
const good = await fetch(`${olderApi}/protected`, { headers: { Authorization: bare } });
assert.deepEqual([good.status, await good.json()], [200, { message: "Hello, authenticated user!" }]);
