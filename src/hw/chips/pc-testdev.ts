/**
 * What tests of hypervisors expect of a board beside a PC's own chips: a port that keeps what is written, interrupt lines
 * that a port raises, and a little memory that is no RAM. QEMU manual, "pc-testdev", as kvm-unit-tests use it.
 */

import type { Chip, Register } from "./chip.ts";

export interface PcTestdev {
  data: number;
  /** Levels of the lines. */
  lines: number;
  /** Double words that are not zero, by their number. */
  memory: Record<string, number>;
}

const LINES = 24;
const MEMORY_BYTES = 0x2000;
/** More than tests use: a guest that writes everywhere loses what comes later. */
const MOST_WORDS = 4096;

/** Offsets: the port that keeps from 0, ports of lines from 100h, memory from 10000h. */
export const TESTDEV = { data: 0, lines: 0x100, memory: 0x1_0000 } as const;

const lineRows = Object.fromEntries(
  Array.from({ length: LINES }, (_, line): [string, Register<PcTestdev>] => [
    `Line ${line}`,
    {
      at: TESTDEV.lines + line,
      write: (s, value) => {
        s.lines = value === 0 ? s.lines & ~(1 << line) : s.lines | (1 << line);
      },
    },
  ]),
);

const LINE_WIRES = Array.from({ length: LINES }, (_, line) => `irq${line}`);

const memoryRows = Object.fromEntries(
  Array.from({ length: MEMORY_BYTES / 4 }, (_, word): [string, Register<PcTestdev>] => [
    `Memory ${word}`,
    {
      at: TESTDEV.memory + 4 * word,
      size: 4,
      parts: "kept",
      read: (s) => s.memory[word] ?? 0,
      write: (s, value) => {
        if (value === 0) delete s.memory[word];
        else if (Object.keys(s.memory).length < MOST_WORDS || word in s.memory)
          s.memory[word] = value;
      },
    },
  ]),
);

export const pcTestdev: Chip<PcTestdev> = {
  name: "pc-testdev",
  cites: "QEMU manual, pc-testdev",
  powerOn: () => ({ data: 0, lines: 0, memory: {} }),
  registers: {
    Data: {
      at: TESTDEV.data,
      size: 4,
      parts: "kept",
      read: (s) => s.data,
      write: (s, value) => {
        s.data = value >>> 0;
      },
    },
    ...lineRows,
    ...memoryRows,
  },
  inputs: {},
  wires: ({ lines }) =>
    Object.fromEntries(LINE_WIRES.map((wire, line) => [wire, (lines & (1 << line)) !== 0])),
  deadline: () => null,
  advance: () => {},
};
