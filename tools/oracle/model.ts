/** Puts a case of the oracle to the simulated CPU, in either engine, and gives the answer in the oracle's terms. */

import { INTEL } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../../src/hw/cpu/environment.ts";
import type { Fault } from "../../src/hw/cpu/fault.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { startLongMode } from "../../src/hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState, CR4 } from "../../src/hw/cpu/state.ts";
import { STATUS_FLAGS } from "../../src/hw/cpu/uop.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import {
  type MemoryRange,
  type Mode,
  type NativeCase,
  type NativeResult,
  RFLAGS_FIXED,
  WINDOW,
} from "./records.ts";
import { WindowMemory } from "./window-memory.ts";
import { differencesOfX87, setX87, type X87Image, x87Of, x87OfState } from "./x87-image.ts";

const RECORD_BYTES = 1 << 16;

const decoder = new Decoder(INSTRUCTIONS);

const environment = new BareEnvironment(INTEL);
/** Of a code segment of 32 bits for CPL 3. */
const COMPATIBILITY_RIGHTS = 0xc0fb;

/** What the model and the oracle must agree on. */
export interface Answer {
  readonly fault: Fault | null;
  readonly rip: bigint;
  readonly gpr: readonly bigint[];
  readonly rflags: bigint;
  readonly xmm: readonly bigint[];
  readonly mxcsr: number;
  /** What FXSAVE would store of the x87 unit. */
  readonly x87: X87Image;
  readonly memory: readonly MemoryRange[];
  /** Bits of RFLAGS that the manual leaves undefined. */
  readonly undefinedFlags: bigint;
}

export const ENGINES = ["reference", "interpreter"] as const;
export type Engine = (typeof ENGINES)[number];

export function runModel(engine: Engine, input: NativeCase): Answer {
  const memory = new WindowMemory(input);
  // The reference needs no linear memory but that of its registers.
  const paged = engine === "reference" ? null : new PagedMemory(4096, CPU_BYTES + RECORD_BYTES);
  const state = new CpuState(paged?.wasm.buffer ?? new ArrayBuffer(BLOCK_BYTES), 0);
  startLongMode(state, 3);
  state.setControl("CR4", state.control("CR4") | CR4.OSXSAVE);
  input.gpr.forEach((value, i) => state.setGpr(i, value));
  state.rflags = input.rflags | RFLAGS_FIXED;
  state.setSegment("FS", { ...state.segment("FS"), base: input.fsBase });
  state.setSegment("GS", { ...state.segment("GS"), base: input.gsBase });
  xmmOf(input.fx).forEach((value, i) => state.setXmm(i, value));
  state.mxcsr = mxcsrOf(input.fx);
  setX87(state, x87Of(input.fx));
  const start = BigInt(WINDOW.code.address + input.codeOffset);
  state.rip = start;
  const { step, undefinedFlags } = stepper(input.mode, state, memory, paged);
  let fault: Fault | null = null;
  for (let steps = 0; steps < (input.maxSteps ?? 1); steps += 1) {
    fault = step();
    if (fault !== null || state.rip !== start) break;
  }
  return {
    fault,
    rip: state.rip,
    gpr: Array.from({ length: 16 }, (_, i) => state.gpr(i)),
    rflags: state.rflags,
    xmm: Array.from({ length: 16 }, (_, i) => state.xmm(i)),
    mxcsr: state.mxcsr,
    x87: x87OfState(state),
    memory: memory.changes(),
    undefinedFlags: undefinedFlags(),
  };
}

/** Of an image as FXSAVE makes it. */
function xmmOf(fx: Uint8Array): readonly bigint[] {
  const view = new DataView(fx.buffer, fx.byteOffset, fx.byteLength);
  return Array.from(
    { length: 16 },
    (_, i) =>
      (view.getBigUint64(168 + 16 * i, true) << 64n) | view.getBigUint64(160 + 16 * i, true),
  );
}

const mxcsrOf = (fx: Uint8Array): number =>
  new DataView(fx.buffer, fx.byteOffset, fx.byteLength).getUint32(24, true);

function stepper(
  mode: Mode,
  state: CpuState,
  memory: WindowMemory,
  paged: PagedMemory | null,
): { step: () => Fault | null; undefinedFlags: () => bigint } {
  if (mode === 32) {
    state.setSegment("CS", { ...state.segment("CS"), rights: COMPATIBILITY_RIGHTS });
  }
  if (paged === null) {
    const cpu = new ReferenceCpu({ state, decoder, memory, environment });
    const bits = (): bigint =>
      cpu.undefinedFlags.reduce((all, flag) => all | (1n << BigInt(STATUS_FLAGS[flag])), 0n);
    return { step: () => cpu.step(), undefinedFlags: bits };
  }
  const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
  const cpu = new Interpreter(paged.wasm, { state, decoder, memory, environment }, area);
  return { step: () => cpu.run(state.cycles + 1), undefinedFlags: () => 0n };
}

/** NT and ID: a return from a signal handler, which there is one of after each iteration, clears them. */
const LOST_BETWEEN_STEPS = 0x20_4000n;

/** In what an answer differs from the CPU's, one line each; `undefinedFlags` are bits of RFLAGS. */
export function differences(
  native: NativeResult,
  model: Answer,
  undefinedFlags: bigint,
): readonly string[] {
  const ignored =
    undefinedFlags | (native.steps > 1 || native.fault !== undefined ? LOST_BETWEEN_STEPS : 0n);
  const found: string[] = [];
  const compare = (what: string, theirs: string, ours: string): void => {
    if (theirs !== ours) found.push(`${what}: ${theirs} on the CPU, ${ours} here`);
  };
  compare("fault", nativeFault(native), faultText(model.fault));
  compare("RIP", native.rip.toString(16), model.rip.toString(16));
  native.gpr.forEach((value, i) =>
    compare(`register ${i}`, value.toString(16), (model.gpr[i] as bigint).toString(16)),
  );
  compare(
    "RFLAGS",
    (native.rflags & ~ignored).toString(16),
    (model.rflags & ~ignored).toString(16),
  );
  xmmOf(native.fx).forEach((value, i) =>
    compare(`XMM${i}`, value.toString(16), (model.xmm[i] as bigint).toString(16)),
  );
  compare("MXCSR", mxcsrOf(native.fx).toString(16), model.mxcsr.toString(16));
  differencesOfX87(x87Of(native.fx), model.x87, compare);
  compare("memory", memoryText(native.memory), memoryText(model.memory));
  return found;
}

function nativeFault({ outcome, fault }: NativeResult): string {
  if (outcome === "completed" || outcome === "step-limit") return "none";
  if (fault === undefined) return outcome;
  return `${fault.vector} ${fault.errorCode} ${fault.address.toString(16)}`;
}

function faultText(fault: Fault | null): string {
  if (fault === null) return "none";
  return `${fault.vector} ${fault.errorCode ?? 0} ${(fault.address ?? 0n).toString(16)}`;
}

const memoryText = (ranges: readonly MemoryRange[]): string =>
  ranges
    .map(({ address, bytes }) => `${address.toString(16)}=${Buffer.from(bytes).toString("hex")}`)
    .join(" ");
