/**
 * Two ports by which test programs and firmware talk to whoever runs them: the console at E9h (Bochs manual, "Port E9
 * hack") and the exit at F4h (QEMU manual, device isa-debug-exit).
 */

import type { Chip } from "./chip.ts";

export interface DebugConsole {
  /** Sent and not taken yet. */
  out: number[];
}

/** `take` takes the next byte, or -1, while the wire `out` says that there is one. */
export const debugConsole: Chip<DebugConsole, "out"> = {
  name: "debug-console",
  cites: "Bochs manual, Port E9 hack",
  powerOn: () => ({ out: [] }),
  registers: { Data: { at: 0, read: () => 0xe9, write: (s, value) => send(s, value) } },
  inputs: { take: (s) => s.out.shift() ?? -1 },
  wires: (s) => ({ out: s.out.length > 0 }),
  deadline: () => null,
  advance: () => {},
};

const MOST_KEPT = 16;

/** What nobody takes is lost. */
function send(s: DebugConsole, value: number): void {
  if (s.out.length === MOST_KEPT) s.out.shift();
  s.out.push(value);
}

export interface DebugExit {
  /** What was written first, or -1. */
  value: number;
}

/** After the wire `exit`, `status` gives the exit status of the process that the machine would have been: 2n + 1. */
export const debugExit: Chip<DebugExit, "exit"> = {
  name: "debug-exit",
  cites: "QEMU manual, isa-debug-exit",
  powerOn: () => ({ value: -1 }),
  registers: { Code: { at: 0, size: 4, parts: "zero", read: () => 0, write: leave } },
  inputs: { status: (s) => (s.value < 0 ? -1 : ((s.value << 1) | 1) & 0xff) },
  wires: (s) => ({ exit: s.value >= 0 }),
  deadline: () => null,
  advance: () => {},
};

function leave(s: DebugExit, value: number): void {
  if (s.value < 0) s.value = value;
}
