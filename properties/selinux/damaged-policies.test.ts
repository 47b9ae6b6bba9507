/** Damage that chance seldom does: where it must be refused, and with which line. */

import { expect, test } from "vitest";
import { policyFile } from "../support/policy-files.ts";
import { readPolicy } from "../../src/selinux/policydb/read.ts";

const NODE_BYTES = 12;

/** A view of a fresh copy, and where these words stand in it. */
function findWords(words: readonly number[]): { view: DataView; at: number } {
  const view = new DataView(Uint8Array.from(policyFile("everything-33.policy")).buffer);
  for (let at = 0; at + 4 * words.length <= view.byteLength; at += 1)
    if (words.every((word, i) => view.getUint32(at + 4 * i, true) === word)) return { view, at };
  throw new Error("not in the file");
}

const read = (view: DataView) => () => readPolicy(new Uint8Array(view.buffer), "damaged");

test("a type that is bounded by itself is refused", () => {
  const { types } = readPolicy(policyFile("everything-33.policy"), "everything");
  const value = types.findIndex(({ name }) => name === "child_t") + 1;
  const { view, at } = findWords(["child_t".length, value, 1, types[value - 1]?.bounds ?? 0]);
  view.setUint32(at + 12, value, true);
  expect(read(view)).toThrow(/^damaged: offset \d+: expected bounds of type child_t$/);
});

test("a constraint whose operator comes before its operands is refused", () => {
  // l1 eq l2, h1 domby h2, or: as many nodes in another order leave one value all the same.
  const { view, at } = findWords([4, 32, 1, 4, 256, 4, 3, 0, 0]);
  for (const [i, word] of [3, 0, 0].entries()) view.setUint32(at + 4 * i, word, true);
  for (const [i, word] of [4, 32, 1].entries())
    view.setUint32(at + 2 * NODE_BYTES + 4 * i, word, true);
  expect(read(view)).toThrow(
    `damaged: offset ${at}: expected operands before the operator of a constraint`,
  );
});
