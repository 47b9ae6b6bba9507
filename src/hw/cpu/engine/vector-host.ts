/** What emitted code calls for vectors: accesses of 16 bytes that it cannot do by itself, and softfloat. */

import type { Fault } from "../fault.ts";
import { isFault, type LinearMemory } from "../mmu.ts";
import type { CpuState } from "../state.ts";
import { isAligned, readVector, writeVector } from "../vector-access.ts";
import { float, settle } from "../vector-float.ts";
import { floatSpec } from "./emit-float.ts";
import { SLOW_ALIGNED } from "./emit-vector.ts";
import { SCRATCH } from "./layout.ts";

/** What the interpreter lends. */
export interface VectorHost {
  readonly state: CpuState;
  readonly memory: LinearMemory;
  /** Does an access of the instruction at a record: as of its time, and looking for attention afterwards. */
  readonly atItsTime: (at: number, access: () => number) => number;
  /** Notes a fault of the instruction at a record; gives what the call returns. */
  readonly fail: (at: number, fault: Fault) => number;
  /** The fault of an address of this instruction that is not canonical, or beyond its segment. */
  readonly segmentFault: (at: number, what: number) => Fault;
  readonly isAllowed: (at: number, linear: bigint) => boolean;
  /** Lets emitted code reach the page by itself from now on. */
  readonly rememberPage: (linear: bigint, access: "read" | "write") => void;
}

type Access = (cpu: number, at: number, low: number, high: number, what: number) => number;

export interface VectorFunctions {
  readonly slowVectorRead: Access;
  readonly slowVectorWrite: Access;
  readonly slowFloat: (cpu: number, at: number, code: number, control: number) => number;
}

export function vectorFunctions(host: VectorHost): VectorFunctions {
  const { state, memory, fail } = host;
  const { view } = state;
  const get = (at: number): bigint =>
    (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true);
  const put = (at: number, value: bigint): void => {
    view.setBigUint64(at, BigInt.asUintN(64, value), true);
    view.setBigUint64(at + 8, value >> 64n, true);
  };
  const place = (at: number, low: number, high: number, what: number) => ({
    linear: (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0),
    aligned: (what & SLOW_ALIGNED) !== 0,
    notCanonical: host.segmentFault(at, what),
  });
  const isAllowed = (at: number, wanted: { linear: bigint; aligned: boolean }): boolean =>
    !isAligned(wanted) || host.isAllowed(at, wanted.linear);
  const read = (at: number, low: number, high: number, what: number): number => {
    const wanted = place(at, low, high, what);
    if (!isAllowed(at, wanted)) return fail(at, wanted.notCanonical);
    const value = readVector(memory, wanted);
    if (isFault(value)) return fail(at, value);
    put(SCRATCH.vectorA, value);
    host.rememberPage(wanted.linear, "read");
    return 0;
  };
  const write = (at: number, low: number, high: number, what: number): number => {
    const wanted = place(at, low, high, what);
    if (!isAllowed(at, wanted)) return fail(at, wanted.notCanonical);
    const fault = writeVector(memory, wanted, get(SCRATCH.vectorA));
    if (fault !== null) return fail(at, fault);
    host.rememberPage(wanted.linear, "write");
    return 0;
  };
  return {
    slowVectorRead: (_cpu, at, low, high, what) =>
      host.atItsTime(at, () => read(at, low, high, what)),
    slowVectorWrite: (_cpu, at, low, high, what) =>
      host.atItsTime(at, () => write(at, low, high, what)),
    slowFloat(_cpu, at, code, control) {
      const [a, b] = [get(SCRATCH.vectorA), get(SCRATCH.vectorB)];
      const result = float(floatSpec(code), a, b, control & 0xff, state.mxcsr);
      const fault = settle(state, result);
      if (fault !== null) return fail(at, fault);
      put(SCRATCH.vectorA, result.value);
      return 0;
    },
  };
}
