/** Laws of the fast system calls: there and back again, and what vendors do differently. */

import fc from "fast-check";
import { AMD, type CpuProfile, INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { type Fault, VECTORS } from "../../../src/hw/cpu/fault.ts";
import { type SlotName, writeSlot } from "../../../src/hw/cpu/msr/slots.ts";
import { type CpuState, EFER, RIGHTS } from "../../../src/hw/cpu/state.ts";
import { law } from "../../support/law.ts";
import { ENGINES, MODES, PLACES, SystemMachine } from "../../support/privileged-machines.ts";

const [SYSCALL, SYSRET, SYSRETL] = [
  [0x0f, 0x05],
  [0x48, 0x0f, 0x07],
  [0x0f, 0x07],
];
const [SYSENTER, SYSEXIT] = [
  [0x0f, 0x34],
  [0x48, 0x0f, 0x35],
];
const { "#GP": GP, "#UD": UD } = VECTORS;
const KERNEL = BigInt(PLACES.data);
const STAR = (0x23n << 48n) | (0x10n << 32n);
/** What a program can have set: status flags, IF, DF, AC and ID. */
const USER_FLAGS = 0x24_0ed5n;

const msrs =
  (values: Partial<Record<SlotName, bigint>>) =>
  (state: CpuState): void => {
    for (const [name, value = 0n] of Object.entries(values))
      writeSlot(state, name as SlotName, value);
  };

law("syscall-and-sysret-go-there-and-back", {
  says: "SYSCALL saves RIP and RFLAGS in rCX and r11, clears the flags of IA32_FMASK and goes to IA32_LSTAR at CPL 0 in the segments of IA32_STAR; SYSRET goes back.",
  cites: 'SDM Vol. 2B, "SYSCALL—Fast System Call", "SYSRET—Return From Fast System Call"',
  forAll: {
    profile: fc.constantFrom(INTEL, AMD),
    flags: fc.bigInt({ min: 0n, max: 2n ** 22n }),
    mask: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    wide: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ profile, flags, mask, wide, engine }) => {
    const rflags = (flags & USER_FLAGS) | 2n;
    const change = (state: CpuState): void => {
      msrs({ IA32_STAR: STAR, IA32_LSTAR: KERNEL, IA32_FMASK: mask })(state);
      state.rflags = rflags;
    };
    const data = Uint8Array.from(wide ? SYSRET : SYSRETL);
    const of = { profile, mode: "64-bit", cpl: 3, code: SYSCALL, data, change } as const;
    const machine = new SystemMachine(of, engine);
    const { state } = machine;
    machine.state.setGpr(4, 0x7777n);
    if (machine.step() !== null) throw new Error("SYSCALL faults");
    const next = BigInt(PLACES.code + SYSCALL.length);
    const there = [state.rip, state.gpr(1), state.gpr(11), state.rflags, state.gpr(4)];
    const expected = [KERNEL, next, rflags, (rflags & ~mask) | 2n, 0x7777n];
    if (there.join() !== expected.join()) throw new Error(there.join());
    const kernel = [state.selector("CS"), state.selector("SS"), state.cpl];
    if (kernel.join() !== [0x10, 0x18, 0].join()) throw new Error(kernel.join());
    if ((state.rights("CS") & RIGHTS.long) === 0) throw new Error("no 64-bit code");
    if (machine.step() !== null) throw new Error("SYSRET faults");
    const program = [state.selector("CS"), state.selector("SS"), state.cpl].join();
    return (
      state.rip === next &&
      state.rflags === rflags &&
      program === [wide ? 0x33 : 0x23, 0x2b, 3].join() &&
      ((state.rights("CS") & RIGHTS.long) !== 0) === wide
    );
  },
});

interface Fact {
  readonly says: string;
  readonly profile: CpuProfile;
  readonly code: readonly number[];
  readonly mode: (typeof MODES)[number];
  readonly rcx?: bigint;
  readonly off?: boolean;
  /** The exception, or where it goes at which level. */
  readonly becomes: number | readonly [rip: bigint, cpl: 0 | 3];
}

