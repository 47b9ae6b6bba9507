/** Fetches and decodes the instruction at RIP: SDM Vol. 3, "Priority Among Concurrent Events"; "Limit Checking". */

import { isCanonical } from "./addressing.ts";
import type { Decoded } from "./decode.ts";
import type { EngineParts } from "./engine/engine.ts";
import { type Fault, GP0, plainFault } from "./fault.ts";
import { isFault } from "./mmu.ts";
import { codeSizeOf } from "./mode.ts";
import type { CpuState } from "./state.ts";

/** An instruction with the physical address of its first byte. */
export interface Fetched {
  readonly decoded: Decoded;
  readonly physical: number;
  /** It reaches into the next page. */
  readonly straddles: boolean;
}

/** How many bytes from RIP on lie within the limit of CS, up to 15; in 64-bit mode there is none. */
export function bytesToLimit(state: CpuState, rip: bigint): number {
  if (codeSizeOf(state) === 64) return 15;
  const left = BigInt(state.segment("CS").limit) - rip + 1n;
  return left <= 0n ? 0 : left >= 15n ? 15 : Number(left);
}

/** The linear address of the byte at RIP. */
export function linearOfCode(state: CpuState, rip: bigint): bigint {
  return codeSizeOf(state) === 64 ? rip : BigInt.asUintN(32, state.segmentBase("CS") + rip);
}

/** The second page is touched only when the instruction needs it. */
export function decodeAt({ state, decoder, memory }: EngineParts): Fetched | Fault {
  const { rip } = state;
  const code = codeSizeOf(state);
  const most = bytesToLimit(state, rip);
  const linear = linearOfCode(state, rip);
  if (most === 0 || !isCanonical(linear)) return GP0;
  const physical = memory.translateFetch(linear);
  if (isFault(physical)) return physical;
  const bytes = memory.codeBytes(physical).subarray(0, most);
  const decoded = decoder.decode(bytes, code);
  if (typeof decoded === "object") return { decoded, physical, straddles: false };
  if (decoded !== "short") return decoded === "#UD" ? plainFault("#UD") : GP0;
  if (bytes.length === most) return GP0;
  const next = linearOfCode(state, BigInt.asUintN(64, rip + BigInt(bytes.length)));
  if (!isCanonical(next)) return GP0;
  const second = memory.translateFetch(next);
  if (isFault(second)) return second;
  const all = Uint8Array.from([...bytes, ...memory.codeBytes(second)]).subarray(0, most);
  const whole = decoder.decode(all, code);
  if (typeof whole === "object") return { decoded: whole, physical, straddles: true };
  return whole === "#UD" ? plainFault("#UD") : GP0;
}
