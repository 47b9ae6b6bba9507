/** Laws of PCI: configuration space, BARs, the two ways to reach them, MSI-X. */

import fc from "fast-check";
import type { Chip } from "../../../src/hw/chips/chip.ts";
import { assignResources } from "../../../src/hw/chips/pci/assign-resources.ts";
import { type PciBus, pirqOf } from "../../../src/hw/chips/pci/bus.ts";
import { type Bar, barPlace } from "../../../src/hw/chips/pci/configuration-space.ts";
import { SHADOW_AREAS, i440fx } from "../../../src/hw/chips/pci/i440fx.ts";
import { messageOf } from "../../../src/hw/chips/pci/message.ts";
import { piix3 } from "../../../src/hw/chips/pci/piix3.ts";
import { virtioNetwork } from "../../../src/hw/chips/virtio/network.ts";
import { virtioPci } from "../../../src/hw/chips/virtio/pci.ts";
import {
  busOf,
  HostedChip,
  MSIX_VECTORS,
  msiFunction,
  msixFunction,
  sampleFunction,
} from "../../support/pci.ts";
import { law } from "../../support/law.ts";

const VIRTIO: Chip = virtioPci(virtioNetwork({ mac: [2, 0, 0, 0, 0, 1], transmit: () => {} }), {
  read: () => null,
  write: () => false,
});

law("bars-are-sized-by-ones", {
  says: "After ones are written to a BAR, the lowest address bit that is set is its size, and its low bits say its kind.",
  cites: 'PCI Local Bus Specification 3.0, "Address Maps"',
  forAll: { bars: anyBars() },
  holds: ({ bars }) => {
    const { bus } = busOf([sampleFunction(bars)]);
    for (const { index, kind, sizeBytes, isPrefetchable } of bars) {
      const at = 0x10 + 4 * index;
      bus.writeConfig(0, 1, 0, at, 4, 0xffff_ffff);
      bus.writeConfig(0, 1, 0, at + 4, 4, kind === "memory64" ? 0xffff_ffff : 0);
      const low = bus.readConfig(0, 1, 0, at, 4);
      const high = kind === "memory64" ? bus.readConfig(0, 1, 0, at + 4, 4) : 0xffff_ffff;
      const mask = kind === "io" ? 3n : 15n;
      const size = (~((BigInt(high) << 32n) | (BigInt(low) & ~mask)) & 0xffff_ffff_ffff_ffffn) + 1n;
      if (size !== BigInt(sizeBytes)) throw new Error(`BAR${index} says ${size}, not ${sizeBytes}`);
      const type =
        kind === "io" ? 1 : (kind === "memory" ? 0 : 4) | (isPrefetchable === true ? 8 : 0);
      if (Number(BigInt(low) & mask) !== type) throw new Error(`BAR${index} says ${low & 15}`);
    }
  },
});

law("resources-are-found-where-they-were-put", {
  says: "After firmware's assignment every BAR lies aligned in its window, none overlaps another, and an access there reaches that BAR at that offset.",
  cites: 'PCI Local Bus Specification 3.0, "Address Maps"',
  forAll: { functions: fc.array(anyBars(), { minLength: 1, maxLength: 5 }), index: fc.nat(31) },
  holds: ({ functions, index }) => {
    const { bus } = busOf(functions.map((bars) => sampleFunction(bars)));
    assignResources(bus, WINDOWS);
    const taken: [number, number, string][] = [];
    functions.forEach((bars, i) => {
      for (const bar of bars) {
        const from = baseOf(bus, i + 1, bar);
        const space = bar.kind === "io" ? "io" : "memory";
        const to = from + bar.sizeBytes;
        if (from < WINDOWS[space].from || to > WINDOWS[space].to || from % bar.sizeBytes !== 0)
          throw new Error(`BAR${bar.index} of ${i} lies at ${from.toString(16)}`);
        if (taken.some(([a, b, s]) => s === space && from < b && a < to))
          throw new Error(`BAR${bar.index} of ${i} overlaps`);
        taken.push([from, to, space]);
        const at = 4 * (index % Math.min(bar.sizeBytes / 4, 8));
        const value = space === "io" ? bus.readPort(from + at, 4) : bus.readMemory(from + at, 4);
        if (Number(value) !== 0x100 * bar.index + at)
          throw new Error(`BAR${bar.index} of ${i} answers ${value}`);
      }
    });
  },
});

