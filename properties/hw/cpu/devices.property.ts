/** Laws of memory-mapped devices under both engines: when a device is reached, and where a run ends that it ends. */

import fc from "fast-check";
import type { Engine } from "../../../src/hw/cpu/engine/engine.ts";
import { ORDINARY_HEAT } from "../../../src/hw/cpu/engine/layout.ts";
import type { Fault } from "../../../src/hw/cpu/fault.ts";
import type { MemoryMappedIo } from "../../../src/hw/cpu/physical-memory.ts";
import { law } from "../../support/law.ts";
import {
  DEVICE_PAGE,
  displacement32,
  interpreterOn,
  MAPPED_PAGES,
  PagedMachine,
  type PagedProgram,
  POINTERS,
  referenceOn,
} from "../../support/paged-machines.ts";
import { HOT, MEMORY_START } from "../../support/programs.ts";

const MAX_CYCLES = 250;

law("devices-see-the-time-of-the-instruction", {
  says: "A device is read and written at the same cycles in every engine, and when it asks for attention, the run ends at the boundary that follows.",
  cites:
    "DESIGN, The CPU engine: one text, several engines (an interrupt ends a run at an exact instruction boundary)",
  forAll: {
    program: anyDeviceProgram(),
    /** By the number of the access: it raises attention. */
    raises: fc.array(
      fc.nat(3).map((n) => n === 0),
      { minLength: 1, maxLength: 12 },
    ),
    slice: fc.integer({ min: 5, max: MAX_CYCLES }),
    heat: fc.constantFrom(HOT, ORDINARY_HEAT),
  },
  runs: 300,
  holds: ({ program, raises, slice, heat }) => {
    const a = observe(program, raises, slice, referenceOn);
    const b = observe(program, raises, slice, (machine) => interpreterOn(machine, heat));
    const at = a.findIndex((line, i) => line !== b[i]);
    if (at >= 0) throw new Error(`${at}: ${a.slice(at - 1, at + 1).join("; ")}, but ${b[at]}`);
    return a.length === b.length;
  },
});

// Helpers

/** What happens, in order: accesses, returns of the engine, and what the machine is in the end. */
function observe(
  program: PagedProgram,
  raises: readonly boolean[],
  slice: number,
  engineOn: (machine: PagedMachine) => Engine,
): readonly string[] {
  const seen: string[] = [];
  let accesses = 0;
  const note = (text: string): void => {
    const { state } = machine;
    seen.push(`${state.cycles}: ${text}`);
    if (raises[accesses % raises.length] === true) state.attention = true;
    accesses += 1;
  };
  const io: MemoryMappedIo = {
    read(address, size) {
      const value = valueAt(address, size);
      note(`read ${address.toString(16)}/${size}`);
      return value;
    },
    write: (address, size, value) =>
      note(`write ${address.toString(16)}/${size} = ${value.toString(16)}`),
  };
  const machine: PagedMachine = new PagedMachine(program, { io });
  const engine = engineOn(machine);
  const { state } = machine;
  let fault: Fault | null = null;
  for (let limit = slice; fault === null && limit <= MAX_CYCLES; limit += slice) {
    while (fault === null && state.cycles < limit) {
      fault = engine.run(limit);
      seen.push(`${state.cycles}: rip ${state.rip.toString(16)}, ${fault?.vector ?? "no fault"}`);
    }
  }
  return [...seen, machine.look()];
}

/** Quadwords are where the code begins, for jumps to find. */
const valueAt = (address: number, size: number): bigint =>
  size === 8 ? MEMORY_START : BigInt.asUintN(8 * size, BigInt(address * 0x9e37));

/** ModR/M for rBX, rBP, rSI or rDI with a displacement of 32 bits. */
const place = (register: number, pointer: number, at: number): number[] => [
  0x80 | (register << 3) | pointer,
  ...displacement32(at),
];

const MOV_RDI_RBX = [0x48, 0x89, 0xdf];
const MOV_RSI_RBX = [0x48, 0x89, 0xde];
const add = (register: number, value: number): number[] => [
  0x48,
  0x81,
  0xc0 | register,
  ...displacement32(value),
];
const [RSI, RDI] = [6, 7];

