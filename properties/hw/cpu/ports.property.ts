/** Laws of I/O ports: who may reach them, and what string instructions on them do. */

import fc from "fast-check";
import { INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { VECTORS } from "../../../src/hw/cpu/fault.ts";
import { CR4, type CpuState } from "../../../src/hw/cpu/state.ts";
import { law } from "../../support/law.ts";
import { anyMode, ENGINES, PLACES, SystemMachine } from "../../support/privileged-machines.ts";

const IN = { 1: [0xec], 2: [0x66, 0xed], 4: [0xed] } as const;
const OUT = { 1: [0xee], 2: [0x66, 0xef], 4: [0xef] } as const;
const MAP_AT = 0x68;
const MAP_BYTES = 16;

law("ports-are-for-those-who-may", {
  says: "A program below the I/O privilege level reaches a port when each bit of the TSS's map for its bytes is clear and within the limit; else it is #GP(0), and no device sees it.",
  cites: "SDM Vol. 1, I/O Protection; I/O Permission Bit Map",
  forAll: {
    mode: anyMode(),
    size: fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4),
    writes: fc.boolean(),
    port: fc.oneof(fc.nat(8 * MAP_BYTES + 20), fc.nat(0xffff)),
    map: fc.array(fc.constantFrom(0, 0, 0, 0x80, 1, 0x10, 0xff), {
      minLength: MAP_BYTES,
      maxLength: MAP_BYTES,
    }),
    end: fc.constantFrom<("far" | "before the map" | 0 | 1 | 2)[]>(
      "far",
      "before the map",
      0,
      1,
      2,
    ),
    iopl: fc.constantFrom(0n, 3n),
    type: fc.constantFrom(11, 11, 11, 3),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 800,
  holds: ({ mode: [mode, cpl], size, writes, port, map, end, iopl, type, engine }) => {
    // The limit lies so far behind the first byte of the map that is read.
    const near = end === "before the map" ? 102 : MAP_AT + (port >> 3) + Number(end);
    const limit = end === "far" ? 0xffff : near;
    const isShort = mode === "real" || mode === "virtual-8086";
    const plain = (writes ? OUT : IN)[size];
    // In 16-bit code the prefix asks for 32 bits.
    const code =
      size === 1 ? plain : isShort === (size === 2) ? plain.slice(-1) : [0x66, plain.at(-1) ?? 0];
    const change = (state: CpuState): void => {
      const tr = state.systemSegment("TR");
      state.setSystemSegment("TR", { ...tr, limit, rights: 0x80 | type });
      state.rflags |= iopl << 12n;
    };
    const of = { profile: INTEL, mode, cpl, code, gpr: { 0: 0x1234n, 2: BigInt(port) }, change };
    const machine = new SystemMachine(of, engine);
    machine.memory.write(PLACES.tss + 102, Uint8Array.of(MAP_AT, 0));
    machine.memory.write(PLACES.tss + MAP_AT, Uint8Array.from(map));
    const bit = (n: number): boolean => (((map[n >> 3] ?? 0) >> (n & 7)) & 1) === 1;
    const asks = mode === "virtual-8086" || (mode !== "real" && BigInt(cpl) > iopl);
    const last = MAP_AT + (port >> 3) + 1;
    const bits = Array.from({ length: size }, (_, i) => bit(port + i));
    const isOpen = type === 11 && limit >= 103 && last <= limit && !bits.includes(true);
    const fault = machine.step();
    const seen = machine.environment.log.length;
    if (asks && !isOpen)
      return fault?.vector === VECTORS["#GP"] && fault.errorCode === 0 && seen === 0;
    return fault === null && seen === 1;
  },
});

law("strings-on-ports-move-each-element", {
  says: "REP INS and REP OUTS move rCX elements between a port and memory, up or down, and leave the pointers behind the last.",
  cites: 'SDM Vol. 2A, "INS/INSB/INSW/INSD"; Vol. 2B, "OUTS/OUTSB/OUTSW/OUTSD", "REP"',
  forAll: {
    size: fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4),
    count: fc.nat(9),
    down: fc.boolean(),
    out: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 150,
  holds: ({ size, count, down, out, engine }) => {
    const opcode = (out ? 0x6e : 0x6c) + (size === 1 ? 0 : 1);
    const code = [...(size === 2 ? [0x66] : []), 0xf3, opcode];
    const start = 0x5800n;
    const change = (state: CpuState): void => {
      if (down) state.rflags |= 0x400n;
    };
    const gpr = { 1: BigInt(count), 2: 0x70n, 6: start, 7: start };
    const of = { profile: INTEL, mode: "64-bit", cpl: 0, code, gpr, change } as const;
    const machine = new SystemMachine(of, engine);
    const { state } = machine;
    for (let i = 0; i < Math.max(count, 1); i += 1) {
      if (state.rip !== BigInt(PLACES.code)) throw new Error("it ends too early");
      if (machine.step() !== null) throw new Error("it faults");
    }
    const moved = start + BigInt((down ? -size : size) * count);
    const log = Array.from({ length: count }, () => (out ? `out 112 ${size} 0` : `in 112 ${size}`));
    return (
      state.rip === BigInt(PLACES.code + code.length) &&
      state.gpr(1) === 0n &&
      state.gpr(out ? 6 : 7) === moved &&
      state.gpr(out ? 7 : 6) === start &&
      machine.environment.log.join() === log.join() &&
      (out ||
        count === 0 ||
        machine.memory.read8(Number(start)) === (0x70 * 0x0101_0101 + size) % 256)
    );
  },
});

law("breakpoints-watch-ports", {
  says: "With CR4.DE a breakpoint for I/O leaves its bit pending when an access touches its ports, and otherwise not.",
  cites: "SDM Vol. 3, Breakpoint Field Recognition; Debug Control Register (DR7)",
  forAll: {
    at: fc.integer({ min: 0x40, max: 0x50 }),
    length: fc.constantFrom(0, 1, 3),
    port: fc.integer({ min: 0x3c, max: 0x54 }),
    size: fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4),
    de: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ at, length, port, size, de, engine }) => {
    const change = (state: CpuState): void => {
      if (de) state.setControl("CR4", state.control("CR4") | CR4.DE);
      state.setDebug("DR1", BigInt(at));
      state.setDebug("DR7", 0x404n | (2n << 20n) | (BigInt(length) << 22n));
    };
    const of = { profile: INTEL, mode: "64-bit", cpl: 0, code: IN[size], change } as const;
    const machine = new SystemMachine({ ...of, gpr: { 2: BigInt(port) } }, engine);
    if (machine.step() !== null) throw new Error("IN faults");
    const first = at & ~length;
    const touches = port < first + length + 1 && first < port + size;
    return machine.state.pendingDebug === (de && touches ? 2 : 0);
  },
});
