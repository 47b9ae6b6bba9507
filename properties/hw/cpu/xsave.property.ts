/** Laws of the instructions that save and restore x87 and SSE state. */

import fc from "fast-check";
import { CR4 } from "../../../src/hw/cpu/state.ts";
import { X87Unit } from "../../../src/hw/cpu/x87/unit.ts";
import { law } from "../../support/law.ts";
import {
  interpretedMachine,
  look,
  type Machine,
  MEMORY_START,
  referenceMachine,
} from "../../support/programs.ts";
import { anyMxcsr, anyVector } from "../../support/vectors.ts";
import { anyX87, lookAtX87, startX87, type X87Start } from "../../support/x87.ts";

const [GP, UD, NM] = [13, 6, 7];
const [RAX, RCX, RDX, RDI] = [0, 1, 2, 7];
const MAKERS = [referenceMachine, interpretedMachine];
/** A multiple of 64. */
const AREA = MEMORY_START + 0x2000n;
const AREA_AT = 0x2000;
const X87_PART = 1;
const SSE_PART = 2;
const MXCSR_INITIAL = 0x1f80;
const CR0_TS = 8n;
const INITIAL: X87Start = {
  control: 0x37f,
  status: 0,
  tags: 0,
  registers: Array.from({ length: 8 }, () => ({ signExponent: 0, significand: 0n })),
};

interface FpState {
  readonly x87: X87Start;
  readonly xmm: readonly bigint[];
  readonly mxcsr: number;
}

/** The reg field of 0F AE, or of 0F C7 for XSAVEC. */
const SAVES = {
  XSAVE: [0xae, 0x27],
  XSAVEOPT: [0xae, 0x37],
  XSAVEC: [0xc7, 0x27],
} as const;
type Save = keyof typeof SAVES;
const XRSTOR = [0x0f, 0xae, 0x2f];

law("fxrstor-restores-what-fxsave-stored", {
  says: "FXRSTOR of an image that FXSAVE made gives the x87 and SSE state of then, whatever it was in between, in the forms with and without REX.W.",
  cites: 'SDM Vol. 2A, "FXSAVE" and "FXRSTOR"',
  forAll: { before: anyState(), between: anyState(), wide: fc.boolean() },
  runs: 300,
  holds: ({ before, between, wide }) =>
    MAKERS.every((make) => {
      const rex = wide ? [0x48] : [];
      const code = Uint8Array.from([...rex, 0x0f, 0xae, 0x07, ...rex, 0x0f, 0xae, 0x0f]);
      const machine = start(make, code, before);
      // Pointers have 64 bits with REX.W alone.
      new X87Unit(machine.state).instructionPointer = wide ? 0x1234_5678_9abcn : 0x5678_9abcn;
      const then = stateOf(machine);
      if (machine.run(1) !== null) return false;
      set(machine, between);
      return machine.run(machine.state.cycles + 1) === null && stateOf(machine) === then;
    }),
});

law("xrstor-restores-what-xsave-stored", {
  says: "For every bitmap of requested features, XRSTOR of an area that XSAVE, XSAVEOPT or XSAVEC filled gives the components asked for as they were, and leaves the others.",
  cites:
    'SDM Vol. 1, "Operation of XSAVE", "Operation of XRSTOR", "Init and Modified Optimizations"',
  forAll: {
    before: anyState(),
    between: anyState(),
    save: fc.constantFrom<Save[]>("XSAVE", "XSAVEOPT", "XSAVEC"),
    mask: fc.bigInt({ min: 0n, max: 3n }),
    beyond: fc.bigInt({ min: 0n, max: 2n ** 62n - 1n }),
    enabled: fc.constantFrom(1n, 3n),
  },
  runs: 500,
  holds: ({ before, between, save, mask, beyond, enabled }) =>
    MAKERS.every((make) => {
      const code = Uint8Array.from([0x48, 0x0f, ...SAVES[save], 0x48, ...XRSTOR]);
      const machine = start(make, code, before);
      const { state } = machine;
      state.xcr0 = enabled;
      // What XCR0 does not enable is not asked for.
      const asked = mask | (beyond << 2n);
      state.setGpr(RAX, BigInt.asUintN(32, asked));
      state.setGpr(RDX, asked >> 32n);
      const [x87Then, sseThen] = [lookAtX87(state), sseOf(machine)];
      if (machine.run(1) !== null) return false;
      set(machine, between);
      const [x87Between, sseBetween] = [lookAtX87(state), sseOf(machine)];
      if (machine.run(state.cycles + 1) !== null) return false;
      const given = Number(mask & enabled);
      const isAsked = (part: number): boolean => (given & part) !== 0;
      return (
        lookAtX87(state) === (isAsked(X87_PART) ? x87Then : x87Between) &&
        sseOf(machine) === (isAsked(SSE_PART) ? sseThen : sseBetween)
      );
    }),
});

