/**
 * The programmable interval timer: three counters of 16 bits at 1193182 Hz. Intel 82C54 data sheet, "Programming
 * the 82C54" and "Mode Definitions".
 * Not modelled: metastable counts read without latching, the counter going on between a control word and its count.
 */

import type { Cycles } from "../../sim/time.ts";
import type { Chip } from "./chip.ts";
import { tickClock } from "./clock.ts";

/** 1193182 Hz: 596591 ticks in half a second. */
const CLK = tickClock(596_591, 500_000_000);

interface Counter {
  /** M2 M1 M0 of the control word as written; 6 and 7 are modes 2 and 3. */
  modeBits: number;
  bcd: number;
  /** RW1 RW0: 1 least significant byte, 2 most significant, 3 both. */
  rw: number;
  gate: number;
  out: number;
  /** The count register, and whether it has been written since the control word. */
  cr: number;
  isWritten: boolean;
  /** The count is not yet in the counting element. */
  nullCount: number;
  /** The first byte of two, or -1. */
  firstByte: number;
  isHighNext: boolean;
  /** Latched for reading, or -1. */
  latch: number;
  latchedStatus: number;
  /** What was loaded last; 0 before the first load. */
  period: number;
  /** The counting element at tick `since`. */
  count: number;
  since: number;
  isRunning: boolean;
  /** Terminal count will change OUT. */
  isArmed: boolean;
  /** Ticks at which the count is loaded and at which a strobe ends, or -1. */
  loadAt: number;
  strobeEnd: number;
}

export interface I8254 {
  counters: Counter[];
}

export const i8254: Chip<I8254, "out0" | "out1" | "out2"> = {
  name: "i8254",
  cites: "Intel 82C54 data sheet, Programming the 82C54, Mode Definitions",
  powerOn: () => ({ counters: [{ ...POWER_ON }, { ...POWER_ON }, { ...POWER_ON }] }),
  registers: {
    "Counter 0": {
      at: 0,
      read: (s, now) => read(s, 0, now),
      write: (s, v, now) => write(s, 0, v, now),
    },
    "Counter 1": {
      at: 1,
      read: (s, now) => read(s, 1, now),
      write: (s, v, now) => write(s, 1, v, now),
    },
    "Counter 2": {
      at: 2,
      read: (s, now) => read(s, 2, now),
      write: (s, v, now) => write(s, 2, v, now),
    },
    "Control Word": { at: 3, write: writeControlWord },
  },
  inputs: {
    gate0: (s, level, now) => setGate(counter(s, 0), level, CLK.ticks(now)),
    gate1: (s, level, now) => setGate(counter(s, 1), level, CLK.ticks(now)),
    gate2: (s, level, now) => setGate(counter(s, 2), level, CLK.ticks(now)),
  },
  wires: (s) => ({ out0: isOut(s, 0), out1: isOut(s, 1), out2: isOut(s, 2) }),
  deadline: (s) => {
    const next = Math.min(...s.counters.map(nextEvent));
    return Number.isFinite(next) ? CLK.time(next) : null;
  },
  advance: (s, now) => {
    for (const c of s.counters) advanceCounter(c, CLK.ticks(now));
  },
};

/** The data sheet leaves it undefined. */
const POWER_ON: Counter = {
  modeBits: 3,
  bcd: 0,
  rw: 3,
  gate: 1,
  out: 1,
  cr: 0,
  isWritten: false,
  nullCount: 1,
  firstByte: -1,
  isHighNext: false,
  latch: -1,
  latchedStatus: -1,
  period: 0,
  count: 0,
  since: 0,
  isRunning: false,
  isArmed: false,
  loadAt: -1,
  strobeEnd: -1,
};

const counter = (s: I8254, n: number): Counter => s.counters[n] as Counter;
const isOut = (s: I8254, n: number): boolean => counter(s, n).out === 1;
const modeOf = (c: Counter): number => (c.modeBits > 5 ? c.modeBits - 4 : c.modeBits);
const isPeriodic = (c: Counter): boolean => modeOf(c) === 2 || modeOf(c) === 3;
const modulus = (c: Counter): number => (c.bcd === 1 ? 10_000 : 0x1_0000);

