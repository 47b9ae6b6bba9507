/** Laws of the x87 unit and of the MMX registers that lie in it. */

import fc from "fast-check";
import type { Form } from "../../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { CR0, OFFSET } from "../../../src/hw/cpu/state.ts";
import {
  environmentOf,
  type Layout,
  loadEnvironment,
} from "../../../src/hw/cpu/x87/environment.ts";
import { WIRES, X87Unit } from "../../../src/hw/cpu/x87/unit.ts";
import { law } from "../../support/law.ts";
import {
  interpretedMachine,
  look,
  type Machine,
  MEMORY_START,
  referenceMachine,
} from "../../support/programs.ts";
import { anyX87, lookAtX87, type X87Start } from "../../support/x87.ts";

const [NM, UD, MF] = [7, 6, 16];
const MAKERS = [referenceMachine, interpretedMachine];
const DATA = MEMORY_START + 0x2000n;
/** Every register points to data. */
const POINTERS = Array.from({ length: 16 }, () => DATA);
const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;
const EXCEPTIONS = 0x3f;
const TOP = 0x3800;

const FORMS: readonly Form[] = INSTRUCTIONS.flatMap(({ forms }) => forms).filter(({ modes }) =>
  modes.startsWith("V"),
);
const isX87 = ({ map, opcode }: Form): boolean => map === 0 && (opcode & 0xf8) === 0xd8;
const X87_FORMS = FORMS.filter(isX87);
const MMX_FORMS = FORMS.filter(
  ({ operands, modrm }) =>
    operands.some(({ kind }) => kind.startsWith("mmx")) && modrm?.allows !== "memory",
);
/** They look at no exception: Vol. 1, "x87 FPU Control Instructions". */
const WITHOUT_WAIT = /^FN(?!OP)/;
const WAIT = Uint8Array.of(0x9b);

law("pending-exceptions-come-at-the-next-waiting-instruction", {
  says: "An x87 instruction is #MF exactly when ES says that an exception is pending and it is no FN instruction, and then it changes nothing.",
  cites: 'SDM Vol. 1, "Handling x87 FPU Exceptions in Software"; Vol. 3, "#MF"',
  forAll: { encoded: anyX87Code(), x87: anyX87(true) },
  runs: 1500,
  holds: ({ encoded: { form, code }, x87 }) =>
    MAKERS.every((make) => {
      const machine = start(make, code, x87);
      const before = look(machine);
      const isPending = (x87.status & ~x87.control & EXCEPTIONS) !== 0;
      const expected = isPending && !WITHOUT_WAIT.test(form.mnemonic) ? MF : undefined;
      const fault = machine.run(1);
      if (fault?.vector !== expected) throw new Error(`${form.mnemonic}: ${fault?.vector}`);
      return expected === undefined || look(machine) === before;
    }),
});

law("masked-responses-never-fault", {
  says: "With all exceptions masked no sequence of x87 instructions that compute is a fault or leaves an exception pending.",
  cites: 'SDM Vol. 1, "Masked Responses"',
  forAll: {
    x87: anyX87().map((x87) => ({ ...x87, control: x87.control | EXCEPTIONS })),
    list: fc.array(anyX87Code(), { minLength: 1, maxLength: 12 }),
  },
  runs: 300,
  given: ({ list }) => list.every(({ form }) => !/^(FLDCW|FLDENV|FRSTOR)$/.test(form.mnemonic)),
  holds: ({ x87, list }) =>
    MAKERS.every((make) => {
      const code = Uint8Array.from([...list.flatMap((each) => [...each.code]), ...WAIT]);
      const machine = start(make, code, x87);
      const end = MEMORY_START + BigInt(code.length);
      while (machine.state.rip !== end) {
        if (machine.run(machine.state.cycles + 1) !== null) return false;
      }
      return !new X87Unit(machine.state).isPending;
    }),
});

law("summaries-follow-flags-and-masks", {
  says: "After any x87 instruction that does not fault ES and B are set exactly when an exception is flagged and not masked.",
  cites: 'SDM Vol. 1, "x87 FPU Status Register", exception summary status',
  forAll: { encoded: anyX87Code(), x87: anyX87() },
  runs: 1500,
  holds: ({ encoded: { code }, x87 }) =>
    MAKERS.every((make) => {
      const machine = start(make, code, x87);
      if (machine.run(1) !== null) return false;
      const { status, control } = new X87Unit(machine.state);
      return (status & 0x8080) === ((status & ~control & EXCEPTIONS) === 0 ? 0 : 0x8080);
    }),
});

