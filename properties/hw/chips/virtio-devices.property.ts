/** Laws of virtio's network, console, entropy and balloon devices under a driver that keeps the rules. */

import fc from "fast-check";
import { virtioBalloon } from "../../../src/hw/chips/virtio/balloon.ts";
import { virtioConsole } from "../../../src/hw/chips/virtio/console.ts";
import type { VirtioDevice } from "../../../src/hw/chips/virtio/device.ts";
import { virtioEntropy } from "../../../src/hw/chips/virtio/entropy.ts";
import { receiveFrame, virtioNetwork } from "../../../src/hw/chips/virtio/network.ts";
import { law } from "../../support/law.ts";
import { Pair } from "../../support/queue-pair.ts";
import { type TransportName, TRANSPORTS } from "../../support/virtio.ts";

law("frames-go-out-as-they-were-sent", {
  says: "Each frame that the driver sends, however its buffers are cut, goes out once, in order, without its header.",
  cites: 'VIRTIO 1.2, "Packet Transmission"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    frames: fc.array(anyBytes(1, 1518), { minLength: 1, maxLength: 6 }),
    cuts: anyCuts(),
  },
  holds: ({ transport, frames, cuts }) => {
    const sent: string[] = [];
    const pair = pairOf(
      transport,
      network((frame) => sent.push(frame.join())),
      0,
    );
    for (const frame of frames)
      pair.send(1, [...Array.from({ length: 12 }, () => 0), ...frame], cuts);
    pair.kick(1);
    const sources = pair.transport.takeInterrupts().join();
    if (sources !== (transport === "PCI" ? "1" : "0")) throw new Error(`told of ${sources}`);
    if (pair.given(1).some(({ length }) => length !== 0)) return false;
    pair.send(
      1,
      Array.from({ length: 12 + 1519 }, () => 0),
      [],
    );
    pair.kick(1);
    return sent.join(";") === frames.map((frame) => frame.join()).join(";");
  },
});

law("frames-come-in-where-there-is-room", {
  says: "A frame is put behind its header into one buffer, or, if the driver agreed, into as many as it takes, whose number the header says; it is lost exactly when they are too small, and then takes none.",
  cites: 'VIRTIO 1.2, "Processing of Incoming Packets"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    isMerged: fc.boolean(),
    buffers: fc.array(fc.oneof(fc.integer({ min: 12, max: 300 }), fc.constant(1600)), {
      maxLength: 8,
    }),
    frames: fc.array(anyBytes(14, 700), { maxLength: 6 }),
    isUp: fc.boolean(),
  },
  runs: 200,
  holds: ({ transport, isMerged, buffers, frames, isUp }) => {
    const pair = pairOf(
      transport,
      network(() => {}),
      isMerged ? 2 ** 15 + 2 ** 16 : 0,
    );
    for (const size of buffers) pair.room(0, size);
    pair.kick(0);
    if (!isUp) pair.input("link", 0);
    if ((pair.transport.configuration(6) & 1) !== (isUp ? 1 : 0))
      throw new Error("the link is not so");
    const left = [...buffers];
    for (const frame of frames) {
      const isTaken = pair.transport.act((port) => receiveFrame(port, Uint8Array.from(frame)));
      const used: number[] = [];
      let rest = 12 + frame.length;
      for (const size of isUp ? left.slice(0, isMerged ? left.length : 1) : []) {
        if (rest <= 0) break;
        used.push(Math.min(size, rest));
        rest -= size;
      }
      const fits = isUp && rest <= 0;
      const given = pair.given(0);
      if (isTaken !== fits) throw new Error(`taken: ${isTaken}`);
      if (!fits) {
        if (given.length > 0) throw new Error("a lost frame used buffers");
        continue;
      }
      left.splice(0, used.length);
      const lengths = given.map(({ length }) => length).join();
      if (lengths !== used.join()) throw new Error(`used ${lengths}, not ${used.join()}`);
      const bytes = given.flatMap((one) => one.bytes);
      const header = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, used.length, 0];
      if (bytes.join() !== [...header, ...frame].join()) throw new Error("other bytes came in");
    }
  },
});

law("a-console-loses-no-order", {
  says: "What comes in fills the driver's buffers in order, waiting until there are any; what goes out goes out in order.",
  cites: 'VIRTIO 1.2, "Console Device"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    steps: fc.array(
      fc.oneof(
        anyBytes(1, 12).map((bytes) => ({ kind: "in" as const, bytes, size: 0 })),
        fc.nat(9).map((size) => ({ kind: "room" as const, bytes: [], size })),
        anyBytes(0, 30).map((bytes) => ({ kind: "out" as const, bytes, size: 0 })),
      ),
      { maxLength: 20, size: "max" },
    ),
    cuts: anyCuts(),
  },
  holds: ({ transport, steps, cuts }) => {
    const out: number[] = [];
    const kind = virtioConsole({ columns: 80, rows: 25, transmit: (bytes) => out.push(...bytes) });
    const pair = pairOf(transport, kind, 0);
    const wanted: number[] = [];
    const sent: number[] = [];
    const got: number[] = [];
    let room = 0;
    let count = 0;
    for (const { kind: what, bytes, size } of steps) {
      if (what === "in") {
        for (const byte of bytes) pair.input("rx", byte);
        wanted.push(...bytes);
      } else if (what === "room") {
        pair.room(0, size);
        pair.kick(0);
        count += size;
      } else {
        pair.send(1, bytes, cuts);
        pair.kick(1);
        sent.push(...bytes);
      }
      for (const one of pair.given(0)) {
        got.push(...one.bytes);
        room += one.size;
      }
      pair.given(1);
    }
    const isWaiting = got.length < wanted.length;
    if (isWaiting && room < count) throw new Error("bytes wait although there is room");
    return out.join() === sent.join() && got.join() === wanted.slice(0, got.length).join();
  },
});

