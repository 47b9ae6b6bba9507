/** Laws of instructions that ask about selectors, and of those that load LDTR and TR: the manual's tables of types. */

import fc from "fast-check";
import { INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { VECTORS } from "../../../src/hw/cpu/fault.ts";
import { law } from "../../support/law.ts";
import { ENGINES, MODES, PLACES, SystemMachine } from "../../support/privileged-machines.ts";

const { "#GP": GP, "#NP": NP } = VECTORS;
const ZF = 0x40n;
const SLOT = 4;
const PROTECTED = MODES.filter(([mode]) => mode !== "real" && mode !== "virtual-8086");

/** SDM Vol. 2A, "Segment and Gate Types" of LAR and of LSL: system types in legacy and in IA-32e mode. */
const VALID = {
  LAR: { legacy: [1, 2, 3, 4, 5, 9, 11, 12], long: [2, 9, 11, 12] },
  LSL: { legacy: [1, 2, 3, 9, 11], long: [2, 9, 11] },
} as const;

const CODES = {
  LAR: [0x0f, 0x02, 0xc1],
  LSL: [0x0f, 0x03, 0xc1],
  VERR: [0x0f, 0x00, 0xe1],
  VERW: [0x0f, 0x00, 0xe9],
} as const;

interface Drawn {
  readonly type: number;
  readonly segment: boolean;
  readonly dpl: number;
  readonly present: boolean;
  readonly limit: number;
  readonly granular: boolean;
}

const anyDescriptor = (): fc.Arbitrary<Drawn> =>
  fc.record({
    type: fc.nat(15),
    segment: fc.boolean(),
    dpl: fc.nat(3),
    present: fc.nat(5).map((n) => n > 0),
    limit: fc.nat(0xf_ffff),
    granular: fc.boolean(),
  });

const rightsOf = ({ type, segment, dpl, present }: Drawn): number =>
  type | (segment ? 0x10 : 0) | (dpl << 5) | (present ? 0x80 : 0);

/** At the base 12345678H, in the high half beyond it 0. */
function put({ memory }: SystemMachine, drawn: Drawn): void {
  const { limit, granular } = drawn;
  const low = (0x5678 << 16) | (limit & 0xffff);
  const flags = (granular ? 0x80_0000 : 0) | (limit & 0xf_0000);
  const high = 0x1200_0000 | flags | (rightsOf(drawn) << 8) | 0x34;
  const at = PLACES.gdt + 8 * SLOT;
  memory.write64(at, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  memory.write64(at + 8, 0n);
}

law("probes-of-selectors-follow-the-manual", {
  says: "LAR, LSL, VERR and VERW set ZF exactly for selectors in their table whose type they know and whose privilege allows it, and give rights and limit then.",
  cites:
    'SDM Vol. 2A, "LAR—Load Access Rights Byte", "LSL—Load Segment Limit"; Vol. 2D, "VERR/VERW"',
  forAll: {
    name: fc.constantFrom<(keyof typeof CODES)[]>("LAR", "LSL", "VERR", "VERW"),
    mode: fc.constantFrom(...PROTECTED),
    drawn: anyDescriptor(),
    rpl: fc.nat(3),
    index: fc.constantFrom(SLOT, SLOT, SLOT, 0, 0x40),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 1200,
  holds: ({ name, mode: [mode, cpl], drawn, rpl, index, engine }) => {
    const gpr = { 0: 0x5555n, 1: BigInt(8 * index + rpl) };
    const machine = new SystemMachine(
      { profile: INTEL, mode, cpl, code: CODES[name], gpr },
      engine,
    );
    put(machine, drawn);
    if (machine.step() !== null) throw new Error("it faults");
    const { type, segment, dpl, limit, granular } = drawn;
    const isCode = segment && (type & 8) !== 0;
    const conforms = isCode && (type & 4) !== 0;
    const mayBeSeen = index === SLOT && (conforms || Math.max(cpl, rpl) <= dpl);
    const long = mode === "64-bit" || mode === "compatibility";
    const knows = {
      LAR: segment || (VALID.LAR[long ? "long" : "legacy"] as readonly number[]).includes(type),
      LSL: segment || (VALID.LSL[long ? "long" : "legacy"] as readonly number[]).includes(type),
      VERR: segment && (!isCode || (type & 2) !== 0),
      VERW: segment && !isCode && (type & 2) !== 0,
    }[name];
    const says = (machine.state.rflags & ZF) !== 0n;
    if (says !== (mayBeSeen && knows)) throw new Error(`ZF is ${says}`);
    const bytes = granular ? limit * 4096 + 0xfff : limit;
    const rights = (rightsOf(drawn) << 8) | (limit & 0xf_0000) | (granular ? 0x80_0000 : 0);
    const given = { LAR: BigInt(rights & 0xf0_ff00), LSL: BigInt(bytes) }[name as "LAR" | "LSL"];
    return machine.state.gpr(0) === (says ? (given ?? 0x5555n) : 0x5555n);
  },
});

law("ldtr-and-tr-take-their-types", {
  says: "LLDT takes an LDT and LTR an available TSS that is present, from the GDT; LTR makes it busy. Others are #GP or #NP with the selector and change nothing.",
  cites: 'SDM Vol. 2A, "LLDT—Load Local Descriptor Table Register", "LTR—Load Task Register"',
  forAll: {
    task: fc.boolean(),
    mode: fc.constantFrom(...PROTECTED.filter(([, cpl]) => cpl === 0)),
    drawn: anyDescriptor(),
    likely: fc.boolean(),
    selector: fc.constantFrom(8 * SLOT, 8 * SLOT, 8 * SLOT, 8 * SLOT + 4, 0x400, 2),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 800,
  holds: ({ task, mode: [mode, cpl], drawn, likely, selector, engine }) => {
    const descriptor = likely ? { ...drawn, segment: false, type: task ? 9 : 2 } : drawn;
    const code = [0x0f, 0x00, task ? 0xd9 : 0xd1];
    const of = { profile: INTEL, mode, cpl, code, gpr: { 1: BigInt(selector) } };
    const machine = new SystemMachine(of, engine);
    put(machine, descriptor);
    const { state, memory } = machine;
    const before = state.systemSegment(task ? "TR" : "LDTR");
    const fault = machine.step();
    const after = state.systemSegment(task ? "TR" : "LDTR");
    const long = mode === "64-bit" || mode === "compatibility";
    const { type, segment, present, limit, granular } = descriptor;
    if (selector === 2) {
      if (task) return fault?.vector === GP && fault.errorCode === 0;
      return fault === null && (after.rights & 0x1_0000) !== 0;
    }
    const fits = !segment && (task ? type === 9 || (type === 1 && !long) : type === 2);
    const isThere = selector === 8 * SLOT;
    if (!isThere || !fits || !present) {
      const vector = isThere && fits ? NP : GP;
      return fault?.vector === vector && fault.errorCode === selector && after.base === before.base;
    }
    const busy = memory.read8(PLACES.gdt + 8 * SLOT + 5) & 0xf;
    return (
      fault === null &&
      after.base === 0x1234_5678n &&
      after.limit === (granular ? limit * 4096 + 0xfff : limit) &&
      busy === (task ? type | 2 : type) &&
      (after.rights & 0xf) === busy
    );
  },
});
