/** Laws of what comes first at a boundary of a guest, of injected events, and of the fields that tell of exits. */

import fc from "fast-check";
import { BLOCKING, PENDING } from "../../../../src/hw/cpu/state.ts";
import { readMsr } from "../../../../src/hw/cpu/msr/access.ts";
import type { MsrAccess } from "../../../../src/hw/cpu/msr/msr.ts";
import { writeSlot } from "../../../../src/hw/cpu/msr/slots.ts";
import { law } from "../../../support/law.ts";
import { AT, BITS, ENGINES, type Fields, VmxMachine } from "../../../support/vmx-machines.ts";

law("what-is-due-first-comes-first", {
  says: "At a boundary of a guest, of what is pending, asked for and not blocked the first in the manual's order happens: debug trap, VMX-preemption timer, NMI window, NMI, interrupt window, external interrupt; an NMI or interrupt exits where that is asked for.",
  cites:
    'SDM Vol. 3, "Priority Among Concurrent Events", "Window Exiting", "VMX-Preemption Timer", "Guest Interruptibility State"',
  forAll: {
    pin: fc.constantFrom(...PINS()),
    nmiWindow: fc.boolean(),
    interruptWindow: fc.boolean(),
    acknowledges: fc.boolean(),
    timer: fc.constantFrom(0n, 0xffff_ffffn),
    open: fc.boolean(),
    blocking: fc.constantFrom(0, 0, 0, BLOCKING.sti, BLOCKING.movSs, BLOCKING.nmi),
    debug: fc.boolean(),
    bitmap: fc.boolean(),
    halted: fc.boolean(),
    nmi: fc.boolean(),
    interrupt: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  given: (of) =>
    ((of.blocking & BLOCKING.sti) === 0 || of.open) &&
    (!of.halted || ((of.blocking & ~BLOCKING.nmi) === 0 && !of.debug)) &&
    // Held back, a single step would have to be pending with RFLAGS.TF.
    (!of.debug || (of.blocking & SHADOWS) === 0) &&
    (!of.nmiWindow || (of.pin & VIRTUAL_NMIS) !== 0),
  runs: 1500,
  holds: (of) => {
    const machine = new VmxMachine(
      { mode: "64-bit", code: [0x90], fields: fieldsOf(of) },
      of.engine,
    );
    const { state, environment } = machine;
    machine.launch();
    if (!state.isGuest) throw new Error("not entered");
    if (of.nmi) state.pending |= PENDING.nmi;
    if (of.interrupt) environment.interrupt = 0x21;
    state.attention = true;
    machine.step();
    const seen = state.isGuest
      ? state.rip >= BigInt(AT.handlers)
        ? `handler ${(Number(state.rip) - AT.handlers) >> 4}`
        : "goes on"
      : `exit ${machine.read("Exit reason")} ${machine.read("VM-exit interruption information").toString(16)}`;
    const expected = due(of);
    if (seen !== expected) throw new Error(`${seen}, not ${expected}`);
    // An exit from HLT says that the guest was halted.
    if (!state.isGuest && of.halted && machine.read("Guest activity state") !== 1n)
      throw new Error("the guest was halted");
    return true;
  },
});

law("an-injected-event-is-delivered", {
  says: "An event that an entry injects is delivered before the first instruction, as its type and vector say, with its error code, a software one returns behind the instruction, and the field is valid no more after an exit.",
  cites: 'SDM Vol. 3, "Event Injection", "VM-Entry Controls for Event Injection"',
  forAll: {
    event: fc.constantFrom(
      { type: 0, vector: 0x21, error: null },
      { type: 2, vector: 2, error: null },
      { type: 3, vector: 6, error: null },
      { type: 3, vector: 13, error: 0x1234 },
      { type: 3, vector: 14, error: 2 },
      { type: 4, vector: 0x30, error: null },
      { type: 5, vector: 1, error: null },
      { type: 6, vector: 3, error: null },
    ),
    length: fc.integer({ min: 0, max: 15 }),
    trap: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ event: { type, vector, error }, length, trap, engine }) => {
    const information =
      0x8000_0000n | BigInt(vector) | (BigInt(type) << 8n) | (error === null ? 0n : 0x800n);
    const fields: Fields = {
      "Guest RFLAGS": 0x202n,
      "VM-entry interruption-information field": information,
      "VM-entry exception error code": BigInt(error ?? 0),
      "VM-entry instruction length": BigInt(length),
      // The monitor trap flag: an exit right after the delivery.
      ...(trap
        ? {
            "Primary processor-based VM-execution controls":
              BITS.primary | BITS.secondaryOn | (1n << 27n),
          }
        : {}),
      // None of it is asked for again.
      "Exception bitmap": 0xffff_ffffn,
    };
    const machine = new VmxMachine({ mode: "64-bit", code: [0x90], fields }, engine);
    const { state } = machine;
    machine.launch();
    const cr2 = state.control("CR2");
    machine.step();
    const handler = BigInt(AT.handlers + 16 * vector);
    if (state.rip !== handler) throw new Error(`at ${state.rip.toString(16)}`);
    if (state.control("CR2") !== cr2) throw new Error("CR2 has changed");
    const stack = Number(state.gpr(4));
    if (error !== null && machine.memory.read64(stack) !== BigInt(error))
      throw new Error("error code");
    const returned = machine.memory.read64(stack + (error === null ? 0 : 8));
    const behind = type >= 4 ? length : 0;
    if (returned !== BigInt(AT.guestCode + behind)) throw new Error(`returns to ${returned}`);
    machine.step();
    if (machine.read("Exit reason") !== (trap ? 37n : 18n))
      throw new Error(`exit ${machine.read("Exit reason")}`);
    if (machine.read("Guest RIP") !== handler) throw new Error("the handler has run");
    return machine.read("VM-entry interruption-information field") >> 31n === 0n;
  },
});

