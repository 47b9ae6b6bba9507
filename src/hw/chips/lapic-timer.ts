/**
 * The timer of the local APIC: one-shot, periodic and TSC-deadline. SDM Vol. 3, "APIC Timer". It counts the crystal
 * clock that CPUID leaf 15H names, which is one cycle.
 * Changing between one-shot and periodic leaves the count alone, as hardware does.
 */

import type { Cycles } from "../../sim/time.ts";

export interface LapicTimer {
  lvtTimer: number;
  initialCount: number;
  divideConfiguration: number;
  /** When the timer expires; -1 when it is stopped. */
  timerDue: Cycles;
  /** IA32_TSC_DEADLINE, and what is added to the cycles to get the time-stamp counter. */
  deadlineHigh: number;
  deadlineLow: number;
  tscHigh: number;
  tscLow: number;
}

export const TIMER_STOPPED = {
  initialCount: 0,
  divideConfiguration: 0,
  timerDue: -1,
  deadlineHigh: 0,
  deadlineLow: 0,
} as const;

const MODE = 0x6_0000;
const PERIODIC = 0x2_0000;
const TSC_DEADLINE = 0x4_0000;

/** Bits 0, 1 and 3: divide by 2, 4, … 128, and by 1. */
function divisor({ divideConfiguration: bits }: LapicTimer): number {
  const code = (bits & 3) | ((bits & 8) >> 1);
  return code === 7 ? 1 : 2 << code;
}

const isTscDeadline = (s: LapicTimer): boolean => (s.lvtTimer & MODE) === TSC_DEADLINE;

/** Passes a mode; to and from TSC-deadline mode the timer is disarmed. */
export function writeLvtTimer(s: LapicTimer, value: number): void {
  const before = isTscDeadline(s);
  s.lvtTimer = value;
  if (before !== isTscDeadline(s)) {
    Object.assign(s, TIMER_STOPPED, { divideConfiguration: s.divideConfiguration });
  }
}

export function writeInitialCount(s: LapicTimer, value: number, now: Cycles): void {
  if (isTscDeadline(s)) return;
  s.initialCount = value;
  s.timerDue = value === 0 ? -1 : now + value * divisor(s);
}

/**
 * Another count goes on from where it was; in TSC-deadline mode the deadline stays. An expired one-shot stays expired:
 * Linux lets it expire once more.
 */
export function restoreCount(
  s: LapicTimer,
  { initial, current }: { readonly initial: number; readonly current: number },
  now: Cycles,
): void {
  if (isTscDeadline(s)) {
    s.initialCount = 0;
    armTscDeadline(s, now);
    return;
  }
  Object.assign(s, { deadlineHigh: 0, deadlineLow: 0, initialCount: initial });
  const isPeriodic = (s.lvtTimer & MODE) === PERIODIC;
  const left = current === 0 && isPeriodic ? initial : Math.min(current, initial);
  s.timerDue = left === 0 ? -1 : now + left * divisor(s);
}

export function currentCount(s: LapicTimer, now: Cycles): number {
  if (isTscDeadline(s) || s.timerDue < 0) return 0;
  return Math.ceil((s.timerDue - now) / divisor(s));
}

/** What is still to be counted is counted at the new speed. */
export function writeDivideConfiguration(s: LapicTimer, value: number, now: Cycles): void {
  const count = currentCount(s, now);
  s.divideConfiguration = value & 0xb;
  if (count > 0) s.timerDue = now + count * divisor(s);
}

// TSC-deadline mode

const wide = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/** The high half waits in state for the low half. */
export function writeTscDeadline(s: LapicTimer, low: number, now: Cycles): void {
  if (!isTscDeadline(s)) {
    s.deadlineHigh = 0;
    return;
  }
  s.deadlineLow = low;
  armTscDeadline(s, now);
}

/** Of a deadline that has passed already, the timer expires at `now`. */
export function armTscDeadline(s: LapicTimer, now: Cycles): void {
  const deadline = wide(s.deadlineHigh, s.deadlineLow);
  if (!isTscDeadline(s)) return;
  s.timerDue = -1;
  if (deadline === 0n) return;
  const tsc = BigInt.asUintN(64, BigInt(now) + wide(s.tscHigh, s.tscLow));
  const due = BigInt(now) + (deadline > tsc ? deadline - tsc : 0n);
  if (due <= BigInt(Number.MAX_SAFE_INTEGER)) s.timerDue = Number(due);
}

/** Lets the timer run until `now`: whether it has expired, once or more often. */
export function advanceTimer(s: LapicTimer, now: Cycles): boolean {
  if (s.timerDue < 0 || s.timerDue > now) return false;
  if ((s.lvtTimer & MODE) === PERIODIC) {
    const period = s.initialCount * divisor(s);
    s.timerDue += period * (Math.floor((now - s.timerDue) / period) + 1);
  } else {
    s.timerDue = -1;
    s.deadlineHigh = 0;
    s.deadlineLow = 0;
  }
  return true;
}
