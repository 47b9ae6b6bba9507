/**
 * The cost of instructions in cycles. A model, not a measurement: every instruction takes one cycle, and an
 * instruction that reaches memory one more, which keeps the order of costs of a simple in-order core.
 */

import type { Decoded } from "./decode.ts";

const BASE = 1;
const MEMORY = 1;

/** Known at decode and the same in every engine. */
export function cyclesOf({ operands }: Decoded): number {
  return operands.some(({ is }) => is === "memory") ? BASE + MEMORY : BASE;
}

/** What happens beside instructions. */
export const EVENT_CYCLES = {
  /** An interrupt or exception goes to its handler: reads of IDT and descriptors, pushes. */
  delivery: 20,
} as const;