law("only-enabled-bars-answer", {
  says: "A BAR claims accesses while Command enables its space, and no others.",
  cites: 'PCI Local Bus Specification 3.0, "Device Control"',
  forAll: {
    bars: anyBars(),
    command: fc.nat(7),
    beyond: fc.constantFrom(-1, 0, 1),
    high: fc.nat(3),
  },
  holds: ({ bars, command, beyond, high }) => {
    const { bus } = busOf([sampleFunction(bars)]);
    assignResources(bus, WINDOWS);
    for (const { index, kind } of bars)
      if (kind === "memory64") bus.writeConfig(0, 1, 0, 0x14 + 4 * index, 4, high);
    const places = bars.map((bar) => ({ bar, from: baseOf(bus, 1, bar) }));
    bus.writeConfig(0, 1, 0, 4, 1, command);
    for (const { bar, from } of places) {
      const isIo = bar.kind === "io";
      const isEnabled = (command & (isIo ? 1 : 2)) !== 0;
      const at = beyond === 0 ? from : beyond < 0 ? from - 1 : from + bar.sizeBytes;
      const isInside = places.some(
        (other) =>
          (other.bar.kind === "io") === isIo &&
          at >= other.from &&
          at < other.from + other.bar.sizeBytes,
      );
      const answer = isIo ? bus.readPort(at, 1) : bus.readMemory(at, 1);
      const taken = isIo ? bus.writePort(at, 1, 0) : bus.writeMemory(at, 1, 0n);
      if ((answer !== null) !== (isEnabled && isInside) || taken !== (answer !== null))
        throw new Error(`BAR${bar.index} gives ${answer} and ${taken} under ${command}`);
    }
  },
});

law("configuration-space-has-one-content", {
  says: "Mechanism #1 and ECAM reach the same bytes by any size, and what they write is what the other reads.",
  cites:
    'PCI Local Bus Specification 3.0, "Software Generation of Configuration Transactions"; PCI Express Base Specification, "ECAM"',
  forAll: {
    bars: anyBars(),
    accesses: fc.array(
      fc.record({
        isEcam: fc.boolean(),
        isWrite: fc.boolean(),
        device: fc.nat(2),
        dword: fc.oneof(fc.constantFrom(1, 4, 5, 6, 7, 8, 9, 0x0f), fc.nat(63)),
        place: fc.constantFrom<[number, 1 | 2 | 4]>(
          [0, 1],
          [1, 1],
          [2, 1],
          [3, 1],
          [0, 2],
          [2, 2],
          [0, 4],
        ),
        value: fc.nat(0xffff_ffff),
      }),
      { maxLength: 25, size: "max" },
    ),
  },
  holds: ({ bars, accesses }) => {
    const { bus } = busOf([sampleFunction(bars)], ECAM);
    for (const { isEcam, isWrite, device, dword, place, value } of accesses) {
      const [byte, size] = place;
      const offset = 4 * dword + byte;
      const at = ECAM + device * 0x8000 + offset;
      const wanted = value % 256 ** size;
      bus.writePort(0xcf8, 4, 0x8000_0000 + device * 0x800 + 4 * dword);
      if (isWrite && isEcam) bus.writeMemory(at, size, BigInt(wanted));
      else if (isWrite) bus.writePort(0xcfc + byte, size, wanted);
      const whole = bus.readConfig(0, device, 0, 4 * dword, 4);
      const seen = [
        bus.readPort(0xcfc + byte, size),
        Number(bus.readMemory(at, size)),
        Math.floor(whole / 256 ** byte) % 256 ** size,
      ];
      if (seen.some((other) => other !== seen[0]))
        throw new Error(`${offset.toString(16)} of device ${device} reads as ${seen.join(", ")}`);
    }
    const double = bus.readMemory(ECAM + 0x8000, 8);
    return double === 0x5678_1234n + (BigInt(bus.readConfig(0, 1, 0, 4, 4)) << 32n);
  },
});

law("a-disabled-mechanism-reaches-nothing", {
  says: "Without its enable bit, CONFADD names no function, and the data port reads as ones.",
  cites: 'PCI Local Bus Specification 3.0, "Software Generation of Configuration Transactions"',
  forAll: { address: fc.nat(0x7fff_ffff), size: fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4) },
  holds: ({ address, size }) => {
    const { bus } = busOf([]);
    bus.writePort(0xcf8, 4, address);
    bus.writePort(0xcfc, 4, 0x5555_5555);
    return bus.readPort(0xcfc, size) === 256 ** size - 1;
  },
});

