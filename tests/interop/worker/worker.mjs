// Answers each line of JSON, `{ what, … }`, with one: `{ value }` or `{ error }`. Asked by interop/node.py.
import readline from "node:readline";

import * as requests from "./requests.mjs";
import * as webhooks from "./webhooks.mjs";

// Standard output is for answers alone; what packages log is not wanted.
console.log = console.info = console.debug = () => {};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { what, ...asked } = JSON.parse(line);
  const [name, verb] = what.split(".");
  let answer;
  try {
    const value = await { ...requests, ...webhooks }[name][verb](asked);
    answer = { value: value ?? null };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
