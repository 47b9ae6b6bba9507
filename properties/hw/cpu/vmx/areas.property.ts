/** Laws of MSR areas, of control registers behind masks, and of instructions without a current VMCS. */

import fc from "fast-check";
import { readMsr } from "../../../../src/hw/cpu/msr/access.ts";
import { ACTIVITY, CR0, PENDING } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { AT, BITS, ENGINES, type Fields, VmxMachine } from "../../../support/vmx-machines.ts";

const VMCALL = [0x0f, 0x01, 0xc1];
const CANONICAL = 0x1234_5678n;
const [ENTRY_AREA, STORE_AREA, LOAD_AREA] = [AT.msrAreas, AT.msrAreas + 0x200, AT.msrAreas + 0x400];
const INVALID_MSRS = 34n | (1n << 31n);
const [CALL, CR_ACCESS, INIT, TPR_BELOW] = [18n, 28n, 3n, 43n];
const [LOAD_FAILED, STORE_FAILED] = [4, 1];

interface Entry {
  readonly index: number;
  readonly reserved: number;
}
/** SYSENTER_ESP, LSTAR and KERNEL_GS_BASE can be loaded and stored; those of the manual's list cannot be loaded. */
const GOOD = [0x175, 0xc000_0082, 0xc000_0102];
const ONLY_STORED = [0xc000_0100, 0xc000_0101];
const NEITHER = [0x808, 0x9b, 0x9e, 0x1234_5678];

const anyEntries = (): fc.Arbitrary<readonly Entry[]> =>
  fc.array(
    fc.record({
      index: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...GOOD) },
        { weight: 1, arbitrary: fc.constantFrom(...ONLY_STORED, ...NEITHER) },
      ),
      reserved: fc.constantFrom(0, 0, 0, 0, 0, 1),
    }),
    { maxLength: 4 },
  );

const firstBad = (entries: readonly Entry[], good: readonly number[]): number =>
  entries.findIndex(({ index, reserved }) => reserved !== 0 || !good.includes(index)) + 1;

law("msr-areas-are-loaded-and-stored", {
  says: "An entry loads the MSRs of its area in order, and fails with the number of the first that cannot be loaded; an exit stores and loads those of its own, and one that it cannot is a VMX abort, which shuts the processor down.",
  cites: 'SDM Vol. 3, "Loading MSRs" of VM entries and of VM exits, "Saving MSRs", "VMX Aborts"',
  forAll: {
    entry: anyEntries(),
    store: anyEntries(),
    load: anyEntries(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ entry, store, load, engine }) => {
    const fields: Fields = {
      "VM-entry MSR-load address": BigInt(ENTRY_AREA),
      "VM-entry MSR-load count": BigInt(entry.length),
      "VM-exit MSR-store address": BigInt(STORE_AREA),
      "VM-exit MSR-store count": BigInt(store.length),
      "VM-exit MSR-load address": BigInt(LOAD_AREA),
      "VM-exit MSR-load count": BigInt(load.length),
    };
    const machine = new VmxMachine({ mode: "64-bit", code: VMCALL, fields }, engine);
    const { memory, state, environment, translated } = machine;
    const lay = (at: number, entries: readonly Entry[], value: bigint): void =>
      entries.forEach(({ index, reserved }, i) => {
        memory.write32(at + 16 * i, index);
        memory.write32(at + 16 * i + 4, reserved);
        memory.write64(at + 16 * i + 8, value + BigInt(i));
      });
    lay(ENTRY_AREA, entry, CANONICAL);
    lay(STORE_AREA, store, 0n);
    lay(LOAD_AREA, load, 2n * CANONICAL);
    const msr = (index: number): bigint | null =>
      readMsr({ state, environment, memory: translated }, index);
    machine.launch();
    const bad = firstBad(entry, GOOD);
    if (bad > 0) {
      if (machine.read("Exit reason") !== INVALID_MSRS) return false;
      return machine.read("Exit qualification") === BigInt(bad);
    }
    const loaded = new Map(entry.map(({ index }, i) => [index, CANONICAL + BigInt(i)]));
    for (const [index, value] of loaded) if (msr(index) !== value) return false;
    const guest = store.map(({ index }) => msr(index));
    machine.untilExit();
    const badStore = firstBad(store, [...GOOD, ...ONLY_STORED]);
    const badLoad = firstBad(load, GOOD);
    if (badStore > 0 || badLoad > 0)
      return (
        state.activity === ACTIVITY.shutdown &&
        memory.read32(AT.vmcs + 4) === (badStore > 0 ? STORE_FAILED : LOAD_FAILED)
      );
    const isStored = store.every((_, i) => memory.read64(STORE_AREA + 16 * i + 8) === guest[i]);
    const after = new Map(load.map(({ index }, i) => [index, 2n * CANONICAL + BigInt(i)]));
    return isStored && [...after].every(([index, value]) => msr(index) === value);
  },
});

const { PE, MP, EM, TS } = CR0;
const anyWord = (): fc.Arbitrary<bigint> =>
  fc.subarray([PE, MP, EM, TS]).map((bits) => bits.reduce((all, bit) => all | bit, 0n));