law("xrstor-initializes-what-the-area-lacks", {
  says: "XRSTOR brings a component that is asked for and that XSTATE_BV does not name to its initial configuration; MXCSR in the compacted form, and in the standard form it is loaded all the same.",
  cites: 'SDM Vol. 1, "Standard Form of XRSTOR", "Compacted Form of XRSTOR"',
  forAll: {
    before: anyState(),
    mask: fc.integer({ min: 0, max: 3 }),
    mxcsr: anyMxcsr(),
    compacted: fc.boolean(),
  },
  runs: 300,
  holds: ({ before, mask, mxcsr, compacted }) =>
    MAKERS.every((make) => {
      const machine = start(make, Uint8Array.from(XRSTOR), before);
      const { state, memory } = machine;
      const area = new Uint8Array(576).fill(0x5a, 0, 512);
      const view = new DataView(area.buffer);
      view.setUint32(24, mxcsr, true);
      view.setBigUint64(520, compacted ? (1n << 63n) | 3n : 0n, true);
      memory.write(AREA_AT, area);
      state.setGpr(RAX, BigInt(mask));
      const before87 = lookAtX87(state);
      if (machine.run(1) !== null) return false;
      const x87 = lookAtX87(state);
      const isSse = (mask & SSE_PART) !== 0;
      const xmm = before.xmm.every((value, i) => state.xmm(i) === (isSse ? 0n : value));
      const expected = isSse ? (compacted ? MXCSR_INITIAL : mxcsr) : before.mxcsr;
      startX87(state, INITIAL);
      const initial = lookAtX87(state);
      return (
        x87 === ((mask & X87_PART) === 0 ? before87 : initial) && xmm && state.mxcsr === expected
      );
    }),
});

law("saved-headers-tell-what-is-in-use", {
  says: "XSTATE_BV gets a bit for each component asked for that is not in its initial configuration; XSAVE and XSAVEOPT keep the other bits, XSAVEC clears them and says in XCOMP_BV what was asked for.",
  cites: 'SDM Vol. 1, "Processor Tracking of XSAVE-Managed State"; Vol. 2D, "XSAVEC"',
  forAll: {
    x87: fc.oneof(anyX87(), fc.constant(INITIAL)),
    sse: fc.oneof(anyXmm(), fc.constant(zeros())),
    mxcsr: fc.oneof(anyMxcsr(), fc.constant(MXCSR_INITIAL)),
    save: fc.constantFrom<Save[]>("XSAVE", "XSAVEOPT", "XSAVEC"),
    mask: fc.integer({ min: 0, max: 3 }),
    header: fc.nat(3),
  },
  runs: 400,
  holds: ({ x87, sse, mxcsr, save, mask, header }) =>
    MAKERS.every((make) => {
      const code = Uint8Array.from([0x0f, ...SAVES[save]]);
      const machine = start(make, code, { x87, xmm: sse, mxcsr });
      const { state, memory } = machine;
      const view = new DataView(memory.bytes.buffer, memory.bytes.byteOffset + AREA_AT + 512);
      view.setBigUint64(0, BigInt(header), true);
      state.setGpr(RAX, BigInt(mask));
      const isCompacted = save === "XSAVEC";
      const before = lookAtX87(state);
      if (machine.run(1) !== null) return false;
      const isSse = sse.some((value) => value !== 0n) || (isCompacted && mxcsr !== MXCSR_INITIAL);
      startX87(state, INITIAL);
      const isX87 = before !== lookAtX87(state);
      const used = (isX87 ? X87_PART : 0) | (isSse ? SSE_PART : 0);
      const expected = (used & mask) | (isCompacted ? 0 : header & ~mask);
      const compacted = isCompacted ? (1n << 63n) | BigInt(mask) : view.getBigUint64(8, true);
      return (
        view.getBigUint64(0, true) === BigInt(expected) && view.getBigUint64(8, true) === compacted
      );
    }),
});

law("saved-state-is-checked", {
  says: "FXRSTOR and XRSTOR are #GP(0) where the address is not aligned, MXCSR has a reserved bit or the header a component that XCR0 has not or a reserved byte, and change nothing.",
  cites: 'SDM Vol. 2, "FXRSTOR" and "XRSTOR", exceptions; Vol. 1, "Operation of XRSTOR"',
  forAll: {
    before: anyState(),
    wrong: fc.constantFrom(
      { what: "alignment" as const, at: 8 },
      { what: "mxcsr" as const, at: 26 },
      { what: "component" as const, at: 512 },
      { what: "reserved" as const, at: 528 },
      { what: "nothing" as const, at: 0 },
    ),
    bit: fc.integer({ min: 2, max: 7 }),
    image: fc.boolean(),
  },
  runs: 300,
  given: ({ wrong, image }) => !image || wrong.at < 512,
  holds: ({ before, wrong: { what, at }, bit, image }) =>
    MAKERS.every((make) => {
      const code = Uint8Array.from(image ? [0x0f, 0xae, 0x0f] : XRSTOR);
      const machine = start(make, code, before);
      const { state, memory } = machine;
      memory.write(AREA_AT, new Uint8Array(1024));
      if (what === "alignment") state.setGpr(RDI, AREA + BigInt(at));
      else if (what !== "nothing") memory.write(AREA_AT + at, Uint8Array.of(1 << bit));
      state.setGpr(RAX, 3n);
      const then = look(machine);
      const fault = machine.run(1);
      if (what === "nothing") return fault === null;
      return fault?.vector === GP && fault.errorCode === 0 && look(machine) === then;
    }),
});