law("the-x87-unit-needs-permission", {
  says: "An x87 instruction is #NM with CR0.EM or CR0.TS, WAIT with CR0.MP and CR0.TS, an MMX instruction #UD with CR0.EM and else #NM with CR0.TS.",
  cites: 'SDM Vol. 3, "Device-Not-Available Exception (#NM)", "MMX Technology System Programming"',
  forAll: {
    kind: fc.oneof(
      anyX87Code().map(({ code }) => ({ kind: "x87", code })),
      anyMmxCode().map(({ code }) => ({ kind: "mmx", code })),
      fc.constant({ kind: "wait", code: WAIT }),
    ),
    bits: fc.subarray([CR0.EM, CR0.TS, CR0.MP]),
  },
  runs: 600,
  holds: ({ kind: { kind, code }, bits }) => {
    const [em, ts, mp] = [CR0.EM, CR0.TS, CR0.MP].map((bit) => bits.includes(bit));
    const expected = {
      x87: em || ts ? NM : undefined,
      mmx: em ? UD : ts ? NM : undefined,
      wait: ts && mp ? NM : undefined,
    }[kind];
    return MAKERS.every((make) => {
      const machine = start(make, code);
      const cr0 = machine.state.control("CR0") & ~(CR0.EM | CR0.TS | CR0.MP);
      machine.state.setControl(
        "CR0",
        bits.reduce((all, bit) => all | bit, cr0),
      );
      return machine.run(1)?.vector === expected;
    });
  },
});

law("without-native-errors-an-exception-is-waited-for", {
  says: "With CR0.NE clear a pending exception holds every waiting instruction where it is and asserts FERR#, until IGNNE# lets it go on.",
  cites: 'SDM Vol. 1, "MS-DOS Compatibility Sub-mode"; Vol. 3, "Control Registers"',
  forAll: {
    code: fc.oneof(
      fc.constant(WAIT),
      anyMmxCode().map(({ code }) => code),
      fc.constant(Uint8Array.of(0xd9, 0xd0)),
    ),
    x87: anyPendingX87(),
    ignored: fc.boolean(),
  },
  runs: 400,
  holds: ({ code, x87, ignored }) =>
    MAKERS.every((make) => {
      const machine = start(make, code, x87);
      const { state } = machine;
      state.setControl("CR0", state.control("CR0") & ~CR0.NE);
      if (ignored) state.view.setUint8(OFFSET.x87Wires, WIRES.IGNNE);
      if (machine.run(1) !== null) return false;
      const isAsserted = (state.view.getUint8(OFFSET.x87Wires) & WIRES.FERR) !== 0;
      return (state.rip === MEMORY_START) === !ignored && isAsserted === !ignored;
    }),
});

law("mmx-makes-every-register-valid", {
  says: "After an MMX instruction TOP is 0 and no x87 register empty, and after EMMS every one is; what was written has a sign and exponent of ones, and no other register has changed.",
  cites:
    'SDM Vol. 1, "MMX Instructions and the x87 FPU Tag Word"; Vol. 3, "The MMX State and MMX Register Aliasing"',
  forAll: { encoded: anyMmxCode(), x87: anyX87(), empties: fc.boolean() },
  runs: 800,
  holds: ({ encoded: { form, code, reg, rm }, x87, empties }) =>
    MAKERS.every((make) => {
      const machine = start(make, Uint8Array.from([...code, 0x0f, 0x77]), x87);
      if (machine.run(1) !== null) return false;
      if (empties && machine.run(machine.state.cycles + 1) !== null) return false;
      const unit = new X87Unit(machine.state);
      const isOfMmx = (kind: string): boolean => kind.startsWith("mmx");
      const [destination] = form.operands;
      const written =
        destination !== undefined && isOfMmx(destination.kind) && form.mnemonic !== "MASKMOVQ"
          ? (destination.kind === "mmxReg" ? reg : rm) & 7
          : -1;
      const registers = x87.registers.every((before, i) => {
        const now = unit.physical(i);
        if (i === written) return now.signExponent === 0xffff;
        return now.significand === before.significand && now.signExponent === before.signExponent;
      });
      return registers && (unit.status & TOP) === 0 && unit.abridgedTags === (empties ? 0 : 0xff);
    }),
});

