/** Breakpoints: SDM Vol. 3, "Debug Registers" and "Debug Exceptions". */

import { type CpuState, OFFSET } from "./state.ts";

/** Bits of DR6. */
export const DR6 = { BD: 1 << 13, BS: 1 << 14, BT: 1 << 15 } as const;
export const DR7_GD = 1n << 13n;
/** Bits that a write changes, and bits that are always 1. */
const FIELDS = {
  DR6: { writable: 0xe00fn, ones: 0xffff_0ff0n },
  DR7: { writable: 0xffff_23ffn, ones: 0x400n },
} as const;
const COUNT = 4;
const ENABLED = 0xff;
const DR7_AT = OFFSET.debug + 8 * 5;
const [EXECUTE, WRITE, IO] = [0, 1, 2];
const DR_NAMES = ["DR0", "DR1", "DR2", "DR3"] as const;
/** By the LEN field. */
const LENGTHS = [1n, 2n, 8n, 4n] as const;

/** What becomes of a value that is written. */
export const debugValue = (name: "DR6" | "DR7", value: bigint): bigint =>
  (value & FIELDS[name].writable) | FIELDS[name].ones;

/** Any breakpoint is enabled. */
export const watches = (state: CpuState): boolean =>
  (state.view.getUint32(DR7_AT, true) & ENABLED) !== 0;

/** The bits of DR6 of enabled breakpoints that fit. */
function matching(
  state: CpuState,
  fits: (kind: number, address: bigint, length: bigint) => boolean,
): number {
  const dr7 = Number(state.debug("DR7"));
  let bits = 0;
  for (let i = 0; i < COUNT; i += 1) {
    if (((dr7 >> (2 * i)) & 3) === 0) continue;
    const field = (dr7 >>> (16 + 4 * i)) & 15;
    const length = LENGTHS[field >> 2] as bigint;
    const address = state.debug(DR_NAMES[i] as "DR0") & ~(length - 1n);
    if (fits(field & 3, address, length)) bits |= 1 << i;
  }
  return bits;
}

/** Breakpoints on the instruction at a linear address. */
export const codeBreakpoints = (state: CpuState, linear: bigint): number =>
  matching(state, (kind, address) => kind === EXECUTE && address === linear);

/** Breakpoints on data that an access touches. */
export const dataBreakpoints = (
  state: CpuState,
  linear: bigint,
  size: number,
  write: boolean,
): number =>
  matching(state, (kind, address, length) => {
    const isWatched = kind === 3 || (kind === WRITE && write);
    return isWatched && linear < address + length && address < linear + BigInt(size);
  });

/** Breakpoints on ports, which CR4.DE allows; DR0 to DR3 then hold port numbers. */
export const ioBreakpoints = (state: CpuState, port: number, size: number): number =>
  matching(
    state,
    (kind, address, length) =>
      kind === IO && BigInt(port) < address + length && address < BigInt(port + size),
  );
