import { expect, test } from "vitest";
import { World } from "../../sim/world.ts";
import { acpiPmTimer } from "../chips/acpi-pm-timer.ts";
import { PM_TIMER_CLOCK } from "../chips/clock.ts";
import { i8042, type I8042 } from "../chips/i8042.ts";
import { i8254, type I8254 } from "../chips/i8254.ts";
import { port61 } from "../chips/port61.ts";
import { Decoder } from "../cpu/decode.ts";
import { INTEL } from "../cpu/cpuid/profile.ts";
import { readMsr } from "../cpu/msr/access.ts";
import { INSTRUCTIONS } from "../cpu/isa/index.ts";
import { type Board, part, wire } from "./board.ts";
import { handOver } from "./firmware.ts";
import { Machine } from "./machine.ts";
import { pcAcpi } from "./pc-acpi.ts";

const BOARD: Board = {
  name: "timers",
  parts: { pit: part(i8254), port61: part(port61), keyboard: part(i8042) },
  ports: [],
  memory: [],
  nets: [wire("port61.gate2", "pit.gate2")],
  apics: [],
  ioapics: [],
  pics: null,
  pci: null,
  acpi: pcAcpi(1),
  roms: [],
  shadow: null,
};

function poweredUp(board: Board = BOARD, program: readonly number[] = []) {
  const made: Machine[] = [];
  const world = World.create(
    {
      name: "machine",
      version: 1,
      parse: (config) => config,
      images: () => [],
      build: (inner) => {
        const machine = new Machine(inner, {
          board: () => board,
          profiles: [INTEL],
          memoryBytes: 1 << 20,
          decoder: new Decoder(INSTRUCTIONS),
          recordBytes: 1 << 16,
        });
        made.push(machine);
      },
      start: () => {
        made[0]?.powerUp();
        made[0]?.ram.write(START, Uint8Array.from(program));
        for (const { state } of made[0]?.processors ?? []) {
          state.setSegment("CS", { ...state.segment("CS"), selector: 0, base: 0n });
          state.rip = BigInt(START);
        }
      },
    },
    { config: {}, images: {}, sliceCycles: 1_000_000 },
  );
  const [machine] = made;
  if (machine === undefined) throw new Error("no machine was made");
  return { machine, world };
}

const START = 0x7c00;

test("at power-up an input hears of a wire that is not asserted", () => {
  const { counters } = poweredUp().machine.chip("pit").state as I8254;
  expect(counters.map(({ gate }) => gate)).toEqual([1, 1, 0]);
});

test("firmware leaves a keyboard whose codes are of set 1, with interrupts", () => {
  const { machine } = poweredUp();
  handOver(machine);
  const { ram } = machine.chip("keyboard").state as I8042;
  expect(ram[0]).toBe(0x65);
});

test("firmware leaves memory write-back and devices uncached", () => {
  const { machine } = poweredUp();
  handOver(machine);
  const [processor] = machine.processors;
  if (processor === undefined) throw new Error("there is no processor");
  const { state, memory } = processor;
  const read = (number: number): bigint | null =>
    readMsr({ state, memory, environment: processor }, number);
  expect(read(0x2ff)).toBe(0xc06n);
  expect([read(0x250), read(0x259), read(0x26f)]).toEqual([
    0x0606_0606_0606_0606n,
    0n,
    0x0505_0505_0505_0505n,
  ]);
  expect(read(0x200)).toBe(0xe000_0000n);
  expect((read(0x201) ?? 0n) & 0xffff_ffffn).toBe(0xe000_0800n);
});

test("a device in memory sees the time of the instruction, not of its slice", () => {
  // A long loop, then the timer behind FFFFh:10h is read and kept at 500h.
  const loop = [0xb9, 0x60, 0xea, 0xe2, 0xfe];
  const read = [0xb8, 0xff, 0xff, 0x8e, 0xd8, 0x66, 0xa1, 0x10, 0x00];
  const keep = [0x31, 0xdb, 0x8e, 0xdb, 0x66, 0xa3, 0x00, 0x05, 0xf4];
  const program = [loop, read, keep].flat();
  const board: Board = {
    ...BOARD,
    parts: { timer: part(acpiPmTimer) },
    nets: [],
    memory: [{ at: 0x10_0000, size: 4, part: "timer" }],
  };
  const { machine, world } = poweredUp(board, program);
  world.runUntil(1_000_000);
  const [processor] = machine.processors;
  const ticks = new DataView(machine.ram.read(0x500, 4).buffer).getUint32(0, true);
  const end = PM_TIMER_CLOCK.ticks(processor?.state.cycles ?? 0);
  expect(end).toBeGreaterThan(200);
  expect(end - ticks).toBeLessThanOrEqual(1);
});
