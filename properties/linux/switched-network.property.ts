/** Laws of the network inside a host as a whole. */

import fc from "fast-check";
import {
  type Delivery,
  newSwitchedNetwork,
  networkDeadline,
  type NetworkParameters,
  receive,
  settle,
  type SwitchedNetwork,
  transmit,
  UPLINK,
} from "../../src/linux/net/switched-network.ts";
import { firstDifference } from "../../src/sim/data.ts";
import { law } from "../support/law.ts";
import { anyGap, anyNetwork, anySize, BROADCAST, frameOf, idOf } from "../support/net.ts";

const anySteps = () =>
  fc.array(
    fc.record({
      gap: anyGap(),
      from: fc.nat(4),
      to: fc.oneof(fc.nat(4), fc.constant(BROADCAST)),
      bytes: anySize(),
      fault: fc.option(
        fc.record({
          kind: fc.constantFrom("loss" as const, "delay" as const, "reorder" as const),
          frames: fc.integer({ min: 1, max: 3 }),
          by: fc.constantFrom(100, 50_000),
        }),
        { nil: null, freq: 10 },
      ),
    }),
    { minLength: 1, maxLength: 40, size: "max" },
  );

law("no-frame-is-made-on-the-way", {
  says: "Each frame arrives at most once at a port, at none but those that its bridge sends it to, with its bytes unchanged and, while the fault plan lets none be overtaken, behind those sent before it by the same way; in the end nothing waits.",
  cites: "DESIGN, Faults: real bugs, switchable; Linux, Documentation/networking/bridge.rst",
  forAll: { network: anyNetwork(), steps: anySteps() },
  runs: 300,
  holds: ({ network: parameters, steps }) => {
    const { network, sent, out } = carry(parameters, steps);
    check(
      parameters,
      sent,
      out,
      steps.some(({ fault }) => fault?.kind === "reorder"),
    );
    return networkDeadline(network) === null;
  },
});

law("every-frame-is-accounted-for", {
  says: "A frame to all arrives at every port but its own, or is counted: as dropped before the bridge, dropped by a full queue behind it, or lost by the fault plan.",
  cites: "DESIGN, Faults: real bugs, switchable; Linux, Documentation/networking/statistics.rst",
  forAll: { network: anyNetwork(), steps: anySteps() },
  runs: 200,
  holds: ({ network: parameters, steps }) => {
    const toAll = steps.map((step) => ({ ...step, to: BROADCAST }));
    const { network, sent, out } = carry(parameters, toAll);
    const { taps, uplink } = network;
    const copies = taps.length + (uplink === null ? 0 : 1) - 1;
    const before = total(taps, ({ outbound }) => outbound.dropped);
    const behind =
      total(taps, ({ inbound }) => inbound.dropped) +
      total(uplink?.queue.queues ?? [], ({ dropped }) => dropped);
    const lost = total([...taps, ...optional(uplink)], ({ wire }) => wire.lost);
    return out.length === (sent.length - before) * copies - behind - lost;
  },
});

law("the-steps-of-time-change-nothing", {
  says: "A network that is let go on in one step delivers the same at the same times as one that is stopped on the way and copied.",
  cites: "DESIGN, State is data; Time, order, randomness",
  forAll: {
    network: anyNetwork(),
    steps: anySteps(),
    stops: fc.array(anyGap(), { maxLength: 5 }),
  },
  holds: ({ network: parameters, steps, stops }) => {
    const first = newSwitchedNetwork(parameters);
    let now = 0;
    steps.forEach(({ gap, from, to, bytes }, id) => {
      now += gap;
      settle(first, now);
      transmit(first, from, frameOf({ from, to, id, bytes }), now);
    });
    let second: SwitchedNetwork = structuredClone(first);
    const whole = settle(first, Number.MAX_SAFE_INTEGER);
    const parts: Delivery[] = [];
    for (const stop of stops) {
      now += stop;
      parts.push(...settle(second, now));
      second = structuredClone(second);
    }
    parts.push(...settle(second, Number.MAX_SAFE_INTEGER));
    const difference = firstDifference(
      whole.map((one) => ({ ...one })),
      parts.map((one) => ({ ...one })),
    );
    if (difference !== null) throw new Error(`${difference.path} differs`);
  },
});

// Helpers

interface Sent {
  readonly from: number;
  readonly to: number;
  readonly frame: Uint8Array;
}

const optional = <T>(value: T | null): readonly T[] => (value === null ? [] : [value]);

const total = <T>(items: readonly T[], count: (item: T) => number): number =>
  items.reduce((sum, item) => sum + count(item), 0);

type Step = ReturnType<typeof anySteps> extends fc.Arbitrary<(infer S)[]> ? S : never;

interface Carried {
  readonly network: SwitchedNetwork;
  readonly sent: readonly Sent[];
  readonly out: readonly Delivery[];
}

/** Sends all of it at its times, and lets the network come to rest. */
function carry(parameters: NetworkParameters, steps: readonly Step[]): Carried {
  const network = newSwitchedNetwork(parameters);
  const { taps, uplink } = network;
  const out: Delivery[] = [];
  const sent: Sent[] = [];
  let now = 0;
  steps.forEach(({ gap, from, to, bytes, fault }, id) => {
    now += gap;
    out.push(...settle(network, now));
    if (from >= taps.length + (uplink === null ? 0 : 1)) return;
    if (fault !== null)
      for (const { wire } of [...taps, ...optional(uplink)])
        wire.disturbances[fault.kind] = { frames: fault.frames, until: Infinity, by: fault.by };
    const frame = frameOf({ from, to, id, bytes });
    sent.push({ from, to, frame });
    if (from === taps.length) receive(network, frame);
    else transmit(network, from, frame, now);
  });
  out.push(...settle(network, Number.MAX_SAFE_INTEGER));
  return { network, sent, out };
}

/** Nothing comes twice, back, changed, or before what was sent earlier by the same way. */
function check(
  parameters: NetworkParameters,
  sent: readonly Sent[],
  out: readonly Delivery[],
  mayOvertake: boolean,
): void {
  const byId = new Map(sent.map((one) => [idOf(one.frame), one]));
  const seen = new Set<string>();
  const last = new Map<string, number>();
  let time = 0;
  for (const { port, frame, at } of out) {
    const id = idOf(frame);
    const one = byId.get(id);
    const number = port === UPLINK ? parameters.taps.length : port;
    if (one === undefined || one.from === number || one.frame.join() !== frame.join())
      throw new Error(`frame ${id} at ${port} is none that was sent there`);
    if (seen.has(`${id} ${port}`)) throw new Error(`frame ${id} comes twice to ${port}`);
    seen.add(`${id} ${port}`);
    if (at < time) throw new Error("time goes back");
    time = at;
    const way = `${one.from} ${port}`;
    if (!mayOvertake && id < (last.get(way) ?? -1)) throw new Error(`frame ${id} was overtaken`);
    last.set(way, Math.max(id, last.get(way) ?? -1));
  }
}