law("cr0-behind-its-mask", {
  says: "CLTS and LMSW change of CR0 what the mask leaves to the guest; where a masked bit would differ from its shadow they exit before any effect, but CLTS does nothing when the shadow's TS is clear, and LMSW never clears PE.",
  cites:
    'SDM Vol. 3, "Instructions That Cause VM Exits Conditionally", "Changes to Instruction Behavior in VMX Non-Root Operation"',
  forAll: {
    mask: anyWord(),
    shadow: anyWord(),
    word: anyWord(),
    clts: fc.boolean(),
    inMemory: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 400,
  holds: ({ mask, shadow, word, clts, inMemory, engine }) => {
    // clts; or lmsw ax, lmsw [rbx]
    const code = clts ? [0x0f, 0x06] : [0x0f, 0x01, inMemory ? 0x33 : 0xf0];
    const fields: Fields = { "CR0 guest/host mask": mask, "CR0 read shadow": shadow };
    const machine = new VmxMachine({ mode: "64-bit", code, fields }, engine);
    const { state, memory } = machine;
    memory.write16(AT.guestData, Number(word));
    machine.launch();
    state.setGpr(0, word);
    state.setGpr(3, BigInt(AT.guestData));
    const before = state.control("CR0");
    machine.step();
    const changed = (word ^ shadow) & mask;
    const exits = clts
      ? (mask & TS) !== 0n && (shadow & TS) !== 0n
      : (changed & ~PE) !== 0n || (changed & word & PE) !== 0n;
    if (exits) {
      const kind = clts ? 2n : 3n;
      const qualification = machine.read("Exit qualification");
      const source = clts ? 0n : (word << 16n) | (inMemory ? 1n << 6n : 0n);
      return machine.read("Exit reason") === CR_ACCESS && qualification === ((kind << 4n) | source);
    }
    const open = clts ? TS & ~mask : (MP | EM | TS | (word & PE)) & ~mask;
    const expected = (before & ~open) | (clts ? 0n : word & open);
    return state.isGuest && state.control("CR0") === expected;
  },
});

law("the-tpr-of-a-guest-is-in-its-page", {
  says: "With the TPR shadow, MOV to CR8 writes the virtual-APIC page and leaves the processor's own priority; below the threshold an exit follows the instruction. INIT exits.",
  cites: 'SDM Vol. 3, "TPR Virtualization", "TPR Shadow", "Other Causes of VM Exits"',
  forAll: {
    value: fc.bigInt({ min: 0n, max: 15n }),
    threshold: fc.bigInt({ min: 0n, max: 15n }),
    init: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 150,
  holds: ({ value, threshold, init, engine }) => {
    const fields: Fields = {
      "Primary processor-based VM-execution controls":
        BITS.primary | BITS.secondaryOn | BITS.ioBitmaps | BITS.msrBitmaps | (1n << 21n),
      "TPR threshold": threshold,
    };
    // mov cr8, rax; nop
    const code = [0x44, 0x0f, 0x22, 0xc0, 0x90];
    const machine = new VmxMachine({ mode: "64-bit", code, fields }, engine);
    const { state, memory } = machine;
    // No entry fails for a priority below the threshold.
    memory.write32(AT.virtualApic + 0x80, 0xf0);
    machine.launch();
    if (init) {
      state.pending |= PENDING.init;
      machine.step();
      return !state.isGuest && machine.read("Exit reason") === INIT;
    }
    state.setGpr(0, value);
    machine.step();
    machine.step();
    const isKept = memory.read32(AT.virtualApic + 0x80) === Number(value) << 4;
    const exits = value < threshold;
    if (!isKept || state.control("CR8") !== 0n || state.isGuest === exits) return false;
    return !exits || machine.read("Exit reason") === TPR_BELOW;
  },
});

law("without-a-current-vmcs-instructions-fail", {
  says: "After VMCLEAR of the current VMCS, VMREAD, VMWRITE, VMLAUNCH and VMRESUME fail with CF set and the other status flags clear, and change nothing else.",
  cites: 'SDM Vol. 3, "Conventions" of the VMX instruction reference: VMfailInvalid',
  forAll: {
    code: fc.constantFrom(
      [0x0f, 0x78, 0xc8],
      [0x0f, 0x79, 0xc8],
      [0x0f, 0x01, 0xc2],
      [0x0f, 0x01, 0xc3],
    ),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 20,
  holds: ({ code, engine }) => {
    // mov qword [rsp], the VMCS; vmclear [rsp]; the instruction; hlt
    const clear = [0x48, 0xc7, 0x04, 0x24, 0, AT.vmcs >> 8, 0, 0, 0x66, 0x0f, 0xc7, 0x34, 0x24];
    const hostExit = [...clear, ...code, 0xf4];
    const machine = new VmxMachine({ mode: "64-bit", code: VMCALL, hostExit }, engine);
    const { state } = machine;
    machine.launch();
    machine.untilExit();
    const isCall = machine.read("Exit reason") === CALL;
    for (let i = 0; i < 3; i += 1) machine.step();
    return isCall && (state.rflags & 0x8d5n) === 1n;
  },
});

const PAUSE_CYCLES = 41;

law("a-loop-of-pauses-exits", {
  says: "With PAUSE-loop exiting, pauses at CPL 0 that follow one another within the gap exit when the first of them is longer ago than the window; RDPID is #UD unless RDTSCP is enabled.",
  cites:
    'SDM Vol. 3, "Controls for PAUSE-Loop Exiting"; "Instructions That Cause VM Exits Conditionally"; Vol. 2B, "RDPID"',
  forAll: {
    window: fc.bigInt({ min: 1n, max: 400n }),
    gap: fc.constantFrom(1n, 1000n),
    rdtscp: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ window, gap, rdtscp, engine }) => {
    const fields: Fields = {
      "Secondary processor-based VM-execution controls":
        BITS.ept | BITS.vpid | BITS.unrestricted | (1n << 10n) | (rdtscp ? BITS.rdtscp : 0n),
      PLE_Gap: gap,
      PLE_Window: window,
    };
    const count = 12;
    const pauses = Array.from({ length: count }, () => [0xf3, 0x90]).flat();
    // pause, twelve times; rdpid rax
    const code = [...pauses, 0xf3, 0x0f, 0xc7, 0xf8];
    const machine = new VmxMachine({ mode: "64-bit", code, fields }, engine);
    const { state } = machine;
    machine.launch();
    for (let i = 0; i <= count && state.isGuest; i += 1) machine.step();
    const last = gap === 1n ? count : Math.floor(Number(window) / PAUSE_CYCLES) + 1;
    if (last < count)
      return (
        machine.read("Exit reason") === 40n &&
        machine.read("Guest RIP") === BigInt(AT.guestCode + 2 * last)
      );
    const isHandled = state.rip >= BigInt(AT.handlers);
    return state.isGuest && isHandled !== rdtscp;
  },
});

const [ZF, STATUS] = [0x40n, 0x8d5n];
const le = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const VMREAD = [0x0f, 0x78, 0xc8];
const VMWRITE = [0x0f, 0x79, 0xc8];
const VMPTRLD = [0x0f, 0xc7, 0x34, 0x24];
const VMCLEAR = [0x66, ...VMPTRLD];
const VMXON = [0xf3, ...VMPTRLD];
const INVEPT = [0x66, 0x0f, 0x38, 0x80, 0x04, 0x24];
const INVVPID = [0x66, 0x0f, 0x38, 0x81, 0x04, 0x24];

/** Instruction, operand in memory, rAX, rCX, and the number of the error. */
const FAILURES: readonly (readonly [readonly number[], number, number, number, bigint])[] = [
  [VMREAD, 0, 0, 0x2, 12n],
  [VMWRITE, 0, 0, 0x2, 12n],
  [VMWRITE, 0, 0, 0x4402, 13n],
  [VMPTRLD, AT.vmcs + 1, 0, 0, 9n],
  [VMPTRLD, AT.vmxon, 0, 0, 10n],
  [VMPTRLD, AT.spare, 0, 0, 11n],
  [VMCLEAR, AT.vmcs + 1, 0, 0, 2n],
  [VMCLEAR, AT.vmxon, 0, 0, 3n],
  [VMXON, AT.vmxon, 0, 0, 15n],
  [INVEPT, AT.ept | 0x1e, 0, 0, 28n],
  [INVEPT, AT.ept | 0x1e, 3, 0, 28n],
  [INVEPT, AT.ept | 0x1f, 1, 0, 28n],
  [INVVPID, 1, 4, 0, 28n],
  [INVVPID, 0, 1, 0, 28n],
  [INVVPID, 0x1_0000, 2, 0, 28n],
  [[0x0f, 0x01, 0xc2], 0, 0, 0, 4n],
];

law("vmx-instructions-fail-with-their-numbers", {
  says: "A VMX instruction with a wrong operand fails with ZF set, the other status flags clear, and the number of the error in the current VMCS.",
  cites:
    'SDM Vol. 3, "VM Instruction Error Numbers"; the operation sections of the VMX instruction reference',
  forAll: { failure: fc.constantFrom(...FAILURES), engine: fc.constantFrom(...ENGINES) },
  runs: 120,
  holds: ({ failure: [code, memory, rax, rcx, error], engine }) => {
    // mov qword [rsp], memory; mov qword [rsp + 8], 0; mov eax, ...; mov ecx, ...; the instruction; hlt
    const hostExit = [
      [0x48, 0xc7, 0x04, 0x24, ...le(memory)],
      [0x48, 0xc7, 0x44, 0x24, 8, 0, 0, 0, 0],
      [0xb8, ...le(rax)],
      [0xb9, ...le(rcx)],
      code,
      [0xf4],
    ].flat();
    const machine = new VmxMachine({ mode: "64-bit", code: VMCALL, hostExit }, engine);
    machine.launch();
    machine.untilExit();
    for (let i = 0; i < 5; i += 1) machine.step();
    return (machine.state.rflags & STATUS) === ZF && machine.read("VM-instruction error") === error;
  },
});