/** The count register as a number of ticks: 0 is the greatest count. */
function initialCount(c: Counter): number {
  const { cr } = c;
  if (c.bcd === 0) return cr === 0 ? 0x1_0000 : cr;
  const digits = (cr >> 12) * 1000 + ((cr >> 8) & 15) * 100 + ((cr >> 4) & 15) * 10 + (cr & 15);
  return digits % 10_000 === 0 ? 10_000 : digits % 10_000;
}

/** What a counter is set to from outside; it begins anew, with what was read and written of it so far. */
export type CounterSetting = Pick<
  Counter,
  "modeBits" | "bcd" | "rw" | "cr" | "firstByte" | "isHighNext" | "latch" | "latchedStatus"
>;

export function beginAnew(s: I8254, n: number, setting: CounterSetting, now: Cycles): void {
  const c = counter(s, n);
  const { gate } = c;
  Object.assign(c, POWER_ON, setting, { gate, isWritten: true });
  const mode = modeOf(c);
  c.out = mode === 0 ? 0 : 1;
  const isHeld = mode === 1 || mode === 5 || (mode === 0 && c.firstByte >= 0);
  if (!isHeld) c.loadAt = CLK.ticks(now) + 1;
}

// Counting

function countAt(c: Counter, tick: number): number {
  if (!c.isRunning) return c.count;
  const passed = tick - c.since;
  const step = modeOf(c) === 3 ? 2 : 1;
  const count = (c.count - step * passed) % modulus(c);
  return count < 0 ? count + modulus(c) : count;
}

/** How long the half of a square wave lasts: of an odd count, the high one is a tick longer. */
function halfPeriod(c: Counter): number {
  return c.out === 1 ? Math.ceil(c.period / 2) : Math.floor(c.period / 2);
}

/** The tick at which something happens by itself. */
function nextEvent(c: Counter): number {
  let next = Number.POSITIVE_INFINITY;
  if (c.loadAt >= 0) next = c.loadAt;
  if (c.strobeEnd >= 0) next = Math.min(next, c.strobeEnd);
  if (!c.isRunning) return next;
  const mode = modeOf(c);
  if (mode === 2) return Math.min(next, c.since + c.count - c.out);
  if (mode === 3) return Math.min(next, c.since + halfPeriod(c));
  return c.isArmed ? Math.min(next, c.since + c.count) : next;
}

function advanceCounter(c: Counter, tick: number): void {
  for (;;) {
    if (isPeriodic(c)) skipPeriods(c, tick);
    const next = nextEvent(c);
    if (next > tick) return;
    if (next === c.loadAt) load(c, next);
    else if (next === c.strobeEnd) {
      c.out = 1;
      c.strobeEnd = -1;
    } else terminalCount(c, next);
  }
}

/** Whole periods change nothing, unless another count waits for the end of one. */
function skipPeriods(c: Counter, tick: number): void {
  if (!c.isRunning || c.out === 0 || c.loadAt >= 0 || c.nullCount === 1) return;
  c.since += Math.floor((tick - c.since) / c.period) * c.period;
}

function terminalCount(c: Counter, tick: number): void {
  switch (modeOf(c)) {
    case 2:
      if (c.out === 1) c.out = 0;
      else load(c, tick);
      return;
    case 3:
      reload(c, tick, 1 - c.out);
      return;
    case 4:
    case 5:
      c.out = 0;
      c.isArmed = false;
      c.strobeEnd = tick + 1;
      return;
    default:
      c.out = 1;
      c.isArmed = false;
  }
}

/** The count register goes to the counting element. */
function load(c: Counter, tick: number): void {
  const mode = modeOf(c);
  reload(c, tick, mode === 0 || mode === 1 ? 0 : 1);
  c.isRunning = mode === 1 || mode === 5 || c.gate === 1;
  c.isArmed = !isPeriodic(c);
  c.strobeEnd = -1;
}

function reload(c: Counter, tick: number, out: number): void {
  // Modes 2 and 3 have no count of 1.
  c.period = Math.max(initialCount(c), isPeriodic(c) ? 2 : 1);
  c.count = modeOf(c) === 3 ? c.period - (c.period % 2) : c.period;
  c.since = tick;
  c.out = out;
  c.nullCount = 0;
  c.loadAt = -1;
}

