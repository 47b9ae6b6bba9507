/** Laws of the bridge: where frames go. */

import fc from "fast-check";
import { forwardFrame, newBridge, ONE_VLAN, type PortVlans } from "../../src/linux/net/bridge.ts";
import { AGEING } from "../../src/linux/net/fdb.ts";
import { law } from "../support/law.ts";
import { anyVlans, BROADCAST, frameOf, GROUPS, PAUSE } from "../support/net.ts";

law("a-frame-goes-where-its-receiver-was-seen", {
  says: "A frame leaves by the port at which its receiver was last seen in its VLAN within the ageing time, else by all ports of the VLAN but its own; with a tag where the VLAN is tagged and without where it is not; otherwise as it came.",
  cites:
    'IEEE Std 802.1Q, "The Forwarding Process", "The Learning Process"; Linux, Documentation/networking/bridge.rst',
  forAll: {
    ports: fc.array(fc.oneof(fc.constant(ONE_VLAN), anyVlans()), { minLength: 1, maxLength: 5 }),
    frames: fc.array(
      fc.record({
        gap: fc.constantFrom(0, 1, AGEING / 2, AGEING, AGEING + 1),
        port: fc.nat(4),
        from: fc.nat(GROUPS + 1),
        to: fc.oneof(fc.nat(GROUPS + 1), fc.constantFrom(BROADCAST, PAUSE)),
        tag: fc.option(fc.tuple(fc.nat(7), fc.nat(4)), { nil: null }),
      }),
      { maxLength: 40, size: "max" },
    ),
  },
  runs: 400,
  holds: ({ ports, frames }) => {
    const bridge = newBridge(ports);
    const seenAt = new Map<string, { port: number; time: number }>();
    let now = 0;
    for (const { gap, port, from, to, tag } of frames) {
      now += gap;
      const source = ports[port];
      const vlan = tag === null || tag[1] === 0 ? (source?.pvid ?? 0) : tag[1];
      const left = forwardFrame(bridge, port, frameOf({ from, to, tag }), now);
      const isTaken = source !== undefined && isMember(source, vlan);
      if (isTaken && from < GROUPS) seenAt.set(`${vlan} ${from}`, { port, time: now });
      const seen = to < GROUPS ? seenAt.get(`${vlan} ${to}`) : undefined;
      const isKnown = seen !== undefined && now - seen.time <= AGEING;
      const isPast = (i: number): boolean => isTaken && to !== PAUSE && i !== port;
      const wanted = ports.flatMap((other, i) =>
        isPast(i) && isMember(other, vlan) && (!isKnown || seen.port === i)
          ? [`${i} ${frameOf({ from, to, tag: formOf(other, vlan, tag?.[0] ?? 0) }).join()}`]
          : [],
      );
      const got = left.map((out) => `${out.port} ${out.frame.join()}`);
      if (got.join("|") !== wanted.join("|"))
        throw new Error(
          `from ${from} to ${to} at ${port}: ${got.join(" | ")}, not ${wanted.join(" | ")}`,
        );
    }
  },
});

law("a-bridge-stays-small", {
  says: "However many addresses send, a bridge keeps a bounded number; what goes to one that it does not keep goes to all ports; and it takes nothing that is too short or too long for a frame.",
  cites: 'IEEE Std 802.1Q, "The Filtering Database"',
  forAll: {
    count: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 4000, max: 4200 })),
    short: fc.nat(13),
  },
  runs: 20,
  holds: ({ count, short }) => {
    const bridge = newBridge([ONE_VLAN, ONE_VLAN, ONE_VLAN]);
    forwardFrame(bridge, 1, frameOf({ from: GROUPS, to: 0 }), 0);
    if (bridge.fdb.count > 0) throw new Error("it has learned a group");
    for (let i = 0; i < count; i += 1)
      forwardFrame(bridge, i % 2, frameOf({ from: 0x100 + i, to: 0 }), i);
    const last = frameOf({ from: 0, to: 0x100 + count - 1 });
    const tagOnly = Uint8Array.of(...last.subarray(0, 12), 0x81, 0, 0);
    const ports = forwardFrame(bridge, 2, last, count).map(({ port }) => port);
    const isKept = count <= MOST;
    return (
      Object.keys(bridge.fdb.entries).length === Math.min(count + 1, MOST) &&
      ports.join() === (isKept ? String((count - 1) % 2) : "0,1") &&
      forwardFrame(bridge, 2, new Uint8Array(short), count).length === 0 &&
      forwardFrame(bridge, 2, tagOnly, count).length === 0 &&
      forwardFrame(bridge, 2, frameOf({ from: 0, to: 1, bytes: 1514 }), count).length === 2 &&
      forwardFrame(bridge, 2, frameOf({ from: 0, to: 1, bytes: 1515 }), count).length === 0 &&
      bridge.refused === 3
    );
  },
});

// Helpers

/** Addresses that a bridge keeps. */
const MOST = 4096;

const isMember = ({ untagged, tagged }: PortVlans, vlan: number): boolean =>
  [...untagged, ...tagged].includes(vlan);

const formOf = (
  { untagged }: PortVlans,
  vlan: number,
  priority: number,
): readonly [number, number] | null => (untagged.includes(vlan) ? null : [priority, vlan]);
