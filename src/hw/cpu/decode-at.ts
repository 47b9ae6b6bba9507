/** Fetches and decodes the instruction at a linear address: SDM Vol. 3, "Priority Among Simultaneous Exceptions". */

import { isCanonical } from "./addressing.ts";
import type { CodeSize, Decoded, Decoder } from "./decode.ts";
import { type Fault, GP0, plainFault } from "./fault.ts";
import { isFault, type LinearMemory } from "./mmu.ts";

/** An instruction with the physical address of its first byte. */
export interface Fetched {
  readonly decoded: Decoded;
  readonly physical: number;
  /** It reaches into the next page. */
  readonly straddles: boolean;
}

/** The second page is touched only when the instruction needs it. */
export function decodeAt(
  decoder: Decoder,
  memory: LinearMemory,
  rip: bigint,
  code: CodeSize,
): Fetched | Fault {
  if (!isCanonical(rip)) return GP0;
  const physical = memory.translateFetch(rip);
  if (isFault(physical)) return physical;
  const bytes = memory.codeBytes(physical);
  const decoded = decoder.decode(bytes, code);
  if (typeof decoded === "object") return { decoded, physical, straddles: false };
  if (decoded !== "short") return decoded === "#UD" ? plainFault("#UD") : GP0;
  const next = BigInt.asUintN(64, rip + BigInt(bytes.length));
  if (!isCanonical(next)) return GP0;
  const second = memory.translateFetch(next);
  if (isFault(second)) return second;
  const whole = decoder.decode(Uint8Array.from([...bytes, ...memory.codeBytes(second)]), code);
  if (typeof whole === "object") return { decoded: whole, physical, straddles: true };
  return whole === "#GP(0)" ? GP0 : plainFault("#UD");
}
