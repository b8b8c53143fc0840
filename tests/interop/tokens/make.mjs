// Tokens made by Node's libraries. Reads keys and claims from standard input, writes a list of tokens.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { SignJWT } from 'jose';
import jsonwebtoken from 'jsonwebtoken';

const { claims, secrets, privates } = JSON.parse(readFileSync(0, 'utf8'));
const tokens = [];

async function made(algorithm, key) {
    const header = { alg: algorithm, kid: algorithm };
    const token = await new SignJWT(claims).setProtectedHeader(header).sign(key);
    tokens.push({ library: 'jose', algorithm, token });
    // It knows no EdDSA.
    if (algorithm !== 'EdDSA') {
        const signed = jsonwebtoken.sign(claims, key, { algorithm, keyid: algorithm });
        tokens.push({ library: 'jsonwebtoken', algorithm, token: signed });
    }
}

for (const [algorithm, secret] of Object.entries(secrets)) await made(algorithm, Buffer.from(secret, 'hex'));
for (const [algorithm, pem] of Object.entries(privates)) await made(algorithm, createPrivateKey(pem));
process.stdout.write(JSON.stringify(tokens));
