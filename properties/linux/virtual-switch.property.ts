/** Laws of the host's network in its world. */

import fc from "fast-check";
import { networkOf } from "../../src/linux/net/parameters.ts";
import { FRAME_LEFT, VirtualSwitch } from "../../src/linux/net/virtual-switch.ts";
import { InputError } from "../../src/sim/assert.ts";
import type { Blueprint } from "../../src/sim/blueprint.ts";
import type { Json } from "../../src/sim/data.ts";
import type { FaultPlan } from "../../src/sim/faults.ts";
import type { Cell } from "../../src/sim/snapshot.ts";
import { World } from "../../src/sim/world.ts";
import { law } from "../support/law.ts";
import { BROADCAST, frameOf, idOf } from "../support/net.ts";

const TAPS = 3;
const END = 50_000_000;

const scene = {
  frames: fc.array(
    fc.record({
      time: fc.nat(2_000_000),
      tap: fc.nat(TAPS - 1),
      bytes: fc.constantFrom(60, 1000, 1514),
    }),
    { minLength: 1, maxLength: 25, size: "max" as const },
  ),
  rates: fc.array(fc.option(fc.constantFrom(1_000_000, 100_000_000), { nil: null }), {
    minLength: TAPS,
    maxLength: TAPS,
  }),
};

law("a-frame-that-is-lost-is-in-the-plan", {
  says: "Of the frames that guests send to all, every other tap and the cable's far end get each one once; a plan that takes frames from one cable takes as many as it says, and from no other.",
  cites: "DESIGN, Faults: real bugs, switchable",
  forAll: { ...scene, cable: fc.nat(TAPS), lost: fc.nat(4), from: fc.nat(2_000_000) },
  holds: ({ lost, from, cable, ...given }) => {
    const target = cable === TAPS ? "switch.uplink" : `switch.tap${cable}`;
    const plan = [
      { time: from, target, kind: "loss", ...(lost === 1 ? {} : { detail: { frames: lost } }) },
    ];
    const quiet = run(given, []);
    const { got } = run(given, lost === 0 ? [] : plan);
    const complete = [...got.keys()].every((port) => {
      const wanted = given.frames.flatMap(({ tap }, id) => (tap === port ? [] : [id]));
      return inOrder(quiet.got[port]) === inOrder(wanted);
    });
    const missing = got.map((ids, port) => (quiet.got[port]?.length ?? 0) - ids.length);
    return (
      complete && missing.every((count, port) => (port === cable ? count <= lost : count === 0))
    );
  },
});

law("a-switch-goes-on-from-its-snapshot", {
  says: "A world whose network is in the middle of its work goes on the same from a snapshot, and in a fork.",
  cites: "DESIGN, State is data",
  forAll: { ...scene, at: fc.nat(3_000_000) },
  runs: 50,
  holds: ({ at, ...given }) => {
    const plan = [{ time: 5, target: "switch.tap1", kind: "reorder", detail: { for: 900_000 } }];
    const first = newWorld(given, plan).world;
    first.runUntil(at);
    const snapshot = first.snapshot();
    const fork = first.fork();
    first.runUntil(END);
    const wanted = first.digest();
    first.restore(snapshot);
    return [first, fork].every((world) => {
      world.runUntil(END);
      return world.digest() === wanted;
    });
  },
});

law("a-limit-set-while-guests-run-holds", {
  says: "After an administrator has limited what a guest may be sent, no more than the burst and what the rate gives arrives in any time.",
  cites: "Linux, tc(8), tc-tbf(8)",
  forAll: {
    ...scene,
    at: fc.nat(1_000_000),
    bytesPerSecond: fc.constantFrom(1_000_000, 77_000_000),
  },
  holds: ({ at, bytesPerSecond, ...given }) => {
    const { world, arrivals } = newWorld(given, []);
    world.runUntil(at);
    const limit = { bytesPerSecond, burstBytes: 2000, limitBytes: 100_000 };
    const settled = arrivals.length;
    world.input("switch", "limit", { tap: 0, inbound: limit });
    world.input("switch", "weight", { tap: 0, weight: 3 });
    world.runUntil(END);
    // What was on its way already is no longer held up.
    const later = arrivals
      .slice(settled)
      .filter(({ port, time }) => port === 0 && time > at + 10_000);
    return later.every((first, i) => {
      let bytes = 0;
      return later.slice(i).every(({ time, size }) => {
        bytes += size;
        return (bytes - 2000) * 1e9 <= bytesPerSecond * (time - first.time);
      });
    });
  },
});