law("a-message-leaves-when-nothing-holds-it", {
  says: "A vector's message leaves exactly when the vector is pending, MSI-X is enabled, the function masters the bus, and neither the function nor the vector is masked; until then its pending bit is set.",
  cites: 'PCI Local Bus Specification 3.0, "MSI-X Capability and Table Structures"',
  forAll: { steps: fc.array(anyMsixStep(), { maxLength: 40, size: "max" }) },
  runs: 300,
  holds: ({ steps }) => followMessages(steps),
});

law("a-single-message-leaves-when-nothing-holds-it", {
  says: "MSI's message leaves exactly when it is pending, enabled, not masked, and the function masters the bus; until then its pending bit is set.",
  cites: 'PCI Local Bus Specification 3.0, "MSI Capability Structure"',
  forAll: {
    steps: fc.array(
      fc.record({
        kind: fc.constantFrom("send", "send", "enable", "mask", "command"),
        value: fc.nat(1),
      }),
      { maxLength: 30, size: "max" },
    ),
  },
  holds: ({ steps }) => {
    const hosted = new HostedChip(msiFunction);
    hosted.write(0x44, 4, 0xfee0_2000);
    hosted.write(0x4c, 2, 0x4155);
    let [isEnabled, isMasked, isMaster, isPending, wanted] = [false, false, false, false, 0];
    for (const { kind, value } of steps) {
      if (kind === "send") hosted.socket.input("send", 0, 0);
      else if (kind === "enable") hosted.write(0x42, 2, value);
      else if (kind === "mask") hosted.write(0x50, 4, value);
      else hosted.write(4, 2, 4 * value);
      if (kind === "send") isPending ||= isEnabled;
      else if (kind === "enable") isEnabled = value === 1;
      else if (kind === "mask") isMasked = value === 1;
      else isMaster = value === 1;
      if (isPending && isEnabled && !isMasked && isMaster) {
        isPending = false;
        wanted += 1;
      }
      const isGood =
        hosted.messages.length === wanted && hosted.read(0x54, 4) === (isPending ? 1 : 0);
      if (!isGood) throw new Error(`${hosted.messages.length} left where ${wanted} should`);
    }
    return hosted.messages.every(
      (message) => "vector" in message && message.vector === 0x55 && message.destination === 2,
    );
  },
});

law("messages-say-what-the-manual-says", {
  says: "Address and data of a message give its destination, mode, vector and trigger.",
  cites: 'SDM Vol. 3, "Message Address Register Format" and "Message Data Register Format"',
  forAll: {
    destination: fc.nat(255),
    isLogical: fc.boolean(),
    isRedirected: fc.boolean(),
    mode: fc.constantFrom(0, 1, 2, 4, 5, 7),
    vector: fc.nat(255),
    trigger: fc.constantFrom("edge", "level", "level, de-assert"),
  },
  holds: ({ destination, isLogical, isRedirected, mode, vector, trigger }) => {
    const address =
      0xfee0_0000 + destination * 0x1000 + (isRedirected ? 8 : 0) + (isLogical ? 4 : 0);
    const data =
      vector + mode * 0x100 + (trigger === "edge" ? 0 : trigger === "level" ? 0xc000 : 0x8000);
    const message = messageOf(address, 0, data);
    return (
      message !== null &&
      message.destination === destination &&
      (message.destinationMode === "logical") === isLogical &&
      message.deliveryMode === MODES[mode] &&
      message.vector === vector &&
      message.triggerMode === trigger.split(",")[0] &&
      message.assert === (trigger !== "level, de-assert") &&
      messageOf(address - 0x1000_0000, 0, data) === null &&
      messageOf(address, 1, data) === null
    );
  },
});

