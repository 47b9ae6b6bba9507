/** Laws of virtio devices under a driver that keeps no rule. */

import fc from "fast-check";
import { virtioEntropy } from "../../../src/hw/chips/virtio/entropy.ts";
import { law } from "../../support/law.ts";
import {
  anyMischief,
  DATA,
  type Descriptor,
  HostileDriver,
  type Mischief,
  TABLES,
  VICTIMS,
} from "../../support/hostile-driver.ts";
import { Pair } from "../../support/queue-pair.ts";
import { TRANSPORTS } from "../../support/virtio.ts";

const describe = (at: number, descriptor: Descriptor): Mischief => ({
  kind: "describe",
  queue: 0,
  at,
  descriptor,
});

const table = (at: number, descriptor: Descriptor): Mischief => ({ kind: "table", at, descriptor });

const extent = (flags: number, next: number): Descriptor => ({
  address: DATA,
  length: 8,
  flags,
  next,
});

const indirect = (entries: number, flags = 4): Descriptor => ({
  address: TABLES,
  length: 16 * entries,
  flags,
  next: 1,
});

/** Chains through all of an indirect table. */
const longTable = (entries: number): Mischief[] =>
  Array.from({ length: entries }, (_, i) => table(i, extent(i + 1 < entries ? 3 : 2, i + 1)));

/** What to describe before head 0 is offered; the queue has 8 descriptors. */
const BREACHES: Readonly<Record<string, readonly Mischief[]>> = {
  "good: as many as the queue has": Array.from({ length: 8 }, (_, i) =>
    describe(i, extent(i < 7 ? 3 : 2, i + 1)),
  ),
  "good: a table of as many": [describe(0, indirect(8)), ...longTable(8)],
  "good: read, then write": [describe(0, extent(1, 1)), describe(1, extent(2, 0))],
  "good: a table behind others": [
    describe(0, extent(1, 1)),
    describe(1, indirect(1)),
    ...longTable(1),
  ],
  "a loop": [describe(0, extent(3, 1)), describe(1, extent(3, 0))],
  "no such descriptor": [describe(0, extent(3, 8))],
  "no such entry of a table": [
    describe(0, indirect(1)),
    table(0, extent(3, 1)),
    table(1, extent(2, 0)),
  ],
  "write, then read": [describe(0, extent(3, 1)), describe(1, extent(0, 0))],
  "a table that was not agreed on": [
    { kind: "begin", features: 0, queue: 0, strays: [] },
    describe(0, indirect(1)),
    ...longTable(1),
  ],
  "a table in a table": [describe(0, indirect(1)), table(0, indirect(1)), ...longTable(0)],
  "a table with more behind": [
    describe(0, indirect(1, 5)),
    ...longTable(1),
    describe(1, extent(2, 0)),
  ],
  "a table of half an entry": [describe(0, { ...indirect(1), length: 24 }), ...longTable(1)],
  "an empty table": [describe(0, indirect(0)), ...longTable(1)],
  "more than the queue has": [describe(0, indirect(9)), ...longTable(9)],
  "a table that is no RAM": [describe(0, { ...indirect(1), address: 2 ** 40 })],
  "a buffer that is no RAM": [describe(0, { ...extent(2, 0), address: 2 ** 63 })],
  "a buffer that ends beyond RAM": [describe(0, { ...extent(2, 0), address: 0xffff })],
  "more heads than the queue has": [{ kind: "jump", queue: 0, value: 8 }],
};

law("no-driver-leads-a-device-astray", {
  says: "Whatever a driver writes to memory and registers, the device does not throw, writes only used rings and what descriptors name as writable, and says that it wrote no more than there is room for.",
  cites: 'VIRTIO 1.2, "Split Virtqueues", "Security Considerations"',
  forAll: {
    victim: fc.constantFrom(...Object.keys(VICTIMS)),
    transport: fc.constantFrom(...TRANSPORTS),
    steps: anyMischief(),
  },
  runs: 1500,
  holds: ({ victim, transport, steps }) => {
    const driver = new HostileDriver(victim, transport).run(steps);
    const text = JSON.stringify(driver.transport.hosted.cell.value);
    if (text.length > 10_000) throw new Error(`the state has grown to ${text.length} characters`);
  },
});

law("every-breach-breaks-the-device", {
  says: "A chain that the specification forbids makes the device need a reset, and one just within its bounds does not.",
  cites:
    'VIRTIO 1.2, "The Virtqueue Descriptor Table", "Indirect Descriptors", "The Virtqueue Available Ring"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    breach: fc.constantFrom(...Object.keys(BREACHES)),
  },
  holds: ({ transport, breach }) => {
    const driver = new HostileDriver("entropy", transport);
    driver.run([
      ...(BREACHES[breach] ?? []),
      { kind: "offer", queue: 0, head: 0 },
      { kind: "notify", value: 0, at: 0 },
    ]);
    const isBroken = (driver.transport.status() & 64) !== 0;
    if (isBroken === breach.startsWith("good")) throw new Error(`broken: ${isBroken}`);
  },
});