law("an-exit-in-the-middle-of-a-delivery-tells-the-event", {
  says: "When the delivery of an event cannot be finished because of EPT, the exit tells the event as IDT-vectoring information, with error code and length, and the guest is as it was before.",
  cites: 'SDM Vol. 3, "Information for VM Exits That Occur During Event Delivery"',
  forAll: {
    how: fc.constantFrom("INT n" as const, "#UD" as const, "#GP" as const, "injected" as const),
    broken: fc.constantFrom("IDT" as const, "stack" as const),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 60,
  holds: ({ how, broken, engine }) => {
    const codes = {
      "INT n": [0xcd, 0x30],
      "#UD": [0x0f, 0x0b],
      "#GP": [0x0f, 0x33],
      injected: [0x90],
    };
    const vectoring = {
      "INT n": 0x8000_0430n,
      "#UD": 0x8000_0306n,
      "#GP": 0x8000_0b0dn,
      injected: 0x8000_0603n,
    }[how];
    const fields: Fields =
      how === "injected"
        ? {
            "VM-entry interruption-information field": vectoring,
            "VM-entry instruction length": 1n,
          }
        : {};
    const machine = new VmxMachine({ mode: "64-bit", code: codes[how], fields }, engine);
    const page = broken === "IDT" ? AT.guestIdt : AT.guestStack - 0x1000;
    machine.memory.write64(AT.ept + 0x3000 + 8 * (page >> 12), 0n);
    machine.launch();
    machine.step();
    if (machine.read("Exit reason") !== 48n) throw new Error(`exit ${machine.read("Exit reason")}`);
    if (machine.read("IDT-vectoring information field") !== vectoring)
      throw new Error(machine.read("IDT-vectoring information field").toString(16));
    const length = how === "INT n" ? 2n : how === "injected" ? 1n : 0n;
    if (machine.read("VM-exit instruction length") !== length) throw new Error("length");
    if (machine.read("Guest RSP") !== BigInt(AT.guestStack)) throw new Error("the stack has moved");
    return machine.read("Guest RIP") === BigInt(AT.guestCode);
  },
});

law("a-task-switch-exits", {
  says: "A task switch that a guest attempts, and whose checks pass, exits with the selector of the new task and what attempts it; before it is a fault where a check fails.",
  cites: 'SDM Vol. 3, "Treatment of Task Switches", "Exit Qualification for Task Switches"',
  forAll: {
    by: fc.constantFrom(
      { name: "JMP" as const, code: [0xea, 0, 0, 0, 0, 0x18, 0], source: 2n },
      { name: "CALL" as const, code: [0x9a, 0, 0, 0, 0, 0x18, 0], source: 0n },
      { name: "JMP through a gate" as const, code: [0xea, 0, 0, 0, 0, 0x20, 0], source: 2n },
      { name: "INT n" as const, code: [0xcd, 0x05], source: 3n },
      { name: "IRET" as const, code: [0xcf], source: 1n },
    ),
    wrong: fc.constantFrom("nothing", "nothing", "type", "limit", "presence"),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 120,
  holds: ({ by, wrong, engine }) => {
    const fields: Fields = {
      "Exception bitmap": 0xffff_ffffn,
      "Guest RFLAGS": by.name === "IRET" ? 0x4002n : 2n,
      "Guest TR base": BigInt(AT.spare),
    };
    const machine = new VmxMachine({ mode: "protected", code: by.code, fields }, engine);
    const { memory } = machine;
    const busy = by.name === "IRET" ? 2n : 0n;
    const type = wrong === "type" ? 0xcn : 9n | busy;
    const limit = wrong === "limit" ? 0x66n : 0x67n;
    const present = wrong === "presence" ? 0n : 0x80n;
    memory.write64(AT.guestGdt + 0x18, limit | ((type | present) << 40n));
    memory.write64(AT.guestGdt + 0x20, 0x8500_0018_0000n);
    memory.write64(AT.guestIdt + 8 * 5, 0x8500_0018_0000n);
    memory.write32(AT.spare, 0x18);
    machine.launch();
    machine.step();
    if (machine.state.isGuest) throw new Error("no exit");
    if (wrong !== "nothing") return machine.read("Exit reason") === 0n;
    if (machine.read("Exit reason") !== 9n) throw new Error(`exit ${machine.read("Exit reason")}`);
    const qualification = 0x18n | (by.source << 30n);
    if (machine.read("Exit qualification") !== qualification)
      throw new Error(machine.read("Exit qualification").toString(16));
    if (machine.read("VM-exit instruction length") !== BigInt(by.code.length))
      throw new Error("length");
    const vectoring = by.name === "INT n" ? 0x8000_0405n : 0n;
    return machine.read("IDT-vectoring information field") === vectoring;
  },
});

law("the-preemption-timer-counts-with-the-counter", {
  says: "The VMX-preemption timer counts down whenever the bit of the time-stamp counter that IA32_VMX_MISC names changes, exits when it reaches 0, also from HLT, and is saved where that is asked for.",
  cites: 'SDM Vol. 3, "VMX-Preemption Timer", "Saving Non-Register State"',
  forAll: {
    nops: fc.nat(60),
    offset: fc.nat(1000),
    value: fc.oneof(fc.integer({ min: 0, max: 140 }), fc.integer({ min: 100, max: 100_000 })),
    halts: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ nops, offset, value, halts, engine }) => {
    const fields: Fields = {
      "Pin-based VM-execution controls": BITS.pin | BigInt(TIMER),
      "VM-exit controls": BITS.exit | BITS.hostIs64 | (1n << 22n),
      "VMX-preemption timer value": BigInt(value),
    };
    const end = halts ? [0xf4] : [0x0f, 0x01, 0xc1];
    const code = [...Array.from({ length: nops }, () => 0x90), ...end];
    const machine = new VmxMachine({ mode: "64-bit", code, fields }, engine);
    const { state } = machine;
    writeSlot(state, "TSC offset", BigInt(offset));
    const shift = Number((readMsr(accessOf(machine), 0x485) ?? 0n) & 31n);
    const ticks = (cycles: number): number => Math.floor((cycles + offset) / 2 ** shift);
    const start = ticks(state.cycles);
    machine.launch();
    let last = state.cycles;
    while (state.isGuest) {
      last = state.cycles;
      machine.step();
    }
    if (machine.read("Exit reason") === 18n) {
      const left = value - (ticks(last) - start);
      if (left <= 0) throw new Error("the timer has run out before");
      return machine.read("VMX-preemption timer value") === BigInt(left);
    }
    if (machine.read("Exit reason") !== 52n) throw new Error(`exit ${machine.read("Exit reason")}`);
    if (ticks(last) - start < value && !halts) throw new Error("too early");
    return machine.read("VMX-preemption timer value") === 0n;
  },
});

// Helpers

const accessOf = ({ state, environment, translated, vmx }: VmxMachine): MsrAccess => ({
  state,
  environment,
  memory: translated,
  virtualization: vmx,
});

/** External-interrupt exiting, NMI exiting, virtual NMIs, the preemption timer. */
function PINS(): readonly number[] {
  const some = [0, 1, 8, 9, 0x28, 0x29];
  return [...some, ...some.map((bits) => bits | 0x40)];
}
const [EXTERNAL, NMI_EXITING, VIRTUAL_NMIS, TIMER] = [1, 8, 0x20, 0x40];
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;

interface Due {
  readonly pin: number;
  readonly nmiWindow: boolean;
  readonly interruptWindow: boolean;
  readonly acknowledges: boolean;
  readonly timer: bigint;
  readonly open: boolean;
  readonly blocking: number;
  readonly debug: boolean;
  readonly bitmap: boolean;
  readonly halted: boolean;
  readonly nmi: boolean;
  readonly interrupt: boolean;
}

function fieldsOf(of: Due): Fields {
  const primary = BITS.primary | BITS.secondaryOn | BITS.ioBitmaps | BITS.msrBitmaps;
  return {
    "Pin-based VM-execution controls": BITS.pin | BigInt(of.pin),
    "Primary processor-based VM-execution controls":
      primary | (of.nmiWindow ? 1n << 22n : 0n) | (of.interruptWindow ? 4n : 0n),
    "VM-exit controls": BITS.exit | BITS.hostIs64 | (of.acknowledges ? 0x8000n : 0n),
    "VMX-preemption timer value": of.timer,
    "Guest RFLAGS": of.open ? 0x202n : 2n,
    "Guest interruptibility state": BigInt(of.blocking),
    "Guest pending debug exceptions": of.debug ? 0x4000n : 0n,
    "Guest activity state": of.halted ? 1n : 0n,
    "Exception bitmap": of.bitmap ? 2n : 0n,
  };
}

/** By the manual: one clause for each event, in order. */
function due(of: Due): string {
  const shadowed = (of.blocking & SHADOWS) !== 0;
  const nmiBlocked = (of.blocking & BLOCKING.nmi) !== 0;
  if (of.debug) return of.bitmap ? "exit 0 80000301" : "handler 1";
  if ((of.pin & TIMER) !== 0 && of.timer === 0n) return "exit 52 0";
  if (of.nmiWindow && !nmiBlocked && !shadowed) return "exit 8 0";
  if (of.nmi && !shadowed) {
    if ((of.pin & NMI_EXITING) === 0 && !nmiBlocked) return "handler 2";
    const takes = (of.pin & VIRTUAL_NMIS) !== 0 || !nmiBlocked;
    if ((of.pin & NMI_EXITING) !== 0 && takes) return "exit 0 80000202";
  }
  if (of.interruptWindow && of.open && !shadowed) return "exit 7 0";
  if (of.interrupt && !shadowed) {
    if ((of.pin & EXTERNAL) !== 0) return of.acknowledges ? "exit 1 80000021" : "exit 1 0";
    if (of.open) return "handler 33";
  }
  return "goes on";
}