law("entropy-fills-what-it-is-given", {
  says: "Each buffer of the entropy device comes back with bytes of the board's choice, in their order, and no more than it holds.",
  cites: 'VIRTIO 1.2, "Entropy Device"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    sizes: fc.array(fc.oneof(fc.nat(100), fc.constant(5000)), { minLength: 1, maxLength: 8 }),
  },
  holds: ({ transport, sizes }) => {
    let next = 0;
    const kind = virtioEntropy((size) => Uint8Array.from({ length: size }, () => next++ & 0xff));
    const pair = pairOf(transport, kind, 0);
    for (const size of sizes) pair.room(0, size);
    pair.kick(0);
    const given = pair.given(0);
    const bytes = given.flatMap((one) => one.bytes);
    return (
      given.every(
        ({ length, size }, i) => size === sizes[i] && length <= size && length >= Math.min(size, 1),
      ) &&
      given.length === sizes.length &&
      bytes.every((byte, i) => byte === (i & 0xff))
    );
  },
});

law("a-balloon-tells-its-pages", {
  says: "The board hears of the pages that the driver gives and takes back, in order, and each side reads what the other says of their number.",
  cites: 'VIRTIO 1.2, "Traditional Memory Balloon Device"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    buffers: fc.array(
      fc.record({ queue: fc.nat(1), pages: fc.array(fc.nat(0xffff_ffff), { maxLength: 20 }) }),
      { maxLength: 6 },
    ),
    wanted: fc.nat(0xffff_ffff),
    cuts: anyCuts(),
  },
  holds: ({ transport, buffers, wanted, cuts }) => {
    const heard: string[] = [];
    const kind = virtioBalloon({
      inflated: (pages) => heard.push(`0 ${pages.join()}`),
      deflated: (pages) => heard.push(`1 ${pages.join()}`),
    });
    const pair = pairOf(transport, kind, 0);
    pair.transport.takeInterrupts();
    pair.input("wanted", wanted);
    if (pair.transport.takeInterrupts().join() !== "-1") throw new Error("the driver is not told");
    const number = [0, 1, 2, 3].reduce(
      (sum, i) => sum + pair.transport.configuration(i) * 256 ** i,
      0,
    );
    for (const { queue, pages } of buffers) {
      const bytes = pages.flatMap((page) => [0, 8, 16, 24].map((shift) => (page >>> shift) & 0xff));
      pair.send(queue, bytes, cuts);
      pair.kick(queue);
    }
    const said = buffers.map(({ queue, pages }) => `${queue} ${pages.join()}`);
    return number === wanted && heard.join(";") === said.join(";");
  },
});

law("a-balloon-keeps-the-last-statistics", {
  says: "The device knows the statistics of the driver's last buffer, holds that buffer back until it is asked to refresh, and gives every earlier one back.",
  cites: 'VIRTIO 1.2, "Memory Statistics"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    buffers: fc.array(
      fc.tuple(
        fc.array(fc.tuple(fc.nat(0xffff), fc.nat(2 ** 31 - 1)), { maxLength: 20 }),
        fc.boolean(),
      ),
      { maxLength: 6 },
    ),
    cuts: anyCuts(),
  },
  holds: ({ transport, buffers, cuts }) => {
    const ignore = (): void => undefined;
    const pair = pairOf(transport, virtioBalloon({ inflated: ignore, deflated: ignore }), 2);
    let held = 0;
    for (const [statistics, isRefreshed] of buffers) {
      const bytes = statistics.flatMap(([tag, value]) => [...word(tag, 2), ...word(value, 8)]);
      pair.send(STATISTICS, bytes, cuts);
      pair.kick(STATISTICS);
      const back = held + Number(isRefreshed);
      held = Number(!isRefreshed);
      if (isRefreshed) pair.input("refresh", 0);
      const told = pair.transport.act(({ device }) =>
        device.statistics.map((one) => one.join(" ")),
      );
      if (told.join() !== statistics.map((one) => one.join(" ")).join()) return false;
      if (pair.given(STATISTICS).length !== back) return false;
    }
    return true;
  },
});

// Helpers

const STATISTICS = 2;

const word = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);

function anyBytes(minLength: number, maxLength: number): fc.Arbitrary<number[]> {
  return fc
    .tuple(fc.integer({ min: minLength, max: maxLength }), fc.nat(255))
    .map(([length, seed]) => Array.from({ length }, (_, i) => (seed + 7 * i + (i >> 5)) & 0xff));
}

function anyCuts(): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(1600), { maxLength: 4 });
}

const network = (transmit: (frame: Uint8Array) => void) =>
  virtioNetwork({ mac: [2, 0, 0, 0, 0, 1], transmit });

const pairOf = <Device extends object>(
  transport: TransportName,
  kind: VirtioDevice<Device>,
  features: number,
): Pair<Device> => new Pair(transport, kind, features);