law("a-request-has-header-and-status", {
  says: "A block request without a whole header or without a byte for its status breaks the device, and so do more requests on their way than the queue has descriptors.",
  cites: 'VIRTIO 1.2, "Block Device": "Device Operation"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    headerBytes: fc.integer({ min: 14, max: 18 }),
    statusBytes: fc.nat(2),
    count: fc.integer({ min: 1, max: 10 }),
  },
  holds: ({ transport, headerBytes, statusBytes, count }) => {
    const driver = new HostileDriver("block", transport);
    const step = (at: number, length: number, flags: number): Mischief =>
      describe(at, { address: DATA + 128 * at, length, flags, next: 1 });
    driver.run([step(0, headerBytes, statusBytes > 0 ? 1 : 0), step(1, statusBytes, 2)]);
    for (let i = 0; i < count; i += 1)
      driver.run([
        { kind: "offer", queue: 0, head: 0 },
        { kind: "notify", value: 0, at: 0 },
      ]);
    driver.run([{ kind: "pass", value: 50, at: 0 }]);
    const isGood = headerBytes >= 16 && statusBytes > 0 && count <= 8;
    return (driver.transport.status() & 64) === (isGood ? 0 : 64);
  },
});

law("a-device-comes-to-an-end", {
  says: "A device that writes the available ring itself serves no more chains in one access than its queue holds.",
  cites: 'VIRTIO 1.2, "The Virtqueue Available Ring"',
  forAll: { transport: fc.constantFrom(...TRANSPORTS) },
  runs: 3,
  holds: ({ transport }) => {
    let count = 0;
    const pair = new Pair(
      transport,
      virtioEntropy(() => {
        count += 1;
        if (count > 1000) throw new Error("it goes on");
        return Uint8Array.of(count + 1, 0);
      }),
      0,
    );
    pair.lendAvailableIndex();
    pair.kick(0);
    return count > 0 && count <= 8;
  },
});

law("only-a-bus-master-reaches-memory", {
  says: "Over PCI, a device that Command does not let master the bus writes nothing, and goes on when it does.",
  cites: 'PCI Local Bus Specification 3.0, "Device Control"',
  forAll: { steps: anyMischief(), hasMsix: fc.boolean() },
  holds: ({ steps, hasMsix }) => {
    const driver = new HostileDriver("entropy", hasMsix ? "PCI" : "PCI without MSI-X");
    driver.transport.hosted.write(4, 2, 2);
    driver.run(steps.filter(({ kind }) => kind !== "register"));
    if (driver.writes > 0) throw new Error("it writes");
    driver.transport.hosted.write(4, 2, 6);
    driver.run([
      { kind: "begin", features: 0, queue: 0, strays: [] },
      describe(0, extent(2, 0)),
      { kind: "offer", queue: 0, head: 0 },
      { kind: "notify", value: 0, at: 0 },
    ]);
    return driver.writes === 3;
  },
});

law("a-broken-device-waits-for-its-reset", {
  says: "A device that needs a reset takes and gives nothing more, whatever it is told; and after a reset it works.",
  cites: 'VIRTIO 1.2, "Device Status Field"',
  forAll: {
    victim: fc.constantFrom(...Object.keys(VICTIMS)),
    transport: fc.constantFrom(...TRANSPORTS),
    steps: anyMischief(),
    head: fc.integer({ min: 8, max: 0xffff }),
  },
  holds: ({ victim, transport, steps, head }) => {
    const driver = new HostileDriver(victim, transport);
    driver.transport.takeInterrupts();
    driver.run([
      { kind: "offer", queue: 0, head },
      { kind: "notify", value: 0, at: 0 },
      { kind: "outside", value: 3, at: 0 },
      { kind: "pass", value: 100, at: 0 },
    ]);
    if ((driver.transport.status() & 64) === 0) throw new Error("it does not need a reset");
    if (!driver.transport.takeInterrupts().includes(-1)) throw new Error("nobody was told");
    const { writes } = driver;
    driver.run(steps.filter(({ kind }) => kind !== "begin" && kind !== "register"));
    if (driver.writes !== writes) throw new Error("it still writes");
    driver.run([{ kind: "begin", features: 0, queue: 0, strays: [] }]);
    return (driver.transport.status() & 64) === 0;
  },
});

law("no-device-reaches-its-own-registers", {
  says: "A descriptor that names the place of the device's own registers breaks the device, and changes none of them.",
  cites: 'PCI Local Bus Specification 3.0, "Bus Operation"; VIRTIO 1.2, "Device Status Field"',
  forAll: { offset: fc.nat(0x3fff), length: fc.constantFrom(1, 4, 512), isOverPci: fc.boolean() },
  holds: ({ offset, length, isOverPci }) => {
    const driver = new HostileDriver("entropy", isOverPci ? "PCI" : "MMIO");
    const place = isOverPci ? 0xe000_0000 + offset : 0x10_0000 + offset;
    const before = JSON.stringify(driver.transport.hosted.state);
    driver.run([
      {
        kind: "describe",
        queue: 0,
        at: 0,
        descriptor: { address: place, length, flags: 2, next: 0 },
      },
      { kind: "offer", queue: 0, head: 0 },
      { kind: "notify", value: 0, at: 0 },
    ]);
    const after = JSON.stringify(driver.transport.hosted.state);
    const expected = before
      .replace('"status":15', '"status":79')
      .replace('"isr":0', isOverPci ? '"isr":0' : '"isr":2')
      .replace('"taken":0', '"taken":1');
    return after === expected && driver.writes === 0;
  },
});
