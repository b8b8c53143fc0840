// What jose and jsonwebtoken make of the tokens that libraries.py has had issued.
import assert from "node:assert/strict";
import { createPublicKey, createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.NODE_PEERS + "/package.json");
const { jwtVerify } = await import(pathToFileURL(require.resolve("jose")));
const jsonwebtoken = require("jsonwebtoken");

const { subject, issued } = JSON.parse(readFileSync(`${process.argv[2]}/tokens.json`, "utf8"));
assert.equal(issued.length, 12);
for (const { algorithm, token, key: text } of issued) {
  const key = algorithm.startsWith("HS") ? createSecretKey(Buffer.from(text, "hex")) : createPublicKey(text);
  const rules = { algorithms: [algorithm], issuer: "us", audience: "api" };
  const { payload, protectedHeader } = await jwtVerify(token, key, { ...rules, requiredClaims: ["exp", "iat", "jti"] });
  assert.deepEqual([payload.sub, payload.level, protectedHeader.kid], [subject, 3, algorithm]);
  // It knows no EdDSA.
  if (algorithm !== "EdDSA") assert.equal(jsonwebtoken.verify(token, key, rules).sub, subject);
}