const WILD = 0x8000_0000_0000n;
const COMPATIBLE = KERNEL + 0x100n;
const FACTS: readonly Fact[] = [
  { says: "64-bit only", profile: INTEL, code: SYSCALL, mode: ["compatibility", 3], becomes: UD },
  { says: "64-bit only", profile: INTEL, code: SYSCALL, mode: ["protected", 3], becomes: UD },
  {
    says: "CSTAR",
    profile: AMD,
    code: SYSCALL,
    mode: ["compatibility", 3],
    becomes: [COMPATIBLE, 0],
  },
  { says: "STAR", profile: AMD, code: SYSCALL, mode: ["protected", 3], becomes: [0n, 0] },
  { says: "SCE", profile: INTEL, code: SYSCALL, mode: ["64-bit", 3], off: true, becomes: UD },
  { says: "SCE", profile: AMD, code: SYSCALL, mode: ["64-bit", 3], off: true, becomes: UD },
  { says: "SCE", profile: AMD, code: SYSRET, mode: ["64-bit", 0], off: true, becomes: UD },
  { says: "CPL", profile: INTEL, code: SYSRET, mode: ["64-bit", 3], becomes: GP },
  { says: "CPL", profile: AMD, code: SYSRET, mode: ["64-bit", 3], becomes: GP },
  { says: "wild", profile: INTEL, code: SYSRET, mode: ["64-bit", 0], rcx: WILD, becomes: GP },
  {
    says: "wild",
    profile: AMD,
    code: SYSRET,
    mode: ["64-bit", 0],
    rcx: WILD,
    becomes: [WILD, 3],
  },
  { says: "long", profile: AMD, code: SYSENTER, mode: ["64-bit", 3], becomes: UD },
  { says: "long", profile: AMD, code: SYSENTER, mode: ["compatibility", 3], becomes: UD },
  { says: "long", profile: INTEL, code: SYSENTER, mode: ["64-bit", 3], becomes: [KERNEL, 0] },
  {
    says: "long",
    profile: INTEL,
    code: SYSENTER,
    mode: ["compatibility", 3],
    becomes: [KERNEL, 0],
  },
  { says: "legacy", profile: AMD, code: SYSENTER, mode: ["protected", 3], becomes: [KERNEL, 0] },
  { says: "real", profile: INTEL, code: SYSENTER, mode: ["real", 0], becomes: GP },
  { says: "long", profile: AMD, code: SYSEXIT, mode: ["64-bit", 0], becomes: UD },
  { says: "CPL", profile: INTEL, code: SYSEXIT, mode: ["64-bit", 3], becomes: GP },
  { says: "wild", profile: INTEL, code: SYSEXIT, mode: ["64-bit", 0], rcx: WILD, becomes: GP },
  { says: "back", profile: INTEL, code: SYSEXIT, mode: ["64-bit", 0], becomes: [0x40n, 3] },
];

law("vendors-differ-in-system-calls", {
  says: "Which modes have SYSCALL, SYSRET, SYSENTER and SYSEXIT, and what an address that is not canonical does to a return, is as each vendor's manual says.",
  cites: 'SDM Vol. 2B, "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT"; APM Vol. 3, the same',
  forAll: { fact: fc.constantFrom(...FACTS), engine: fc.constantFrom(...ENGINES) },
  runs: 150,
  holds: ({ fact, engine }) => {
    const { profile, code, rcx = 0x80n, becomes } = fact;
    const [mode, cpl] = fact.mode;
    const change = (state: CpuState): void => {
      msrs({
        IA32_STAR: STAR,
        IA32_LSTAR: KERNEL,
        IA32_CSTAR: COMPATIBLE,
        IA32_SYSENTER_CS: 0x10n,
        IA32_SYSENTER_EIP: KERNEL,
        IA32_SYSENTER_ESP: 0x6000n,
      })(state);
      const sce = fact.off === true ? 0n : EFER.SCE;
      state.setControl("EFER", (state.control("EFER") & ~EFER.SCE) | sce);
      state.setGpr(4, 0x1234n);
    };
    const of = { profile, mode, cpl, code, gpr: { 1: rcx, 2: 0x40n }, change };
    const machine = new SystemMachine(of, engine);
    const { state } = machine;
    const fault: Fault | null = machine.step();
    if (typeof becomes === "number")
      return fault?.vector === becomes && state.cpl === cpl && state.gpr(4) === 0x1234n;
    return fault === null && state.rip === becomes[0] && state.cpl === becomes[1];
  },
});

law("sysret-traps-by-the-flags-that-it-brings", {
  says: "SYSRET from 64-bit mode that brings TF back leaves a single-step trap behind, before any instruction of the caller; without TF it leaves none.",
  cites: "Linux, arch/x86/entry/entry_64.S; kvm-unit-tests, x86/syscall.c",
  forAll: {
    profile: fc.constantFrom(INTEL, AMD),
    traced: fc.boolean(),
    code: fc.constantFrom(SYSRET, SYSRETL),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 30,
  holds: ({ profile, traced, code, engine }) => {
    const change = msrs({ IA32_STAR: STAR });
    const gpr = { 1: KERNEL, 11: traced ? 0x102n : 2n };
    const of = { profile, mode: "64-bit", cpl: 0, code, gpr, change } as const;
    const machine = new SystemMachine(of, engine);
    if (machine.step() !== null) throw new Error("SYSRET faults");
    return machine.state.pendingDebug === (traced ? 0x4000 : 0);
  },
});