/** Stops or goes on with the count as it is at `tick`. */
function setRunning(c: Counter, isRunning: boolean, tick: number): void {
  c.count = countAt(c, tick);
  c.since = tick;
  c.isRunning = isRunning;
}

function setGate(c: Counter, level: number, tick: number): void {
  const gate = level === 0 ? 0 : 1;
  if (gate === c.gate) return;
  c.gate = gate;
  const mode = modeOf(c);
  if (mode === 0 || mode === 4) {
    if (c.period > 0 && (mode === 4 || c.firstByte < 0)) setRunning(c, gate === 1, tick);
  } else if (gate === 1) {
    if (c.isWritten) c.loadAt = tick + 1;
  } else if (isPeriodic(c)) {
    setRunning(c, false, tick);
    c.out = 1;
    if (c.period > 0) c.loadAt = -1;
  }
}

// Registers

function writeControlWord(s: I8254, value: number, now: Cycles): void {
  const tick = CLK.ticks(now);
  const select = value >> 6;
  if (select === 3) {
    for (const [n, c] of s.counters.entries()) {
      if ((value & (2 << n)) === 0) continue;
      if ((value & 0x20) === 0) latchCount(c, tick);
      if ((value & 0x10) === 0 && c.latchedStatus < 0) c.latchedStatus = statusOf(c);
    }
    return;
  }
  const c = counter(s, select);
  const rw = (value >> 4) & 3;
  if (rw === 0) {
    latchCount(c, tick);
    return;
  }
  const { gate } = c;
  const count = countAt(c, tick);
  Object.assign(c, POWER_ON, { rw, gate, count, modeBits: (value >> 1) & 7, bcd: value & 1 });
  c.out = modeOf(c) === 0 ? 0 : 1;
}

function latchCount(c: Counter, tick: number): void {
  if (c.latch < 0) c.latch = encoded(c, tick);
}

/** The count as it is read. */
function encoded(c: Counter, tick: number): number {
  const count = countAt(c, tick) % modulus(c);
  if (c.bcd === 0) return count;
  const digit = (unit: number): number => Math.floor(count / unit) % 10;
  return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1);
}

const statusOf = (c: Counter): number =>
  (c.out << 7) | (c.nullCount << 6) | (c.rw << 4) | (c.modeBits << 1) | c.bcd;

function read(s: I8254, n: number, now: Cycles): number {
  const c = counter(s, n);
  if (c.latchedStatus >= 0) {
    const status = c.latchedStatus;
    c.latchedStatus = -1;
    return status;
  }
  const count = c.latch >= 0 ? c.latch : encoded(c, CLK.ticks(now));
  const isHigh = c.rw === 2 || (c.rw === 3 && c.isHighNext);
  if (c.rw === 3) c.isHighNext = !c.isHighNext;
  if (isHigh || c.rw === 1) c.latch = -1;
  return isHigh ? count >> 8 : count & 0xff;
}

function write(s: I8254, n: number, value: number, now: Cycles): void {
  const c = counter(s, n);
  const tick = CLK.ticks(now);
  if (c.rw === 3 && c.firstByte < 0) {
    c.firstByte = value;
    if (modeOf(c) === 0) stop(c, tick);
    return;
  }
  c.cr = c.rw === 3 ? c.firstByte | (value << 8) : c.rw === 2 ? value << 8 : value;
  c.firstByte = -1;
  c.isWritten = true;
  c.nullCount = 1;
  const mode = modeOf(c);
  if (mode === 0) stop(c, tick);
  // Modes 1 and 5 wait for the gate, 2 and 3 for the end of their period once they have one.
  const isTrigger = mode === 0 || mode === 4 || (isPeriodic(c) && c.period === 0);
  if (isTrigger) c.loadAt = tick + 1;
}

/** A new count in mode 0: OUT is low at once. */
function stop(c: Counter, tick: number): void {
  setRunning(c, false, tick);
  c.out = 0;
  c.isArmed = false;
  c.loadAt = -1;
}
