/** Laws of calls through gates to inner levels, with the task-state segment that gives the stack. */

import fc from "fast-check";
import { INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { Interpreter } from "../../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../../../src/hw/cpu/environment.ts";
import type { Fault } from "../../../src/hw/cpu/fault.ts";
import { PhysicalMemory } from "../../../src/hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../../../src/hw/cpu/reference.ts";
import { startProtectedMode } from "../../../src/hw/cpu/start.ts";
import { CpuState } from "../../../src/hw/cpu/state.ts";
import { Tlb } from "../../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../../src/hw/cpu/translated-memory.ts";
import { PagedMemory } from "../../../src/sim/paged-memory.ts";
import { law } from "../../support/law.ts";
import { decoder } from "../../support/programs.ts";

const [GDT, TSS, CODE, TARGET] = [0x1000, 0x2000, 0x3000, 0x4000];
const [OUTER, INNER] = [0x6000, 0x7000];
const RECORD_BYTES = 1 << 17;
/** Selectors: code and stack of level 3, of level 0, the gate, and the TSS. */
const S = { code3: 0x1b, data3: 0x23, code0: 0x08, data0: 0x10, gate: 0x2b, tss: 0x30 } as const;
const BEYOND = 0x100;
const VECTOR = { TS: 10, NP: 11, SS: 12, GP: 13 } as const;
const RSP = 4;

/** What is wrong, and the exception that the manual gives it. */
const WRONGS = {
  nothing: null,
  "gate not present": [VECTOR.NP, S.gate & ~3],
  "gate of level 0": [VECTOR.GP, S.gate & ~3],
  "no code": [VECTOR.GP, 0],
  "code beyond the table": [VECTOR.GP, BEYOND],
  "code that is data": [VECTOR.GP, S.code0],
  "code not present": [VECTOR.NP, S.code0],
  "offset beyond the code": [VECTOR.GP, 0],
  "TSS too short": [VECTOR.TS, S.tss],
  "no stack": [VECTOR.TS, 0],
  "stack beyond the table": [VECTOR.TS, BEYOND],
  "stack of level 3": [VECTOR.TS, S.data0],
  "stack that is read-only": [VECTOR.TS, S.data0],
  "stack not present": [VECTOR.SS, S.data0],
  "stack too small": [VECTOR.SS, S.data0],
} as const satisfies Readonly<Record<string, readonly [number, number] | null>>;
type Wrong = keyof typeof WRONGS;

law("calls-to-inner-levels-change-stacks", {
  says: "A call through a gate to an inner level goes on at the gate's offset with the stack of the TSS, on which the old SS and stack pointer, the parameters, CS and the return address lie, in the size of the gate; what is wrong with gate, code, TSS or stack is the manual's exception, and changes nothing.",
  cites:
    'SDM Vol. 2A, "CALL—Call Procedure"; Vol. 3, "Accessing a Code Segment Through a Call Gate", "Stack Switching"',
  forAll: {
    wrong: fc.constantFrom(...(Object.keys(WRONGS) as Wrong[])),
    wideGate: fc.boolean(),
    wideTss: fc.boolean(),
    parameters: fc.nat(31),
    engine: fc.constantFrom("reference" as const, "interpreter" as const),
  },
  runs: 300,
  holds: ({ wrong, wideGate, wideTss, parameters, engine }) => {
    const memory = new PagedMemory(0x1_0000, CPU_BYTES + RECORD_BYTES);
    const state = new CpuState(memory.wasm.buffer, 0);
    lay(memory, { wrong, wideGate, wideTss, parameters });
    start(state, wrong, wideTss);
    const before = Buffer.from(state.bytes()).toString("hex");
    const fault = step(memory, state, engine);
    const expected: readonly [number, number] | null = WRONGS[wrong];
    if (expected !== null) {
      const now = Buffer.from(state.bytes()).toString("hex");
      return fault?.vector === expected[0] && fault.errorCode === expected[1] && now === before;
    }
    const size = wideGate ? 4 : 2;
    const at = Number(state.gpr(RSP));
    const read = (i: number): number =>
      size === 4 ? memory.read32(at + 4 * i) : memory.read16(at + 2 * i);
    const words = Array.from({ length: parameters + 4 }, (_, i) => read(i));
    const pushed = [CODE + 7, S.code3, ...values(parameters), OUTER, S.data3];
    return (
      fault === null &&
      state.cpl === 0 &&
      state.rip === BigInt(TARGET) &&
      state.selector("CS") === S.code0 &&
      state.selector("SS") === S.data0 &&
      at === INNER - size * words.length &&
      words.every((word, i) => word === pushed[i])
    );
  },
});

const values = (count: number): number[] => Array.from({ length: count }, (_, i) => 0x100 + i);

const descriptor = (limit: number, rights: number): bigint =>
  (BigInt(rights) << 40n) | (BigInt(limit >> 16) << 48n) | BigInt(limit & 0xffff);

/** Rights with 32 bits; the limit in bytes. */
const flat = (rights: number): bigint => descriptor(0xf_ffff, rights) | (0x40n << 48n);

function lay(
  memory: PagedMemory,
  of: { wrong: Wrong; wideGate: boolean; wideTss: boolean; parameters: number },
): void {
  const { wrong, wideGate, wideTss, parameters } = of;
  const code =
    wrong === "code that is data"
      ? flat(0x93)
      : wrong === "code not present"
        ? flat(0x1b)
        : wrong === "offset beyond the code"
          ? descriptor(0xfff, 0x9b) | (0x40n << 48n)
          : flat(0x9b);
  const stackRights =
    wrong === "stack of level 3"
      ? 0xf3
      : wrong === "stack that is read-only"
        ? 0x91
        : wrong === "stack not present"
          ? 0x13
          : 0x93;
  const stack =
    wrong === "stack too small"
      ? descriptor(0xff, stackRights) | (0x40n << 48n)
      : flat(stackRights);
  const target = wrong === "no code" ? 0 : wrong === "code beyond the table" ? BEYOND : S.code0;
  const level = wrong === "gate of level 0" ? 0 : 3;
  const present = wrong === "gate not present" ? 0 : 0x80;
  const rights = present | (level << 5) | (wideGate ? 12 : 4);
  const gate = (BigInt((rights << 8) | parameters) << 32n) | BigInt((target << 16) | TARGET);
  [0n, code, stack, flat(0xfb), flat(0xf3), gate, descriptor(0x67, 0x8b)].forEach((entry, i) => {
    memory.write64(GDT + 8 * i, entry);
  });
  const selector = wrong === "no stack" ? 0 : wrong === "stack beyond the table" ? BEYOND : S.data0;
  if (wideTss) {
    memory.write32(TSS + 4, INNER);
    memory.write16(TSS + 8, selector);
  } else {
    memory.write16(TSS + 2, INNER);
    memory.write16(TSS + 4, selector);
  }
  const bytes = wideGate ? 4 : 2;
  values(parameters).forEach((value, i) => {
    if (bytes === 4) memory.write32(OUTER + 4 * i, value);
    else memory.write16(OUTER + 2 * i, value);
  });
  // call far: the offset does not matter.
  memory.write(CODE, Uint8Array.of(0x9a, 0, 0, 0, 0, S.gate, 0));
}

function start(state: CpuState, wrong: Wrong, wideTss: boolean): void {
  startProtectedMode(state);
  const rights = (of: number): number => of | 0xc000;
  for (const name of ["ES", "DS", "FS", "GS", "SS"] as const)
    state.setSegment(name, {
      selector: S.data3,
      base: 0n,
      limit: 0xffff_ffff,
      rights: rights(0xf3),
    });
  state.setSegment("CS", {
    selector: S.code3,
    base: 0n,
    limit: 0xffff_ffff,
    rights: rights(0xfb),
  });
  state.setTable("GDTR", { base: BigInt(GDT), limit: 7 * 8 - 1 });
  state.setSystemSegment("TR", {
    selector: S.tss,
    base: BigInt(TSS),
    limit: wrong === "TSS too short" ? 1 : 0x67,
    rights: wideTss ? 0x8b : 0x83,
  });
  state.rip = BigInt(CODE);
  state.setGpr(RSP, BigInt(OUTER));
}

function step(
  memory: PagedMemory,
  state: CpuState,
  engine: "reference" | "interpreter",
): Fault | null {
  const environment = new BareEnvironment(INTEL);
  const translated = new TranslatedMemory(
    state,
    new PhysicalMemory(memory),
    new Tlb(64),
    new Tlb(64),
  );
  const parts = { state, memory: translated, environment, decoder };
  if (engine === "reference") return new ReferenceCpu(parts).step();
  const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
  return new Interpreter(memory.wasm, parts, area).run(state.cycles + 1);
}
