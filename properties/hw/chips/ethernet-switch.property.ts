/** Laws of the Ethernet switch. */

import fc from "fast-check";
import { forwardFrame, newEthernetSwitch } from "../../../src/hw/chips/ethernet-switch.ts";
import { law } from "../../support/law.ts";

const BROADCAST = -1;
const PAUSE = -2;

law("a-frame-goes-where-its-receiver-was-seen", {
  says: "A frame to an address that has sent leaves by the port it was last seen at and no other, any other frame by all ports but its own, and none goes back.",
  cites: 'IEEE Std 802.1D, "The Forwarding Process", "The Learning Process"',
  forAll: {
    ports: fc.integer({ min: 1, max: 5 }),
    frames: fc.array(
      fc.record({
        port: fc.nat(4),
        from: fc.nat(7),
        to: fc.oneof(fc.nat(7), fc.constantFrom(BROADCAST, PAUSE)),
      }),
      { maxLength: 40, size: "max" },
    ),
  },
  holds: ({ ports, frames }) => {
    const state = newEthernetSwitch(ports);
    const seenAt = new Map<number, number>();
    for (const { port, from, to } of frames) {
      const left = forwardFrame(state, port, frameOf(from, to)).join();
      // Addresses 6 and 7 are of groups.
      if (port < ports && from < 6) seenAt.set(from, port);
      const known = to >= 0 && to < 6 ? seenAt.get(to) : undefined;
      const others = Array.from({ length: ports }, (_, i) => i).filter((i) => i !== port);
      const wanted = known === undefined ? others : known === port ? [] : [known];
      const isLost = port >= ports || to === PAUSE;
      if (left !== (isLost ? "" : wanted.join()))
        throw new Error(`from ${from} to ${to} by ${left}`);
    }
  },
});

law("a-switch-stays-small", {
  says: "However many addresses send, a switch keeps a bounded number, the last among them.",
  cites: 'IEEE Std 802.1D, "The Filtering Database"',
  forAll: { count: fc.integer({ min: 1, max: 600 }), short: fc.nat(13) },
  runs: 20,
  holds: ({ count, short }) => {
    const state = newEthernetSwitch(3);
    forwardFrame(state, 1, frameOf(6, 0));
    if (state.learned.length > 0) throw new Error("it has learned a group");
    for (let i = 0; i < count; i += 1) forwardFrame(state, i % 2, frameOf(0x100 + i, 0));
    return (
      state.learned.length <= 256 &&
      forwardFrame(state, 2, frameOf(0, 0x100 + count - 1)).join() === String((count - 1) % 2) &&
      forwardFrame(state, 2, new Uint8Array(short)).length === 0
    );
  },
});

// Helpers

function frameOf(from: number, to: number): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set(addressOf(to), 0);
  frame.set(addressOf(from), 6);
  return frame;
}

function addressOf(station: number): number[] {
  if (station === PAUSE) return [0x01, 0x80, 0xc2, 0, 0, 1];
  if (station === BROADCAST) return [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  return [station === 6 || station === 7 ? 3 : 2, 0, 0, 0, station >> 8, station & 0xff];
}
