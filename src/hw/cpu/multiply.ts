/** What multiplication and division share: values of two widths in rDX:rAX, or in AX (SDM Vol. 2, "MUL—Unsigned Multiply"). */

import type { Semantics } from "./semantics.ts";
import type { OperandWidth, Value } from "./uop.ts";

/** Bytes have AX, what is wider has a register for each half. */
export function setDouble(u: Semantics, high: Value, low: Value): void {
  if (low.width === 8) {
    const upper = u.shl(u.zeroExtend(high, 16), u.const(16, 8));
    u.setGpr("rAX", u.or(upper, u.zeroExtend(low, 16)));
  } else {
    u.setGpr("rAX", low);
    u.setGpr("rDX", high);
  }
}

export function readDouble(u: Semantics, width: OperandWidth): { high: Value; low: Value } {
  const low = u.gpr("rAX", width);
  if (width !== 8) return { high: u.gpr("rDX", width), low };
  return { high: u.truncate(u.shr(u.gpr("rAX", 16), u.const(16, 8)), 8), low };
}
