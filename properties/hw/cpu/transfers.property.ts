/** Laws of interrupts and exceptions: what handlers find, what returns restore, and what happens when delivery fails. */

import fc from "fast-check";
import { AMD, INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { BIT, RFLAGS } from "../../../src/hw/cpu/state.ts";
import {
  BareSystem,
  CODE,
  type EngineName,
  handlerOf,
  INTERRUPT_GATE,
  istTop,
  SELECTORS,
  STACK,
} from "../../../src/guests/bare-system.ts";
import { law } from "../../support/law.ts";
import { BARE, decoder } from "../../support/programs.ts";

const RSP = 4;
const ENGINES: readonly EngineName[] = ["reference", "interpreter"];
const anyEngine = fc.constantFrom(...ENGINES);
const anyLevel = fc.constantFrom<(0 | 3)[]>(0, 3);
const [GP, NP, PF, DF] = [13, 11, 14, 8] as const;
const [INT, NOP, IRETQ] = [0xcd, 0x90, [0x48, 0xcf]] as const;
const FLAGS_KEPT = 0x24_0dd5n | RFLAGS.IF;

const anyFlags = fc
  .bigInt({ min: 0n, max: 0x3f_ffffn })
  .map((bits) => (bits & (FLAGS_KEPT & ~RFLAGS.TF)) | 2n);

law("handlers-of-64-bit-mode-find-their-frame", {
  says: "INT n in 64-bit mode pushes SS, RSP, RFLAGS, CS and RIP on the stack that level and IST choose, aligned to 16 bytes, and clears IF only through an interrupt gate; a gate of an inner level is #GP with its number.",
  cites:
    'SDM Vol. 3, "64-Bit Mode Stack Frame", "Interrupt Stack Table", "Protection of Exception- and Interrupt-Handler Procedures"',
  forAll: {
    engine: anyEngine,
    cpl: anyLevel,
    vector: fc.integer({ min: 32, max: 255 }),
    type: fc.constantFrom<(14 | 15)[]>(14, 15),
    dpl: fc.constantFrom(0, 3),
    ist: fc.nat(7),
    rflags: anyFlags,
    below: fc.nat(64),
  },
  runs: 300,
  holds: ({ engine, cpl, vector, type, dpl, ist, rflags, below }) => {
    const system = bareSystem(engine, [INT, vector], cpl);
    const { state } = system;
    system.setGate(vector, { ...INTERRUPT_GATE, type, dpl, ist });
    state.rflags = rflags;
    const rsp = state.gpr(RSP) - BigInt(below);
    state.setGpr(RSP, rsp);
    system.step();
    const isRefused = dpl < cpl;
    const own = cpl === 0 ? rsp : BigInt(STACK.rsp0);
    const top = !isRefused && ist > 0 ? BigInt(istTop(ist)) : own;
    const words = isRefused ? 6 : 5;
    const expectedRsp = (top & ~15n) - BigInt(8 * words);
    const error = isRefused ? [BigInt(8 * vector + 2)] : [];
    const cs = BigInt(cpl === 0 ? SELECTORS.kernelCode : SELECTORS.userCode);
    const ss = BigInt(cpl === 0 ? SELECTORS.kernelData : SELECTORS.userData);
    // A fault saves RF as set.
    const saved = isRefused ? rflags | RFLAGS.RF : rflags;
    const frame = [...error, BigInt(CODE + (isRefused ? 0 : 2)), cs, saved, rsp, ss];
    const cleared = isRefused || type === 14 ? RFLAGS.IF : 0n;
    return (
      same("RSP", state.gpr(RSP), expectedRsp) &&
      system.words(state.gpr(RSP), words).every((word, i) => same(`word ${i}`, word, frame[i])) &&
      same("RIP", state.rip, BigInt(handlerOf(isRefused ? GP : vector))) &&
      same("RFLAGS", state.rflags, rflags & ~(cleared | RFLAGS.NT | RFLAGS.RF)) &&
      same("SS", BigInt(state.selector("SS")), cpl === 0 ? ss : 0n) &&
      same("CPL", BigInt(state.cpl), 0n)
    );
  },
});

law("a-return-undoes-an-interrupt", {
  says: "IRETQ at the end of a handler that did nothing gives back every register, flag and selector, and the level.",
  cites: 'SDM Vol. 2A, "IRET/IRETD/IRETQ—Interrupt Return"',
  forAll: {
    engine: anyEngine,
    cpl: anyLevel,
    vector: fc.integer({ min: 32, max: 255 }),
    ist: fc.nat(7),
    rflags: anyFlags,
    external: fc.boolean(),
  },
  runs: 200,
  holds: ({ engine, cpl, vector, ist, rflags, external }) => {
    const system = bareSystem(engine, external ? [NOP] : [INT, vector], cpl);
    const { state } = system;
    system.setGate(vector, { ...INTERRUPT_GATE, ist });
    // NT would be a nested task's.
    state.rflags = (rflags & ~RFLAGS.NT) | (external ? RFLAGS.IF : 0n);
    const before = visible(system);
    if (external) system.raise(vector);
    system.step();
    if (state.rip !== BigInt(handlerOf(vector))) return false;
    system.step();
    const expected = { ...before, rip: before.rip + (external ? 0n : 2n) };
    return same("state", text(visible(system)), text(expected));
  },
});

interface Failure {
  readonly first: number;
  readonly second: "absent gate" | "bad gate" | "absent stack" | "none";
}

law("faults-of-delivery-double", {
  says: "A fault while an exception is delivered is a double fault exactly when both are contributory, or the first is a page fault; else it is delivered after it. A fault of the double fault shuts the CPU down.",
  cites:
    'SDM Vol. 3, "Interrupt 8—Double Fault Exception (#DF)", tables of exception classes and of conditions',
  forAll: {
    engine: anyEngine,
    failure: fc.record<Failure>({
      first: fc.constantFrom(0, 3, 6, 13, 14, 40),
      second: fc.constantFrom("absent gate", "bad gate", "absent stack", "none"),
    }),
    breaksDouble: fc.boolean(),
  },
  runs: 300,
  holds: ({ engine, failure, breaksDouble }) => {
    const { first, second } = failure;
    const system = bareSystem(engine, CAUSES[first] as number[], 3);
    const { state, ram } = system;
    ram.write(CODE + 16, Uint8Array.of(0));
    const gate = { ...INTERRUPT_GATE, ist: second === "absent stack" ? 1 : 0 };
    // A null selector is a bad one.
    const broken = {
      ...gate,
      present: second !== "absent gate",
      selector: second === "bad gate" ? 0 : 8,
    };
    system.setGate(first, broken);
    if (second === "absent stack") system.unmap(istTop(1) - 8);
    if (breaksDouble) system.setGate(DF, { ...INTERRUPT_GATE, present: false });
    const stop = system.step();
    const secondVector = { "absent gate": NP, "bad gate": GP, "absent stack": PF, none: null }[
      second
    ];
    const isContributory = first === 0 || first === GP;
    const doubles =
      secondVector !== null && ((isContributory && secondVector !== PF) || first === PF);
    // What is delivered second goes through its own gate, which may be the broken one.
    const again = secondVector !== null && !doubles && secondVector === first;
    if (again) return true;
    if (doubles && breaksDouble) return stop === "shutdown";
    const expected = secondVector === null ? first : doubles ? DF : secondVector;
    return stop === "limit" && same("handler", state.rip, BigInt(handlerOf(expected)));
  },
});

law("interrupts-wait-in-a-shadow", {
  says: "After STI that opens interrupts, and after MOV SS, exactly one more instruction is executed before an interrupt that waits; after a second STI there is no second shadow.",
  cites:
    'SDM Vol. 2B, "STI—Set Interrupt Flag"; Vol. 3, "Masking Exceptions and Interrupts When Switching Stacks"',
  forAll: {
    engine: anyEngine,
    opener: fc.constantFrom("STI", "MOV SS", "NOP"),
    open: fc.boolean(),
    nops: fc.integer({ min: 2, max: 5 }),
  },
  runs: 200,
  holds: ({ engine, opener, open, nops }) => {
    const code = { STI: [0xfb], "MOV SS": [0x8e, 0xd0], NOP: [NOP] }[opener];
    const system = bareSystem(engine, [...code, ...Array.from({ length: nops }, () => NOP)], 0);
    const { state } = system;
    state.setGpr(0, BigInt(SELECTORS.kernelData));
    state.rflags = 2n | (open && opener !== "STI" ? RFLAGS.IF : 0n);
    if (opener === "STI" && open) state.rflags |= RFLAGS.IF;
    system.step();
    system.raise(77);
    for (let i = 0; i < nops && state.rip < BigInt(CODE + 64); i += 1) system.step();
    const isTaken = opener === "STI" || open;
    if (!isTaken) return state.rip === BigInt(CODE + code.length + nops);
    const shadow = opener === "MOV SS" || (opener === "STI" && !open) ? 1 : 0;
    // The frame says where the program was.
    const returnRip = system.words(BigInt(STACK.kernel - 40), 1)[0];
    return same("interrupted at", returnRip, BigInt(CODE + code.length + shadow));
  },
});

law("single-step-traps-after-every-instruction", {
  says: "With TF set, #DB comes after each instruction with DR6.BS, returns to the next one, and its handler runs without TF.",
  cites: 'SDM Vol. 3, "Single-Step Exception Condition"',
  forAll: { engine: anyEngine, cpl: anyLevel, count: fc.integer({ min: 1, max: 6 }) },
  runs: 60,
  holds: ({ engine, cpl, count }) => {
    const system = bareSystem(
      engine,
      Array.from({ length: 8 }, () => NOP),
      cpl,
    );
    const { state } = system;
    state.rflags = 2n | RFLAGS.TF;
    for (let i = 1; i <= count; i += 1) {
      // The instruction; the trap, which takes the place of the next one; the return.
      system.step();
      system.step();
      if (state.rip !== BigInt(handlerOf(1)) || state.hasFlag(BIT.RFLAGS.TF)) return false;
      if ((state.debug("DR6") & 0x4000n) === 0n) return false;
      system.step();
      if (!same("RIP", state.rip, BigInt(CODE + i))) return false;
    }
    return true;
  },
});

law("breakpoints-behind-a-load-of-ss", {
  says: "A breakpoint on the instruction behind MOV SS is met by processors of AMD, and by none of Intel.",
  cites: "Linux, arch/x86/kvm/x86.c, kvm_vcpu_check_code_breakpoint",
  forAll: {
    engine: anyEngine,
    vendor: fc.constantFrom(AMD, INTEL),
    number: fc.nat(3),
  },
  runs: 30,
  holds: ({ engine, vendor, number }) => {
    const system = bareSystem(engine, [0x8e, 0xd0, NOP, NOP], 0, vendor);
    const { state } = system;
    state.setGpr(0, BigInt(SELECTORS.kernelData));
    state.setDebug(BREAKPOINTS[number] as "DR0", BigInt(CODE + 2));
    state.setDebug("DR7", 1n << BigInt(2 * number));
    system.step();
    system.step();
    return same("RIP", state.rip, BigInt(vendor === AMD ? handlerOf(1) : CODE + 3));
  },
});

law("breakpoints-come-before-code-and-after-data", {
  says: "A breakpoint on an instruction is #DB before it, unless RF is set; one on data is #DB after the access, and a read does not meet one on writes.",
  cites:
    'SDM Vol. 3, "Instruction-Breakpoint Exception Condition", "Data Memory and I/O Breakpoint Exception Conditions"',
  forAll: {
    engine: anyEngine,
    number: fc.nat(3),
    kind: fc.constantFrom("code", "write", "read or write"),
    writes: fc.boolean(),
    offset: fc.nat(9),
  },
  runs: 200,
  holds: ({ engine, number, kind, writes, offset }) => {
    // MOV to or from [RBX], four bytes long with its NOPs.
    const system = bareSystem(engine, [NOP, writes ? 0x89 : 0x8b, 0x03, NOP, NOP], 0);
    const { state, memory } = system;
    const place = BigInt(STACK.user + offset);
    state.setGpr(3, place);
    const watched = BigInt(STACK.user + 4);
    state.setDebug(BREAKPOINTS[number] as "DR0", kind === "code" ? BigInt(CODE + 1) : watched);
    const field = { code: 0n, write: 0b1101n, "read or write": 0b1111n }[kind];
    state.setDebug("DR7", (1n << BigInt(2 * number)) | (field << BigInt(16 + 4 * number)));
    memory.contextChanged();
    system.step();
    if (kind === "code") {
      system.step();
      if (state.rip !== BigInt(handlerOf(1))) return false;
      same("DR6", state.debug("DR6") & 15n, 1n << BigInt(number));
      const flags = Number(state.gpr(RSP)) + 16;
      same("RF", system.ram.read64(flags) & RFLAGS.RF, 0n);
      system.ram.write64(flags, system.ram.read64(flags) | RFLAGS.RF);
      system.step();
      system.step();
      return same("RIP", state.rip, BigInt(CODE + 3)) && !state.hasFlag(BIT.RFLAGS.RF);
    }
    system.step();
    const touches = place < watched + 4n && place + 4n > watched;
    const isMet = touches && (writes || kind === "read or write");
    system.step();
    const expected = isMet ? handlerOf(1) : CODE + 4;
    return same("RIP", state.rip, BigInt(expected));
  },
});

law("general-detect-guards-the-debug-registers-once", {
  says: "With DR7.GD set a MOV to a debug register is #DB before it is done, with DR6.BD; the handler finds GD clear, and the instruction then goes on.",
  cites: 'SDM Vol. 3, "General-Detect Exception Condition", "Debug Control Register (DR7)"',
  forAll: {
    engine: anyEngine,
    number: fc.nat(3),
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  },
  runs: 40,
  holds: ({ engine, number, value }) => {
    const system = bareSystem(engine, [0x0f, 0x23, 0xc0 | (number << 3), NOP], 0);
    const { state } = system;
    state.setGpr(0, value);
    state.setDebug("DR7", 0x2400n);
    system.step();
    const isGuarded =
      state.rip === BigInt(handlerOf(1)) &&
      state.debug("DR7") === 0x400n &&
      (state.debug("DR6") & 0x2000n) !== 0n &&
      state.debug(BREAKPOINTS[number] as "DR0") === 0n;
    system.step();
    system.step();
    return isGuarded && state.debug(BREAKPOINTS[number] as "DR0") === value;
  },
});

law("exceptions-save-where-they-belong", {
  says: "A fault saves the RIP of its instruction with RF set, INT3 that of the next one; the error code is pushed for exactly the exceptions that have one.",
  cites: 'SDM Vol. 3, "Protected-Mode Exceptions and Interrupts"; "Exception Classifications"',
  forAll: { engine: anyEngine, cpl: anyLevel, first: fc.constantFrom(0, 3, 6, 13, 14) },
  runs: 60,
  holds: ({ engine, cpl, first }) => {
    const system = bareSystem(engine, CAUSES[first] as number[], cpl);
    const { state } = system;
    if (first === GP && cpl === 0) return true;
    system.step();
    const hasCode = first === GP || first === PF;
    const words = system.words(state.gpr(RSP), 6);
    const frame = hasCode ? words.slice(1) : words;
    const isTrap = first === 3;
    return (
      same("RIP", frame[0], BigInt(CODE + (isTrap ? 1 : 0))) &&
      same("RF", (frame[2] as bigint) & RFLAGS.RF, isTrap ? 0n : RFLAGS.RF) &&
      (!hasCode || same("error code", words[0], first === PF ? (cpl === 3 ? 6n : 2n) : 0n)) &&
      (first !== PF || same("CR2", state.control("CR2"), FAR))
    );
  },
});

// Helpers

const bareSystem = (
  engine: EngineName,
  code: readonly number[],
  cpl: 0 | 3,
  profile = BARE.profile,
): BareSystem => new BareSystem(Uint8Array.from(code), { engine, decoder, profile, cpl });

const BREAKPOINTS = ["DR0", "DR1", "DR2", "DR3"] as const;
/** An address that nothing is mapped at. */
const FAR = 0x7000_0000n;
/** Code at CPL 3 that raises an exception: DIV by 0, INT3, UD2, HLT, a store where nothing is; INT 40. */
const CAUSES: Readonly<Record<number, readonly number[]>> = {
  0: [0xf7, 0xf1],
  3: [0xcc],
  6: [0x0f, 0x0b],
  13: [0xf4],
  14: [0xc6, 0x04, 0x25, 0, 0, 0, 0x70, 1],
  40: [INT, 40, ...IRETQ],
};

interface Visible {
  readonly gpr: readonly bigint[];
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly cs: number;
  readonly ss: number;
  readonly cpl: number;
}

function visible({ state }: BareSystem): Visible {
  return {
    gpr: Array.from({ length: 16 }, (_, i) => state.gpr(i)),
    rip: state.rip,
    rflags: state.rflags,
    cs: state.selector("CS"),
    ss: state.selector("SS"),
    cpl: state.cpl,
  };
}

const text = ({ gpr, ...rest }: Visible): string =>
  [...gpr, ...Object.values(rest)].map((value) => value.toString(16)).join(" ");

function same<T extends bigint | string | number | undefined>(
  what: string,
  found: T,
  expected: T,
): boolean {
  if (found !== expected) throw new Error(`${what} is ${found}, not ${expected}`);
  return true;
}