law("extended-control-is-privileged", {
  says: "XGETBV and XSETBV are #UD without CR4.OSXSAVE; XSETBV is #GP(0) but at CPL 0 for XCR0 with the x87 component and no unknown one, and XGETBV then reads what was written.",
  cites:
    'SDM Vol. 2D, "XSETBV" and "XGETBV"; Vol. 3, "Extended Control Registers (Including XCR0)"',
  forAll: {
    number: fc.constantFrom(0n, 0n, 0n, 1n, 2n),
    value: fc.oneof(fc.bigInt({ min: 0n, max: 3n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    cpl: fc.constantFrom(0, 0, 3),
    enabled: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  },
  runs: 300,
  holds: ({ number, value, cpl, enabled }) =>
    MAKERS.every((make) => {
      const machine = start(make, Uint8Array.of(0x0f, 0x01, 0xd1, 0x0f, 0x01, 0xd0));
      const { state } = machine;
      if (!enabled) state.setControl("CR4", state.control("CR4") & ~CR4.OSXSAVE);
      const stack = state.segment("SS");
      state.setSegment("SS", { ...stack, rights: stack.rights | (cpl << 5) });
      state.setGpr(RCX, number);
      state.setGpr(RAX, BigInt.asUintN(32, value));
      state.setGpr(RDX, value >> 32n);
      const isValid = cpl === 0 && number === 0n && (value === 1n || value === 3n);
      const fault = machine.run(1);
      if (!enabled) return fault?.vector === UD;
      if (!isValid) return fault?.vector === GP && state.xcr0 === 3n;
      if (fault !== null || machine.run(state.cycles + 1) !== null) return false;
      return state.gpr(RAX) === value && state.gpr(RDX) === 0n;
    }),
});

law("saving-needs-permission", {
  says: "FXSAVE and FXRSTOR are #UD with CR0.EM and else #NM with CR0.TS; the XSAVE family is #UD without CR4.OSXSAVE and else #NM with CR0.TS.",
  cites: 'SDM Vol. 2, "FXSAVE", "XSAVE", exceptions',
  forAll: {
    code: fc.constantFrom(
      [0x0f, 0xae, 0x07],
      [0x0f, 0xae, 0x0f],
      XRSTOR,
      ...Object.values(SAVES).map((bytes) => [0x0f, ...bytes]),
    ),
    emulated: fc.boolean(),
    switched: fc.boolean(),
    enabled: fc.boolean(),
  },
  runs: 200,
  holds: ({ code, emulated, switched, enabled }) => {
    const isImage = code[1] === 0xae && (code[2] as number) < 0x10;
    const isBarred = isImage ? emulated : !enabled;
    const expected = isBarred ? UD : switched ? NM : undefined;
    return MAKERS.every((make) => {
      const machine = start(make, Uint8Array.from(code));
      const { state, memory } = machine;
      memory.write(AREA_AT, new Uint8Array(1024));
      const cr0 = state.control("CR0");
      state.setControl("CR0", cr0 | (emulated ? 4n : 0n) | (switched ? CR0_TS : 0n));
      if (!enabled) state.setControl("CR4", state.control("CR4") & ~CR4.OSXSAVE);
      return machine.run(1)?.vector === expected;
    });
  },
});

// Helpers

function zeros(): readonly bigint[] {
  return Array.from({ length: 16 }, () => 0n);
}

function anyXmm(): fc.Arbitrary<readonly bigint[]> {
  return fc.array(anyVector(), { minLength: 16, maxLength: 16 });
}

function anyState(): fc.Arbitrary<FpState> {
  return fc.record({
    x87: fc.oneof(
      { weight: 3, arbitrary: anyX87(true) },
      { weight: 1, arbitrary: fc.constant(INITIAL) },
    ),
    xmm: fc.oneof(
      { weight: 3, arbitrary: anyXmm() },
      { weight: 1, arbitrary: fc.constant(zeros()) },
    ),
    mxcsr: anyMxcsr(),
  });
}

/** With RDI at the area. */
function start(make: (typeof MAKERS)[number], code: Uint8Array, fp?: FpState): Machine {
  const gpr = Array.from({ length: 16 }, (_, i) => (i === RDI ? AREA : 0n));
  return make({ code, start: { gpr, rflags: 2n, ...fp }, data: new Uint8Array(64) });
}

function set({ state }: Machine, { x87, xmm, mxcsr }: FpState): void {
  startX87(state, x87);
  new X87Unit(state).forgetPointers();
  xmm.forEach((value, i) => state.setXmm(i, value));
  state.mxcsr = mxcsr;
}

const sseOf = ({ state }: Machine): string =>
  [...Array.from({ length: 16 }, (_, i) => state.xmm(i)), state.mxcsr].join(" ");

const stateOf = (machine: Machine): string => `${lookAtX87(machine.state)} ${sseOf(machine)}`;
