/** Laws of events: what a host injects, what waits, and what was cut off by an exit. */

import fc from "fast-check";
import { BIT, RFLAGS } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { ENGINES } from "../../../support/privileged-machines.ts";
import { entryAt, GUEST, handlerOf, HOST, SvmMachine } from "../../../support/svm-machines.ts";

const NOP = 0x90;
const VMMCALL = [0x0f, 0x01, 0xd9];
const PAGE = 4096;
const IF = Number(RFLAGS.IF);
const VALID = 0x8000_0000n;
const HAS_ERROR_CODE = 0x800n;
const TYPES = { interrupt: 0n, NMI: 2n, exception: 3n, software: 4n } as const;

interface Injection {
  readonly type: keyof typeof TYPES;
  readonly vector: number;
  readonly errorCode: number | null;
}

/** Exceptions that push an error code, and others. */
const WITH_CODE = [8, 10, 11, 12, 13, 14, 17];
const WITHOUT_CODE = [0, 1, 3, 4, 5, 6, 7, 16, 19];

const anyInjection = (): fc.Arbitrary<Injection> =>
  fc.oneof(
    fc.record({
      type: fc.constantFrom("interrupt" as const, "software" as const),
      vector: fc.nat(255),
      errorCode: fc.constant(null),
    }),
    fc.record({
      type: fc.constant("exception" as const),
      vector: fc.constantFrom(...WITHOUT_CODE),
      errorCode: fc.constant(null),
    }),
    fc.record({
      type: fc.constant("exception" as const),
      vector: fc.constantFrom(...WITH_CODE),
      errorCode: fc.nat(0xffff),
    }),
    fc.constant({ type: "NMI" as const, vector: 2, errorCode: null }),
  );

function fieldOf({ type, vector, errorCode }: Injection): bigint {
  const low = VALID | (TYPES[type] << 8n) | BigInt(vector);
  return errorCode === null ? low : low | HAS_ERROR_CODE | (BigInt(errorCode) << 32n);
}

