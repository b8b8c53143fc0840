// Node's http module with an agent that keeps connections. Arguments: the gateway's origin.
import assert from "node:assert/strict";
import http from "node:http";
import { signed } from "./signing.mjs";

const origin = process.argv[2];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Set();
const big = Buffer.alloc(2 << 20, "countersign ");

// `pieces` makes it a chunked upload; `expect` waits for 100 Continue, and says whether it came.
function exchange(method, target, { body, pieces, headers = {}, expect = false } = {}) {
  return new Promise((resolve, reject) => {
    if (body) headers = { ...headers, "Content-Length": body.length };
    if (expect) headers = { ...headers, Expect: "100-continue" };
    const request = http.request(origin + target, { method, headers, agent, timeout: 20000 });
    let invited = false;
    request.on("socket", (socket) => sockets.add(socket));
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`${method} ${target} timed out`)));
    request.on("response", async (response) => {
      const read = [];
      for await (const piece of response) read.push(piece);
      resolve({ status: response.statusCode, body: Buffer.concat(read), headers: response.headers, invited });
    });
    const send = () => {
      for (const piece of pieces ?? []) request.write(piece);
      request.end(body);
    };
    if (!expect) return send();
    request.on("continue", () => ((invited = true), send()));
    request.flushHeaders();
  });
}

async function check(method, target, options, expected) {
  const answer = await exchange(method, target, options);
  assert.equal(answer.status, 200);
  assert.ok(answer.body.equals(Buffer.from(expected)), `${method} ${target}: another body`);
  return answer;
}

await check("GET", "/open/a?b=c", {}, "/open/a?b=c");
await check("POST", "/open/post", { body: Buffer.from("hello") }, "hello");
await check("POST", "/open/chunked", { pieces: ["one ", "two"] }, "one two");
const invited = await check("PUT", "/open/expect", { body: big, expect: true }, big);
assert.ok(invited.invited, "100 Continue came first");
const head = await check("HEAD", "/open/head", {}, "");
assert.equal(head.headers["content-length"], "10");
const headers = signed("PUT", origin + "/signed/big", big);
await check("PUT", "/signed/big", { body: big, headers }, big);
assert.equal((await exchange("PUT", "/signed/big", { body: big, headers })).status, 409);
assert.equal(sockets.size, 1, "one connection for everything");
agent.destroy();
