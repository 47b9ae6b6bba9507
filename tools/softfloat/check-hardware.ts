/**
 * Replays hardware records from standard input and counts differences by mnemonic.
 *
 * Usage: check-hardware <x87|sse> [differences shown per mnemonic]. The form of a record stands in
 * replay-x87.ts and replay-sse.ts.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import * as sse from "./replay-sse.ts";
import * as x87 from "./replay-x87.ts";

const differences = process.argv[2] === "sse" ? sse.differences : x87.differences;
const shown = Number(process.argv[3] ?? 5);
const checked = new Map<string, number>();
const differing = new Map<string, number>();

for await (const line of createInterface({ input: process.stdin })) {
  const name = line.slice(0, line.indexOf(" "));
  checked.set(name, (checked.get(name) ?? 0) + 1);
  const found = differences(line);
  if (found.length === 0) continue;
  const count = (differing.get(name) ?? 0) + 1;
  differing.set(name, count);
  if (count <= shown) console.log(`${line}\n    here: ${found.join(", ")}`);
}

let total = 0;
for (const [name, count] of checked) {
  total += count;
  console.log(`${name}: ${count} checked, ${differing.get(name) ?? 0} differ`);
}
console.log(`${total} records, ${[...differing.values()].reduce((sum, n) => sum + n, 0)} differ`);
process.exitCode = differing.size === 0 && total > 0 ? 0 : 1;
