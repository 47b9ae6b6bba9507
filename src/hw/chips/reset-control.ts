/** The reset control register at CF9h. Intel 82371AB data sheet, "Reset Control Register". */

import type { Chip } from "./chip.ts";

export interface ResetControl {
  value: number;
  /** RCPU has gone from 0 to 1. */
  isReset: boolean;
}

/** `reset` is asserted from the moment that a reset is asked for until power-on; `hard` says whether devices take part. */
export const resetControl: Chip<ResetControl, "reset" | "hard"> = {
  name: "reset-control",
  cites: "Intel 82371AB data sheet, Reset Control Register",
  powerOn: () => ({ value: 0, isReset: false }),
  registers: { RC: { at: 0, read: (s) => s.value & ~RCPU, write } },
  inputs: {},
  wires: ({ isReset, value }) => ({ reset: isReset, hard: isReset && (value & SRST) !== 0 }),
  deadline: () => null,
  advance: () => {},
};

const SRST = 2;
const RCPU = 4;

function write(s: ResetControl, value: number): void {
  if (s.isReset) return;
  s.isReset = (value & ~s.value & RCPU) !== 0;
  s.value = value & 0x0e;
}