law("environments-load-what-was-stored", {
  says: "Each of the four layouts of FSTENV holds its fields where the manual draws them, and loads again, but for pointers cut to their bits and for an opcode that has no place.",
  cites: 'SDM Vol. 1, "Saving the x87 FPU’s State with FSTENV/FNSTENV and FSAVE/FNSAVE", figures',
  forAll: {
    x87: anyX87(true),
    pointers: fc.tuple(fc.nat(), fc.nat(), fc.nat(0x7ff)),
    layout: fc.record<Layout>({
      size: fc.constantFrom(16, 32),
      mode: fc.constantFrom("protected", "real"),
    }),
  },
  runs: 400,
  holds: ({ x87, pointers: [instruction, data, opcode], layout }) => {
    const { state } = start(referenceMachine, WAIT, x87);
    const unit = new X87Unit(state);
    unit.instructionPointer = BigInt(instruction);
    unit.dataPointer = BigInt(data);
    unit.opcode = opcode;
    const bytes = environmentOf(unit, layout);
    const view = new DataView(bytes.buffer);
    const { size, mode } = layout;
    const word = (i: number): number => view.getUint16((i * size) / 8, true);
    const high = (i: number): number => (size === 16 ? word(i) : view.getUint32(4 * i, true));
    // The low words of the pointers, and where their upper bits and the opcode are drawn.
    const lowWords = word(3) === (instruction & 0xffff) && word(5) === (data & 0xffff);
    const upper = size === 16 ? 0xf : 0xffff;
    const drawn =
      mode === "real"
        ? ((high(4) >>> 12) & upper) === ((instruction >>> 16) & upper) &&
          (high(4) & 0x7ff) === opcode &&
          ((high(6) >>> 12) & upper) === ((data >>> 16) & upper)
        : size === 16 || (high(3) === instruction && high(4) >>> 16 === opcode && high(5) === data);
    const before = lookAtX87(state);
    const kept = size === 32 ? 0xffff_ffff : mode === "real" ? 0xf_ffff : 0xffff;
    loadEnvironment(unit, bytes, layout);
    const cut =
      unit.instructionPointer === BigInt((instruction & kept) >>> 0) &&
      unit.dataPointer === BigInt((data & kept) >>> 0) &&
      unit.opcode === (size === 16 && mode === "protected" ? 0 : opcode);
    unit.instructionPointer = BigInt(instruction);
    unit.dataPointer = BigInt(data);
    unit.opcode = opcode;
    return word(1) === unit.status && lowWords && drawn && cut && lookAtX87(state) === before;
  },
});

// Helpers

interface Encoded {
  readonly form: Form;
  readonly code: Uint8Array;
  readonly reg: number;
  readonly rm: number;
}

/** With every operand in memory at data, and SSE state that raises nothing. */
function start(make: (typeof MAKERS)[number], code: Uint8Array, x87?: X87Start): Machine {
  const machine = make({
    code,
    start: { gpr: POINTERS, rflags: 2n, ...(x87 === undefined ? {} : { x87 }) },
    data: Uint8Array.from({ length: 64 }, (_, i) => 37 * i),
  });
  return machine;
}

/** With one exception at least that is not masked. */
function anyPendingX87(): ReturnType<typeof anyX87> {
  return fc.tuple(anyX87(true), fc.nat(5)).map(([drawn, exception]) => ({
    ...drawn,
    control: drawn.control & ~(1 << exception),
    status: drawn.status | (1 << exception),
  }));
}

function anyX87Code(): fc.Arbitrary<Encoded> {
  return anyCode(X87_FORMS);
}

/** In registers alone. */
function anyMmxCode(): fc.Arbitrary<Encoded> {
  return anyCode(MMX_FORMS);
}

function anyCode(forms: readonly Form[]): fc.Arbitrary<Encoded> {
  return fc
    .record({ form: fc.constantFrom(...forms), reg: fc.nat(7), rm: fc.nat(7), imm: fc.nat(255) })
    .map(({ form, reg, rm, imm }) => ({ form, reg, rm, code: encode(form, reg, rm, imm) }));
}

/** A memory operand is at [RDI], so that none is rSP's. */
function encode(form: Form, register: number, rm: number, imm: number): Uint8Array {
  const { modrm, prefix } = form;
  const inMemory = modrm?.allows === "memory";
  const field = modrm?.digit ?? register;
  const low = inMemory ? 7 : 0xc0 | rm;
  const selects = prefix === "66" || prefix === "F2" || prefix === "F3";
  return Uint8Array.from([
    ...(selects ? [Number.parseInt(prefix, 16)] : []),
    ...(!selects && form.operandSize === 16 ? [0x66] : []),
    ...(form.rexW === true ? [0x48] : []),
    ...MAP_BYTES[form.map],
    form.opcode,
    ...(modrm === null ? [] : [modrm.fixed ?? (field << 3) | low]),
    ...form.immediates.map(() => imm),
  ]);
}
