/** Laws of virtio devices under a driver that keeps no rule. */

import fc from "fast-check";
import { law } from "../../support/law.ts";
import { anyMischief, HostileDriver, VICTIMS } from "../../support/hostile-driver.ts";
import { TRANSPORTS } from "../../support/virtio.ts";

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