law("the-isa-bridge-routes-interrupts", {
  says: "An interrupt line of the ISA bridge is asserted exactly while a PIRQ that is routed to it is.",
  cites: 'Intel 82371SB (PIIX3) data sheet, "PIRQx Route Control Registers"',
  forAll: {
    steps: fc.array(
      fc.record({ pirq: fc.nat(3), level: fc.nat(1), route: fc.oneof(fc.nat(15), fc.nat(255)) }),
      { maxLength: 12, size: "max" },
    ),
  },
  holds: ({ steps }) => {
    const bridge = new HostedChip(piix3);
    const levels = [0, 0, 0, 0];
    const routes = [0x80, 0x80, 0x80, 0x80];
    for (const { pirq, level, route } of steps) {
      bridge.socket.input(`pirq${"abcd".charAt(pirq)}`, level, 0);
      levels[pirq] = level;
      bridge.write(0x60 + pirq, 1, route);
      routes[pirq] = route;
      for (let irq = 0; irq < 16; irq += 1) {
        const isReserved = [0, 1, 2, 8, 13].includes(irq);
        const wanted = routes.some((r, i) => (r & 0x8f) === irq && levels[i] === 1);
        if (bridge.isAsserted(`irq${irq}`) !== (wanted && !isReserved))
          throw new Error(`IRQ${irq} under ${routes.join()} and ${levels.join()}`);
      }
    }
  },
});

law("shadow-areas-follow-their-nibbles", {
  says: "Reads and writes of an area go to RAM as the two low bits of its half of a PAM register say.",
  cites: 'Intel 440FX PCIset data sheet, "PAM: Programmable Attribute Map Registers"',
  forAll: { values: fc.array(fc.nat(255), { minLength: 7, maxLength: 7 }) },
  holds: ({ values }) => {
    const bridge = new HostedChip(i440fx);
    values.forEach((value, i) => bridge.write(0x59 + i, 1, value));
    return SHADOW_AREAS.every(({ at, sizeBytes, readWire, writeWire }) => {
      const half = at === 0xf_0000 ? 1 : 2 + (at - 0xc_0000) / 0x4000;
      const bits = (values[half >> 1] as number) >> (4 * (half & 1));
      return (
        sizeBytes === (at === 0xf_0000 ? 0x1_0000 : 0x4000) &&
        bridge.isAsserted(readWire) === ((bits & 1) !== 0) &&
        bridge.isAsserted(writeWire) === ((bits & 2) !== 0)
      );
    });
  },
});

law("bridges-remember-their-registers", {
  says: "PAM, SMRAM and PIRQRC read as they were written, by any size, but for their reserved bits.",
  cites:
    'Intel 440FX PCIset data sheet, "PCI Configuration Space Mapped Registers"; Intel 82371SB (PIIX3) data sheet, "PIRQx Route Control Registers"',
  forAll: { value: fc.nat(0xffff_ffff), dword: fc.constantFrom(0x58, 0x5c, 0x60, 0x70) },
  holds: ({ value, dword }) => {
    const isIsa = dword === 0x60;
    const bridge = new HostedChip(isIsa ? piix3 : i440fx);
    bridge.write(dword, 4, value);
    const masks: Readonly<Record<number, number>> = {
      0x58: 0x3333_3300,
      0x5c: 0x3333_3333,
      0x60: 0x8f8f_8f8f,
      0x70: 0x007f_0000,
    };
    const wanted = (value & (masks[dword] as number)) >>> 0;
    const bytes = [0, 1, 2, 3].map((i) => bridge.read(dword + i, 1));
    const whole = new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true);
    if (bridge.read(dword, 4) !== wanted || whole !== wanted)
      throw new Error(`${bridge.read(dword, 4)} and ${whole}, not ${wanted}`);
  },
});

law("a-register-has-one-place", {
  says: "No two registers of a PCI function lie at one offset but those of which a state chooses one.",
  cites: 'PCI Local Bus Specification 3.0, "Configuration Space Organization"',
  forAll: { chip: fc.constantFrom<Chip[]>(i440fx, piix3, msixFunction, msiFunction, VIRTIO) },
  holds: ({ chip }) => {
    const taken = new Map<number, string>();
    for (const [name, row] of Object.entries(chip.registers)) {
      if ("when" in row) continue;
      const { at, size = 1 } = row;
      for (let i = at; i < at + size; i += 1) {
        const other = taken.get(i);
        if (other !== undefined) throw new Error(`${name} and ${other} both lie at ${i}`);
        taken.set(i, name);
      }
    }
  },
});

law("interrupt-pins-spread-over-the-lines", {
  says: "The four pins of a device lead to four lines, and the same pin of neighbours leads to neighbouring lines.",
  cites: 'PCI Local Bus Specification 3.0, "Interrupt Pins"',
  forAll: { device: fc.nat(30) },
  holds: ({ device }) =>
    [1, 2, 3, 4].every(
      (pin) =>
        pirqOf(device + 1, pin) === (pirqOf(device, pin) + 1) % 4 && pirqOf(1, pin) === pin - 1,
    ) && new Set([1, 2, 3, 4].map((pin) => pirqOf(device, pin))).size === 4,
});