law("a-network-is-what-was-said-or-refused", {
  says: "Whatever is given as a network, a limit, a weight or a frame from outside, it is taken, or refused with one line that names the place; a frame that was taken comes out or is counted.",
  cites: "DESIGN, What bad input gets",
  forAll: {
    kind: fc.constantFrom("weight", "limit", "weight", "receive", "network"),
    payload: fc.oneof(
      fc.jsonValue() as fc.Arbitrary<Json>,
      fc.record(
        {
          tap: fc.integer({ min: -1, max: TAPS }),
          weight: fc.integer({ min: -1, max: 1001 }),
          inbound: fc.constantFrom(null, {}, 5, { bytesPerSecond: 0 }) as fc.Arbitrary<Json>,
          taps: fc.constantFrom([], [{}], [{}, {}, {}, {}], {}) as fc.Arbitrary<Json>,
          latency: fc.constantFrom(0, -1, 0.5),
          vlans: fc.constantFrom({ pvid: 0 }, { tagged: [4095] }, {}) as fc.Arbitrary<Json>,
        },
        { requiredKeys: [] },
      ) as fc.Arbitrary<Json>,
      fc.record({ tap: fc.nat(1), weight: fc.integer({ min: -1, max: 3 }) }),
      fc.record({ tap: fc.nat(1), weight: fc.nat(1), more: fc.constant(1) }),
      fc.array(fc.integer({ min: -1, max: 256 }), { maxLength: 30 }),
      fc.uint8Array({ maxLength: 1600 }).map((bytes) => [...bytes]),
    ),
  },
  runs: 400,
  holds: ({ kind, payload }) => {
    const { world } = newWorld({ frames: [], rates: [] }, []);
    const isWrong = kind === "weight" && !isWeight(payload);
    try {
      if (kind === "network") networkOf(payload, TAPS, "a network");
      else world.input("switch", kind, payload);
    } catch (error) {
      const isClear = error instanceof InputError && !error.message.includes("\n");
      return isClear && error.message.startsWith(kind === "network" ? "a network" : "switch");
    }
    world.runUntil(1000);
    return !isWrong;
  },
});

// Helpers

function isWeight(payload: Json): boolean {
  const { tap, weight, ...rest } = (payload ?? {}) as { readonly [key: string]: Json };
  const isWithin = (value: Json | undefined, least: number, most: number): boolean =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return isWithin(tap, 0, TAPS - 1) && isWithin(weight, 1, 1000) && Object.keys(rest).length === 0;
}

interface Scene {
  readonly frames: readonly {
    readonly time: number;
    readonly tap: number;
    readonly bytes: number;
  }[];
  readonly rates: readonly (number | null)[];
}

interface Arrival {
  readonly port: number;
  readonly id: number;
  readonly size: number;
  readonly time: number;
}

/** Stations that send at their times; what arrives is noted outside the world. */
function newWorld(
  { frames, rates }: Scene,
  faults: FaultPlan,
): { world: World; arrivals: Arrival[] } {
  const arrivals: Arrival[] = [];
  const taps = rates.map((bytesPerSecond) => ({
    outbound:
      bytesPerSecond === null ? null : { bytesPerSecond, burstBytes: 4000, limitBytes: 100_000 },
  }));
  const blueprint: Blueprint<null> = {
    name: "switch",
    version: 1,
    parse: () => null,
    images: () => [],
    build: (world) => {
      const seen: Cell<number[]> = world.registry.plain<number[]>("stations", []);
      const made = new VirtualSwitch(
        world,
        "switch",
        networkOf({ taps }, TAPS, "n"),
        (port, frame) => {
          arrivals.push({ port, id: idOf(frame), size: frame.length, time: world.now });
          seen.value.push(idOf(frame));
        },
      );
      world.add({
        name: "stations",
        handlers: {
          send: (payload) => {
            const { tap, bytes } = frames[payload as number] ?? { tap: 0, bytes: 0 };
            const id = payload as number;
            made.transmit(tap, frameOf({ from: tap, to: BROADCAST, id, bytes }));
          },
        },
      });
    },
    start: (world) => {
      frames.forEach(({ time }, id) => world.post(time, "stations", "send", id));
    },
  };
  const world = World.create(blueprint, { config: null, faults });
  world.trace.attach({
    event: ({ type, fields, time }) => {
      if (type.name !== FRAME_LEFT.name) return;
      const bytes = String(fields["frame"]).match(/../g) ?? [];
      const frame = Uint8Array.from(bytes, (digits) => Number.parseInt(digits, 16));
      arrivals.push({ port: TAPS, id: idOf(frame), size: frame.length, time });
    },
  });
  return { world, arrivals };
}

function run(given: Scene, faults: FaultPlan): { readonly got: readonly number[][] } {
  const { world, arrivals } = newWorld(given, faults);
  world.runUntil(END);
  const got = Array.from({ length: TAPS + 1 }, (_, port) =>
    arrivals.filter((one) => one.port === port).map(({ id }) => id),
  );
  return { got };
}

const inOrder = (ids: readonly number[] | undefined): string =>
  (ids ?? []).toSorted((a, b) => a - b).join();
