// Node's fetch, which is undici. Arguments: the gateway's origin.
import assert from "node:assert/strict";
import { signed } from "./signing.mjs";

const origin = process.argv[2];
const big = Buffer.alloc(2 << 20, "countersign ");

async function check(target, options, expected = target) {
  const response = await fetch(origin + target, { signal: AbortSignal.timeout(20000), ...options });
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200);
  assert.ok(body.equals(Buffer.from(expected)), `${target}: another body`);
  return response;
}

await check("/open/a?b=c");
await check("/open/post", { method: "POST", body: "hello" }, "hello");
await check("/open/form", { method: "POST", body: new URLSearchParams({ a: "b c" }) }, "a=b+c");
const stream = new ReadableStream({
  start(controller) {
    for (const piece of ["one ", "two"]) controller.enqueue(new TextEncoder().encode(piece));
    controller.close();
  },
});
await check("/open/stream", { method: "POST", body: stream, duplex: "half" }, "one two");
const head = await check("/open/head", { method: "HEAD" }, "");
assert.equal(head.headers.get("content-length"), "10");
await Promise.all([...Array(30).keys()].map((index) => check(`/open/many/${index}`)));
await check("/signed/a?b=c", { headers: signed("GET", origin + "/signed/a?b=c") });
await check("/signed/big", { method: "PUT", body: big, headers: signed("PUT", origin + "/signed/big", big) }, big);
assert.equal((await fetch(origin + "/signed/a")).status, 400);
