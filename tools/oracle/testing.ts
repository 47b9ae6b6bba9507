/** What the oracle's tests share: cases written briefly, and names for registers and flags. */

import { type Oracle, runNative } from "./native.ts";
import { initialFx, type NativeCase, type NativeResult, WINDOW } from "./records.ts";

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RSP = 4;
export const RSI = 6;
export const RDI = 7;
export const CODE = WINDOW.code.address + 0x800;
export const DATA = BigInt(WINDOW.data.address);
export const CF = 1n;
export const PF = 4n;
export const AF = 0x10n;
export const ZF = 0x40n;
export const SF = 0x80n;
export const DF = 0x400n;
export const OF = 0x800n;
export const NT = 0x4000n;
export const AC = 0x4_0000n;
export const STATUS = CF | PF | AF | ZF | SF | OF;

export type Registers = Readonly<Record<number, bigint>>;

/** Registers not given are 0, but for RSP, which is in the stack page. */
export function caseOf(
  code: readonly number[],
  registers: Registers = {},
  more: Partial<NativeCase> = {},
): NativeCase {
  const gpr = new BigUint64Array(16);
  gpr[RSP] = BigInt(WINDOW.stack.address + 0x800);
  for (const [register, value] of Object.entries(registers)) gpr[Number(register)] = value;
  return {
    mode: 64,
    code: Uint8Array.from(code),
    codeOffset: 0x800,
    gpr,
    rflags: 0x202n,
    fsBase: 0n,
    gsBase: 0n,
    fx: initialFx(),
    fillSeed: 7,
    patches: [],
    ...more,
  };
}

export function bytesOf(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

export function doubleBits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}

/** XMM0 and XMM1 as doubles in their low halves; MXCSR. */
export function sseState(xmm0: number, xmm1: number, mxcsr = 0x1f80): Uint8Array {
  const fx = initialFx();
  const view = new DataView(fx.buffer);
  view.setUint32(24, mxcsr, true);
  view.setFloat64(160, xmm0, true);
  view.setFloat64(176, xmm1, true);
  return fx;
}

export type Run = (...given: Parameters<typeof caseOf>) => NativeResult;

/** Runs one case that is written as for `caseOf`. */
export function runner(oracle: Oracle): Run {
  return (...given) => {
    const [result] = runNative(oracle, [caseOf(...given)]);
    if (result === undefined) throw new Error("no result");
    return result;
  };
}
