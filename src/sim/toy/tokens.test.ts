import { describe, expect, test } from "vitest";
import type { Setup } from "../blueprint.ts";
import { World } from "../world.ts";
import { type TokensConfig, tokens } from "./tokens.ts";

/** The digest of a run with inputs, faults and the set-up's schedule, at cycle 60 000. */
function digestOfRun(setup: Partial<Setup<TokensConfig>>): string {
  const world = World.create(tokens, {
    config: tokens.parse({ cpus: 3 }),
    seed: "frozen",
    epochCycles: 20_000,
    faults: [
      { time: 15_000, target: "ring", kind: "lose" },
      { time: 15_000, target: "ring", kind: "double" },
    ],
    ...setup,
  });
  world.runUntil(30_000);
  world.input("ring", "insert", 5);
  world.runUntil(60_000);
  return world.digest();
}

describe("the toy world", () => {
  // Whoever changes a run on purpose changes the blueprint's version too: old recordings no longer replay.
  test("of version 1 has the runs that version 1 has always had", () => {
    expect(tokens.version).toBe(1);
    expect([
      digestOfRun({}),
      digestOfRun({ sliceCycles: 7 }),
      digestOfRun({
        sliceCycles: 7,
        schedule: { priorities: [2, 3, 1], changePoints: [5, 40, 700], windowCycles: 300 },
      }),
    ]).toEqual([
      "ec1f96af3ba0bb39d897b558948d77e6",
      "da3664c2fedafbc72a48f20d13794e0d",
      "5be9a406d425f02fa2240b2f3f13a148",
    ]);
  });
});
