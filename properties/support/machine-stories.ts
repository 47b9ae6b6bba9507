/** Guests of a whole machine that do to its devices whatever comes to mind: random ports and places, reads and writes. */

import fc from "fast-check";
import { machine } from "../../src/api/machines.ts";
import { ISA_PORTS } from "../../src/hw/boards/isa.ts";
import { PLACES } from "../../src/hw/boards/places.ts";
import { World } from "../../src/sim/world.ts";
import { multiboot } from "../../src/guests/kernels/multiboot.ts";

interface Access {
  readonly kind: "in" | "out" | "load" | "store";
  readonly at: number;
  readonly size: 1 | 2 | 4;
  readonly value: number;
}

export interface MachineStory {
  readonly board: "pc" | "microvm";
  readonly cpu: "intel" | "amd";
  readonly accesses: readonly Access[];
}

const anyPort = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc
      .constantFrom(...ISA_PORTS)
      .chain(({ at, size }) => fc.nat(size - 1).map((offset) => at + offset)),
    fc.integer({ min: 0xcf8, max: 0xcff }),
    fc.integer({ min: 0xc000, max: 0xc0ff }),
  );

const anyPlace = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc.nat(0x3f).map((register) => PLACES.lapic + 16 * register),
    fc.constantFrom(0, 0x10, 0x40).map((offset) => PLACES.ioapic + offset),
    fc.tuple(fc.nat(5), fc.nat(0xff)).map(([slot, at]) => PLACES.ecam + 0x8000 * slot + at),
    fc.nat(0x4fff).map((offset) => 0xf000_0000 + offset),
    fc.nat(0xfff).map((offset) => 0xfeb0_0000 + offset),
  );

const anyAccess = (): fc.Arbitrary<Access> =>
  fc.constantFrom("in", "out", "load", "store").chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      at: kind === "in" || kind === "out" ? anyPort() : anyPlace(),
      size: fc.constantFrom(1, 2, 4),
      value: fc.oneof(fc.nat(0xff), fc.nat(0xffff_ffff)),
    }),
  );

export const anyMachineStory = (): fc.Arbitrary<MachineStory> =>
  fc.record({
    board: fc.constantFrom("pc", "microvm"),
    cpu: fc.constantFrom("intel", "amd"),
    accesses: fc.array(anyAccess(), { minLength: 1, maxLength: 60 }),
  });

/** Its machine, at time 0. */
export function machineOf({ board, cpu, accesses }: MachineStory): World {
  const config = machine.parse({
    board,
    cpu,
    boot: "multiboot",
    memoryBytes: 1 << 24,
    disks: 1,
    network: true,
  });
  const images = { kernel: kernelOf(accesses), disk0: new Uint8Array(4096) };
  return World.create(machine, { config, images, epochCycles: 5000, sliceCycles: 3000 });
}

const word = (value: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

const PREFIX: Readonly<Record<Access["size"], readonly number[]>> = { 1: [], 2: [0x66], 4: [] };
/** Of byte accesses; those of words and double words are one higher. */
const OPCODES: Readonly<Record<Access["kind"], number>> = {
  in: 0xec,
  out: 0xee,
  load: 0xa0,
  store: 0xa2,
};

/** mov dx, at; mov eax, value; the access. */
function codeOf({ kind, at, size, value }: Access): readonly number[] {
  const opcode = OPCODES[kind] + (size === 1 ? 0 : 1);
  const isPort = kind === "in" || kind === "out";
  return [
    0x66,
    0xba,
    at & 0xff,
    (at >> 8) & 0xff,
    0xb8,
    ...word(value),
    ...PREFIX[size],
    opcode,
    ...(isPort ? [] : word(at)),
  ];
}

const JUMP_BYTES = 5;

/** Does all of it again and again. */
function kernelOf(accesses: readonly Access[]): Uint8Array {
  const code = accesses.flatMap(codeOf);
  const back = -(code.length + JUMP_BYTES);
  return multiboot([...code, 0xe9, ...word(back)]);
}