// Helpers

const ECAM = 0xb000_0000;
const WINDOWS = {
  io: { from: 0xc004, to: 0x1_0000 },
  memory: { from: 0xe000_0010, to: 0xfec0_0000 },
  irqs: [11, 10, 9, 5],
} as const;
const MODES = ["fixed", "lowest priority", "SMI", "", "NMI", "INIT", "", "ExtINT"];

function baseOf(bus: PciBus, device: number, { index, kind }: Bar): number {
  const low = bus.readConfig(0, device, 0, 0x10 + 4 * index, 4);
  const high = kind === "memory64" ? bus.readConfig(0, device, 0, 0x14 + 4 * index, 4) : 0;
  return high * 2 ** 32 + low - (low & (kind === "io" ? 3 : 15));
}

/** Up to six, of which those of 64 bits take two places. */
function anyBars(): fc.Arbitrary<Bar[]> {
  const anyBar = fc.record({
    kind: fc.constantFrom<Bar["kind"]>("memory", "memory64", "io"),
    order: fc.integer({ min: 4, max: 16 }),
    isPrefetchable: fc.boolean(),
  });
  return fc.array(anyBar, { minLength: 1, maxLength: 6 }).map((parts) => {
    const bars: Bar[] = [];
    let index = 0;
    for (const { kind, order, isPrefetchable } of parts) {
      if (index + (kind === "memory64" ? 2 : 1) > 6) break;
      const sizeBytes = kind === "io" ? 4 << (order % 5) : 1 << order;
      bars.push({ index, kind, sizeBytes, isPrefetchable: kind !== "io" && isPrefetchable });
      index += kind === "memory64" ? 2 : 1;
    }
    return bars;
  });
}

type MsixStep =
  | { readonly kind: "send"; readonly vector: number }
  | { readonly kind: "control"; readonly value: number }
  | { readonly kind: "mask"; readonly vector: number; readonly value: number }
  | { readonly kind: "command"; readonly value: number };

function anyMsixStep(): fc.Arbitrary<MsixStep> {
  const vector = fc.nat(MSIX_VECTORS);
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("send" as const), vector }) },
    fc.record({
      kind: fc.constant("control" as const),
      value: fc.constantFrom(0x8000, 0x8000, 0x8000, 0xc000, 0x4000, 0),
    }),
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("mask" as const), vector, value: fc.nat(1) }),
    },
    fc.record({ kind: fc.constant("command" as const), value: fc.constantFrom(2, 6, 6, 6) }),
  );
}

function followMessages(steps: readonly MsixStep[]): boolean {
  const hosted = new HostedChip(msixFunction);
  const isMasked = Array.from({ length: MSIX_VECTORS }, () => true);
  const isPending = Array.from({ length: MSIX_VECTORS }, () => false);
  const wanted: number[] = [];
  let control = 0;
  let command = 0;
  const bar = barPlace(1);
  for (let i = 0; i < MSIX_VECTORS; i += 1) {
    hosted.write(bar + 16 * i, 4, 0xfee0_1000);
    hosted.write(bar + 16 * i + 8, 4, 0x40 + i);
  }
  for (const step of steps) {
    if (step.kind === "send") {
      hosted.socket.input("send", step.vector, 0);
      if ((control & 0x8000) !== 0 && step.vector < MSIX_VECTORS) isPending[step.vector] = true;
    } else if (step.kind === "control") {
      hosted.write(0x42, 2, step.value);
      control = step.value;
    } else if (step.kind === "command") {
      hosted.write(4, 2, step.value);
      command = step.value;
    } else {
      hosted.write(bar + 16 * step.vector + 12, 4, step.value);
      if (step.vector < MSIX_VECTORS) isMasked[step.vector] = step.value === 1;
    }
    isPending.forEach((pending, i) => {
      if (!pending || control !== 0x8000 || (command & 4) === 0 || isMasked[i] === true) return;
      isPending[i] = false;
      wanted.push(0x40 + i);
    });
    const bits = isPending.reduce((word, pending, i) => word + (pending ? 2 ** i : 0), 0);
    const seen = hosted.messages.map((message) => ("vector" in message ? message.vector : -1));
    if (seen.join() !== wanted.join() || hosted.read(bar + 0x800, 4) !== bits)
      throw new Error(`${seen.join()} left where ${wanted.join()} should, pending ${bits}`);
  }
  return true;
}
