// Clients that sign requests to APIs: each gives the headers that it would send.
import crypto from "node:crypto";

import EdgeGrid from "akamai-edgegrid";
import aws4 from "aws4";
import hawkPackage from "hawk";
import httpSignature from "http-signature";
import OAuth from "oauth-1.0a";

export const aws = {
  sign({ method, url, body, headers, id, secret, service }) {
    const { host, pathname, search } = new URL(url);
    const request = { host, path: pathname + search, method, body, headers, service, region: "eu-central-1" };
    return aws4.sign(request, { accessKeyId: id, secretAccessKey: secret }).headers;
  },
  presign({ method, url, id, secret, service }) {
    const { host, pathname, search } = new URL(url);
    const request = { host, path: pathname + search, method, service, region: "eu-central-1", signQuery: true };
    return aws4.sign(request, { accessKeyId: id, secretAccessKey: secret }).path;
  },
};

export const hawk = {
  sign({ method, url, body, id, secret, contentType }) {
    const credentials = { id, key: secret, algorithm: "sha256" };
    return hawkPackage.client.header(url, method, { credentials, payload: body, contentType }).header;
  },
  async verify({ method, target, headers, body, secret }) {
    const [host] = headers.host.split(":");
    const request = { method, url: target, host, port: 443, authorization: headers.authorization };
    const known = async (id) => ({ id, key: secret, algorithm: "sha256" });
    const { credentials, artifacts } = await hawkPackage.server.authenticate(request, known);
    // It returns nothing for a good payload and throws for another one.
    hawkPackage.server.authenticatePayload(body, credentials, artifacts, headers["content-type"]);
    return true;
  },
};

export const oauth = {
  sign({ method, url, fields, id, secret, algorithm }) {
    const [hash, name] = { "HMAC-SHA256": ["sha256"], "HMAC-SHA1": ["sha1"] }[algorithm].concat(algorithm);
    const client = new OAuth({
      consumer: { key: id, secret },
      signature_method: name,
      hash_function: (base, key) => crypto.createHmac(hash, key).update(base).digest("base64"),
    });
    return client.toHeader(client.authorize({ url, method, data: fields })).Authorization;
  },
};

export const edgegrid = {
  sign({ method, host, path, body, id, secret }) {
    const client = new EdgeGrid(id, secret, "akab-access-token", host);
    client.auth({ method, path, body, headers: { "Content-Type": "application/json" } });
    return client.request.headers.Authorization;
  },
};

export const cavage = {
  sign({ method, target, headers, id, secret, algorithm, list }) {
    const request = asNodeHas(method, target, headers);
    httpSignature.signRequest(request, { key: secret, keyId: id, algorithm, headers: list });
    return request.headers.authorization;
  },
  verify({ method, target, headers, secret }) {
    const parsed = httpSignature.parseRequest({ method, url: target, headers, httpVersion: "1.1" });
    return httpSignature.verifyHMAC(parsed, secret);
  },
};

// As much of http.ClientRequest as the signer asks for.
function asNodeHas(method, path, headers) {
  return {
    method,
    path,
    headers: { ...headers },
    getHeader(name) {
      return this.headers[name.toLowerCase()];
    },
    setHeader(name, value) {
      this.headers[name.toLowerCase()] = value;
    },
  };
}