law("injected-events-go-through-the-idt", {
  says: "VMRUN delivers an injected event of each kind before the guest's first instruction, whatever IF, the interrupt shadow and intercepts say, with its error code and return address on the stack, and EVENTINJ is not valid any more.",
  cites: 'APM Vol. 2, "Event Injection"; Vol. 2, "Long-Mode Interrupt Control Transfers"',
  forAll: {
    injection: anyInjection(),
    cpl: fc.constantFrom(0 as const, 3 as const),
    flags: fc.constantFrom(2, 2 | IF),
    shadow: fc.nat(1),
    intercepts: fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 150,
  holds: ({ injection, cpl, flags, shadow, intercepts, engine }) => {
    const machine = new SvmMachine(engine, [0xcd, 0x80, ...VMMCALL], cpl);
    machine.set("EVENTINJ", fieldOf(injection));
    machine.set("EXCEPTIONS", intercepts);
    machine.set("RFLAGS", flags);
    machine.set("INTERRUPT_SHADOW", shadow);
    // A software interrupt goes back behind its instruction, others to RIP.
    const next = GUEST.code + 2;
    machine.set("NRIP", next);
    const { data } = framesOf(machine);
    machine.run(2);
    isAt(machine, 0x81n, handlerOf(injection.vector));
    const back = injection.type === "software" ? next : GUEST.code;
    const [cs, ss] = cpl === 0 ? [0x08, 0x10] : [0x1b, 0x23];
    const frame = [ss, GUEST.stack, flags, cs, back].map(BigInt);
    if (injection.errorCode !== null) frame.push(BigInt(injection.errorCode));
    isSame(framesOf(machine).words.slice(0, frame.length), frame, "the frame");
    if (framesOf(machine).data !== data) throw new Error("something else was written");
    if ((machine.get("EVENTINJ") & VALID) !== 0n) throw new Error("EVENTINJ is still valid");
    if (machine.get("EXITINTINFO") !== 0n) throw new Error("no event was cut off");
  },
});

// What waits.

law("virtual-interrupts-wait-for-if-and-priority", {
  says: "A virtual interrupt is taken exactly if IF is set and its priority is above V_TPR or that is to be ignored, behind an interrupt shadow; if virtual interrupts are intercepted, that is the exit, and V_IRQ stays.",
  cites:
    'APM Vol. 2, "Injecting Virtual (INTR) Interrupts", "Virtual Interrupts", "Interrupt Shadows"',
  forAll: {
    pending: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    priority: fc.nat(15),
    tpr: fc.nat(15),
    ignoresTpr: fc.boolean(),
    masking: fc.boolean(),
    isOpen: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    shadow: fc.nat(1),
    isAsked: fc.boolean(),
    vector: fc.integer({ min: 32, max: 255 }),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: (drawn) => {
    const { pending, priority, tpr, ignoresTpr, masking, isOpen, shadow, isAsked, vector } = drawn;
    const machine = new SvmMachine(drawn.engine, [NOP, NOP, ...VMMCALL]);
    const bits = [tpr, pending ? 0x100 : 0, priority << 16, ignoresTpr ? 1 << 20 : 0];
    const low = bits.reduce((all, part) => all + part, masking ? 1 << 24 : 0);
    machine.set("V_INTR", BigInt(low) | (BigInt(vector) << 32n));
    machine.set("RFLAGS", isOpen ? 2 | IF : 2);
    machine.set("INTERRUPT_SHADOW", shadow);
    if (isAsked) machine.set("VECTOR_3", 1 << 4);
    machine.run(6);
    const taken = pending && isOpen && (ignoresTpr || priority > tpr);
    const isPending = (machine.get("V_INTR") & 0x100n) !== 0n;
    if (!taken) {
      isAt(machine, 0x81n, GUEST.code + 2);
    } else if (isAsked) {
      isAt(machine, 0x64n, GUEST.code + shadow);
    } else {
      isAt(machine, 0x81n, handlerOf(vector));
      const back = framesOf(machine).words[4];
      if (back !== BigInt(GUEST.code + shadow)) throw new Error(`back to ${back?.toString(16)}`);
    }
    if (isPending !== (pending && (!taken || isAsked))) throw new Error(`V_IRQ is ${isPending}`);
  },
});

law("interrupts-ask-the-if-that-masks-them", {
  says: "A physical interrupt is masked by the guest's IF, or with V_INTR_MASKING by that of the host; intercepted it exits and stays unacknowledged, or else it goes to the guest's handler.",
  cites: 'APM Vol. 2, "Virtualizing RFLAGS.IF", "INTR Intercept"',
  forAll: {
    hostIf: fc.boolean(),
    guestIf: fc.boolean(),
    masking: fc.boolean(),
    isAsked: fc.boolean(),
    vector: fc.integer({ min: 32, max: 255 }),
    engine: fc.constantFrom(...ENGINES),
  },
  holds: ({ hostIf, guestIf, masking, isAsked, vector, engine }) => {
    const machine = new SvmMachine(engine, [NOP, ...VMMCALL]);
    machine.set("V_INTR", masking ? 1 << 24 : 0);
    machine.set("RFLAGS", guestIf ? 2 | IF : 2);
    if (isAsked) machine.set("VECTOR_3", 1);
    machine.state.rflags = hostIf ? 2n | RFLAGS.IF : 2n;
    machine.enter();
    machine.arrive("INTR", vector);
    machine.runGuest(5);
    const isTaken = masking ? hostIf : guestIf;
    if (!isTaken) isAt(machine, 0x81n, GUEST.code + 1);
    else if (isAsked) isAt(machine, 0x60n, GUEST.code);
    else isAt(machine, 0x81n, handlerOf(vector));
    const isAcknowledged = machine.surroundings.vector === null;
    if (isAcknowledged !== (isTaken && !isAsked)) throw new Error("the acknowledge cycle is wrong");
  },
});

const EVENTS = ["NMI", "INTR", "INIT"] as const;
const HANDLER_BYTES = 4;
const handlers = {
  NMI: BigInt(HOST.data + 2 * HANDLER_BYTES),
  INTR: BigInt(HOST.data + 0x30 * HANDLER_BYTES),
} as const;

law("gif-holds-events-back", {
  says: "After an exit or CLGI, NMI, INTR and INIT wait until STGI, and are taken then.",
  cites: 'APM Vol. 2, "Global Interrupt Flag, STGI and CLGI Instructions"',
  forAll: {
    event: fc.constantFrom(...EVENTS),
    by: fc.constantFrom("exit" as const, "CLGI" as const),
    waits: fc.nat(4),
    before: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  holds: ({ event, by, waits, before, engine }) => {
    const machine = new SvmMachine(engine, VMMCALL);
    const { ram, state } = machine;
    giveHandlers(machine);
    state.rflags |= RFLAGS.IF;
    // VMRUN or CLGI; NOPs; STGI; NOP.
    const first = by === "exit" ? [0x0f, 0x01, 0xd8] : [0x0f, 0x01, 0xdd];
    const code = [...first, ...Array.from({ length: waits + 1 }, () => NOP), 0x0f, 0x01, 0xdc, NOP];
    ram.write(HOST.code, Uint8Array.from(code));
    if (by === "exit") machine.run(3);
    else machine.enter();
    if (before) machine.arrive(event, 0x30);
    for (let i = 0; i < waits; i += 1) machine.step();
    if (!before) machine.arrive(event, 0x30);
    machine.step();
    const atStgi = BigInt(HOST.code + 4 + waits);
    if (state.rip !== atStgi) throw new Error(`GIF lets ${event} in: ${state.rip.toString(16)}`);
    machine.step();
    machine.step();
    const isReset = !state.has("CR0", BIT.CR0.PE);
    if (event === "INIT" ? !isReset : state.rip !== handlers[event])
      throw new Error(`${event} is not taken: ${state.rip.toString(16)}`);
  },
});

// What was cut off.

interface Cut {
  readonly name: string;
  readonly code: readonly number[];
  readonly injection: Injection | null;
  /** What EXITINTINFO says of it. */
  readonly info: bigint;
}

const anyCut = (): fc.Arbitrary<Cut> =>
  fc.oneof(
    anyInjection().map((injection) => ({
      name: "injected",
      code: [NOP],
      injection,
      info: fieldOf(injection),
    })),
    fc.constantFrom(
      { name: "UD2", code: [0x0f, 0x0b], injection: null, info: VALID | 0x306n },
      { name: "INT3", code: [0xcc], injection: null, info: VALID | 0x303n },
      { name: "INT 0x42", code: [0xcd, 0x42], injection: null, info: VALID | 0x442n },
      // LLDT of a selector beyond the table.
      {
        name: "#GP",
        code: [0x0f, 0x00, 0xd1],
        injection: null,
        info: VALID | (0x3f0n << 32n) | 0xb0dn,
      },
    ),
  );

law("exits-tell-of-the-delivery-that-they-cut-off", {
  says: "An exit that delivery of an event meets, for a nested page fault of the IDT or the stack or for an intercepted exception, has the event in EXITINTINFO, as it is to be injected again, and the guest is as before the delivery.",
  cites:
    'APM Vol. 2, "EXITINTINFO Pseudo-Code", "Intercepts During Event Delivery" (Interrupt Delivery)',
  forAll: {
    cut: anyCut(),
    where: fc.constantFrom("IDT" as const, "stack" as const),
    by: fc.constantFrom("nested" as const, "guest" as const),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 150,
  holds: ({ cut, where, by, engine }) => {
    const machine = new SvmMachine(engine, cut.code);
    const { ram, state } = machine;
    if (cut.injection !== null) machine.set("EVENTINJ", fieldOf(cut.injection));
    const page = where === "IDT" ? GUEST.idt : GUEST.stack;
    ram.write64(entryAt(by === "nested" ? HOST.nested : GUEST.tables, page), 0n);
    machine.set("EXCEPTIONS", 1 << 14);
    state.setGpr(1, 0x3f3n);
    const before = ram.read(GUEST.first, 0x1_0000).slice();
    machine.run(3);
    isAt(machine, by === "nested" ? 0x400n : 0x4en, GUEST.code);
    if (machine.get("EXITINTINFO") !== cut.info)
      throw new Error(`EXITINTINFO ${machine.get("EXITINTINFO").toString(16)} of ${cut.name}`);
    const at = Number(machine.get("EXITINFO2"));
    if (Math.floor(at / PAGE) !== Math.floor(page / PAGE)) throw new Error(`at ${at.toString(16)}`);
    if (machine.get("RSP") !== BigInt(GUEST.stack)) throw new Error("RSP has changed");
    if (Buffer.compare(before, ram.read(GUEST.first, 0x1_0000)) !== 0)
      throw new Error("the guest's memory has changed");
  },
});

// Helpers

function isAt(machine: SvmMachine, exit: bigint, rip: number): void {
  if (machine.state.isGuest) throw new Error("no exit");
  const [code, at] = [machine.get("EXITCODE"), machine.get("RIP")];
  if (code !== exit || at !== BigInt(rip))
    throw new Error(`exit ${code.toString(16)} at ${at.toString(16)}, not ${rip.toString(16)}`);
}

/** What lies below the guest's stack pointer, from the top; and the rest of its memory. */
function framesOf({ ram }: SvmMachine): { words: readonly bigint[]; data: string } {
  const words = Array.from({ length: 8 }, (_, i) => ram.read64(GUEST.stack - 8 * (i + 1)));
  const data = ram.read(GUEST.data, PAGE);
  return { words, data: Buffer.from(data).toString("latin1") };
}

function isSame(seen: readonly bigint[], wanted: readonly bigint[], what: string): void {
  const [a, b] = [seen, wanted].map((words) => words.map((word) => word.toString(16)).join());
  if (a !== b) throw new Error(`${what} is ${a}, not ${b}`);
}

/** The host's IDT: each handler is a HLT. */
function giveHandlers({ ram }: SvmMachine): void {
  for (let vector = 0; vector < 256; vector += 1) {
    const at = HOST.data + HANDLER_BYTES * vector;
    ram.write64(HOST.idt + 16 * vector, (0x8e00n << 32n) | 0x8_0000n | BigInt(at));
    ram.write8(at, 0xf4);
  }
}
