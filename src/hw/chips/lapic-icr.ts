/** What the interrupt command register and SELF IPI send: SDM Vol. 3, "Issuing Interprocessor Interrupts". */

import type { DeliveryMode, InterruptMessage } from "./interrupt-message.ts";

export type Ipi = InterruptMessage | "illegal vector" | null;

/** Bits of the low half that can be written; an IPI is never still on its way. */
export const ICR_BITS = 0xc_cfff;

const DELIVERY_MODES: readonly (DeliveryMode | null)[] = [
  "fixed",
  "lowest priority",
  "SMI",
  null,
  "NMI",
  "INIT",
  "startup",
  null,
];
const SHORTHANDS = ["none", "self", "all including self", "all excluding self"] as const;

const ASSERT = 0x4000;
const LEVEL = 0x8000;

/** Null when the delivery mode is reserved. Only INIT level de-assert is a level. */
export function ipi(low: number, destination: number): Ipi {
  const deliveryMode = DELIVERY_MODES[(low >> 8) & 7] ?? null;
  const vector = low & 0xff;
  if (deliveryMode === null) return null;
  const hasVector = deliveryMode === "fixed" || deliveryMode === "lowest priority";
  if (hasVector && vector < 16) return "illegal vector";
  const isDeassert = deliveryMode === "INIT" && (low & (LEVEL | ASSERT)) === LEVEL;
  return {
    destination,
    destinationMode: (low & 0x800) === 0 ? "physical" : "logical",
    shorthand: SHORTHANDS[(low >> 18) & 3] ?? "none",
    deliveryMode,
    vector,
    triggerMode: isDeassert ? "level" : "edge",
    assert: !isDeassert,
  };
}

/** Fixed, to itself. */
export const selfIpi = (vector: number): Ipi => ipi((1 << 18) | (vector & 0xff), 0);
