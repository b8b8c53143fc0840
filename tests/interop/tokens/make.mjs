// Tokens made by Node's libraries. Reads keys and claims from standard input, writes lists of tokens.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { CompactEncrypt, SignJWT } from 'jose';
import jsonwebtoken from 'jsonwebtoken';

const { claims, secrets, privates, opening } = JSON.parse(readFileSync(0, 'utf8'));
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

const encrypted = [];
const inside = tokens.find(({ library, algorithm }) => library === 'jose' && algorithm === 'ES256').token;
for (const [algorithm, text] of Object.entries(opening)) {
    const header = { alg: algorithm, enc: 'A256GCM', cty: 'JWT', kid: algorithm };
    const key = algorithm.startsWith('RSA') ? createPublicKey(text) : Buffer.from(text, 'hex');
    const token = await new CompactEncrypt(Buffer.from(inside)).setProtectedHeader(header).encrypt(key);
    encrypted.push({ library: 'jose', algorithm, token });
}
process.stdout.write(JSON.stringify({ tokens, encrypted }));