/** Instructions that access one place, or two; strings restore their pointers. */
function anyAccess(): fc.Arbitrary<readonly number[]> {
  const at = fc.oneof(
    fc.nat(MAPPED_PAGES * 4096 - 16),
    fc
      .tuple(fc.integer({ min: 1, max: MAPPED_PAGES - 1 }), fc.nat(20))
      .map(([page, n]) => 4096 * page - n + 4),
  );
  const single = fc
    .record({
      opcode: fc.constantFrom<number[][]>(
        [0x8b],
        [0x48, 0x89],
        [0x48, 0x01],
        [0x33],
        [0x66, 0x89],
        [0x88],
        [0x86],
        [0x0f, 0xb1],
        [0x0f, 0x10],
        [0x0f, 0x11],
        [0xf2, 0x0f, 0x10],
      ),
      register: fc.nat(2),
      pointer: fc.constantFrom(...POINTERS),
      at,
    })
    .map(({ opcode, register, pointer, at: to }) => [...opcode, ...place(register, pointer, to)]);
  const transfer = fc
    .record({
      // JMP and CALL through memory, PUSH and POP.
      text: fc.constantFrom<[number, number][]>([0xff, 4], [0xff, 2], [0xff, 6], [0x8f, 0]),
      pointer: fc.constantFrom(...POINTERS),
      at,
    })
    .map(({ text: [opcode, digit], pointer, at: to }) => [opcode, ...place(digit, pointer, to)]);
  const string = fc
    .record({
      // MOVSB, MOVSQ, STOSD and LODSB under REP, and CMPSB under REPE.
      opcode: fc.constantFrom([0xa4], [0x48, 0xa5], [0xab], [0xac], [0xa6]),
      repeat: fc.boolean(),
      count: fc.nat(5),
      from: at,
      to: at,
    })
    .map(({ opcode, repeat, count, from, to }) => [
      0xb9,
      ...displacement32(count),
      ...add(RSI, from),
      ...add(RDI, to),
      ...(repeat ? [0xf3] : []),
      ...opcode,
      ...MOV_RDI_RBX,
      ...MOV_RSI_RBX,
    ]);
  return fc.oneof({ weight: 4, arbitrary: single }, transfer, string);
}

/** A loop of accesses in the first page; most of the other pages are a device's. */
function anyDeviceProgram(): fc.Arbitrary<PagedProgram> {
  const mapping = fc.oneof(
    { weight: 4, arbitrary: fc.nat(1).map((n) => ({ frame: DEVICE_PAGE + n, flags: 7 })) },
    { weight: 2, arbitrary: fc.nat(2).map((n) => ({ frame: 5 + n, flags: 7 })) },
    { weight: 1, arbitrary: fc.constantFrom({ frame: 4, flags: 7 }, { frame: 5, flags: 0 }) },
  );
  return fc
    .record({
      body: fc.array(anyAccess(), { minLength: 1, maxLength: 10, size: "max" }),
      values: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), {
        minLength: 16,
        maxLength: 16,
      }),
      data: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      mappings: fc.array(mapping, { minLength: MAPPED_PAGES, maxLength: MAPPED_PAGES }),
      stack: fc.nat(MAPPED_PAGES * 512 - 2),
      user: fc.boolean(),
    })
    .map(({ body, values, data, mappings, stack, user }) => {
      const code = body.flat();
      code.push(0xe9, ...displacement32(-code.length - 5));
      const gpr = values.map((value, i) =>
        POINTERS.some((pointer) => pointer === i) ? MEMORY_START : value,
      );
      gpr[4] = MEMORY_START + BigInt(8 * stack + 16);
      return {
        code: Uint8Array.from(code),
        start: { gpr, rflags: 2n },
        data,
        entry: 0,
        mappings: [{ frame: 4, flags: 7 }, ...mappings.slice(1)].map((one) => ({
          ...one,
          noExecute: false,
        })),
        user,
        wp: true,
        smap: false,
        tlbEntries: 64,
      };
    });
}
