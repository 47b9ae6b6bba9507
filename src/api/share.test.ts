/** The world `share`: what is refused, and what is asked of it. */

import { expect, test } from "vitest";
import type { Json } from "../sim/data.ts";
import { World } from "../sim/world.ts";
import { share, sharesOf } from "./share.ts";
import { tokens } from "../sim/toy/tokens.ts";

const made = (config: Json): World =>
  World.create(share, { config: share.parse(config), epochCycles: 0 });

test("a guest on Intel receives what it was promised", () => {
  const world = made({ host: "intel", guests: [{ workload: "service" }, { cpuMaxUs: 50_000 }] });
  world.runUntil(15_000_000);
  const [service, compute] = sharesOf(world);
  expect(service?.network.received).toBeGreaterThan(0);
  expect(compute?.cpu.bound).toBe(0.5);
  expect(compute?.memory.received).toBeGreaterThan(0);
  world.release();
});

test("other worlds divide nothing", () => {
  const world = World.create(tokens, { config: tokens.parse({}) });
  expect(() => sharesOf(world)).toThrow("shares: the world is none of the kind `share`");
  world.release();
});

test.each<[Json, string]>([
  [null, "share: expected an object"],
  [{ guest: [] }, "share: nothing is called guest; there is host, cpus, bitsPerSecond, guests"],
  [{ guests: [{ workload: 1 }] }, "share: guest 0: workload is a name"],
  [{ guests: [{ workload: "dance" }] }, "workload dance: unknown; there is compute"],
  [{ guests: [{ memoryMax: -1 }] }, "share: guest 0: memoryMax is a whole number"],
  [{ guests: [{ cpuMaxUs: 1 }] }, "share: guest 0: cpuMaxUs is a whole number from 1000"],
])("%j is refused", (config, message) => {
  expect(() => share.parse(config)).toThrow(message);
});
