/** Laws of exceptions that a hypervisor wants to see instead of its guest. */

import fc from "fast-check";
import { CR0 } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { ENGINES } from "../../../support/privileged-machines.ts";
import { exitOf, guestOf, isExit, RBX } from "../../../support/svm-exits.ts";
import { GUEST, handlerOf, type SvmMachine } from "../../../support/svm-machines.ts";

interface Raising {
  readonly name: string;
  readonly vector: number;
  readonly code: readonly number[];
  readonly errorCode?: number;
  readonly prepare?: (machine: SvmMachine) => void;
  readonly nextRip?: boolean;
}

const NOT_CANONICAL = 1n << 62n;
const RBP = 5;
const LOAD_FROM_RBX = [0x8a, 0x03];

const RAISING: readonly Raising[] = [
  { name: "#DE", vector: 0, code: [0xf6, 0xf3], prepare: ({ state }) => state.setGpr(RBX, 0n) },
  { name: "#BP", vector: 3, code: [0xcc], nextRip: true },
  { name: "#UD", vector: 6, code: [0x0f, 0x0b] },
  {
    name: "#NM",
    vector: 7,
    code: [0xd9, 0xc0],
    prepare: (machine) => machine.set("CR0", machine.get("CR0") | CR0.TS),
  },
  {
    name: "#NP",
    vector: 11,
    code: [0x8e, 0xd9],
    errorCode: 0x28,
    prepare: (machine) => {
      machine.ram.write64(GUEST.gdt + 0x28, 0x00cf_7300_0000_ffffn);
      machine.set("GDTR_LIMIT", 0x2f);
      machine.state.setGpr(1, 0x28n);
    },
  },
  {
    name: "#SS",
    vector: 12,
    code: [0x8a, 0x45, 0x00],
    errorCode: 0,
    prepare: ({ state }) => state.setGpr(RBP, NOT_CANONICAL),
  },
  {
    name: "#GP",
    vector: 13,
    code: LOAD_FROM_RBX,
    errorCode: 0,
    prepare: ({ state }) => state.setGpr(RBX, NOT_CANONICAL),
  },
  {
    name: "#GP of a selector",
    vector: 13,
    code: [0x8e, 0xd9],
    errorCode: 0x3f0,
    prepare: ({ state }) => state.setGpr(1, 0x3f3n),
  },
  {
    name: "#AC",
    vector: 17,
    code: [0x8b, 0x43, 0x01],
    errorCode: 0,
    prepare: (machine) => {
      machine.set("CR0", machine.get("CR0") | CR0.AM);
      machine.set("RFLAGS", 0x4_0002);
    },
  },
];

law("exceptions-exit-before-their-delivery", {
  says: "An exception whose bit is set exits in place of its delivery, with its error code in EXITINFO1, and nothing of the guest has changed; without the bit it goes to the guest's handler.",
  cites: 'APM Vol. 2, "Exception Intercepts", "SVM Intercept Exit Codes", "State Saved on Exit"',
  forAll: {
    raising: fc.constantFrom(...RAISING),
    isAsked: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  holds: ({ raising, isAsked, engine }) => {
    const { vector, code, errorCode = 0, prepare, nextRip = false } = raising;
    // Alignment is checked at level 3 only.
    const machine = guestOf(code, vector === 17 ? 3 : 0, engine);
    prepare?.(machine);
    const own = 1n << BigInt(vector);
    machine.set("EXCEPTIONS", isAsked ? own : 0xffff_ffffn & ~own);
    const exit = exitOf(machine);
    if (!isAsked) {
      const at = machine.state.isGuest ? machine.state.rip : machine.get("RIP");
      if (at !== BigInt(handlerOf(vector))) throw new Error(`at ${at.toString(16)}`);
      return;
    }
    isExit(machine, exit, {
      code: 0x40n + BigInt(vector),
      info1: BigInt(errorCode),
      info2: 0n,
      nextRip: nextRip ? BigInt(GUEST.code + code.length) : 0n,
    });
  },
});

law("page-faults-exit-before-cr2", {
  says: "An intercepted page fault tells of its error code and address, and CR2 is not written.",
  cites: 'APM Vol. 2, "Exception Intercepts": #PF (Page Fault)',
  forAll: {
    write: fc.boolean(),
    cpl: fc.constantFrom(0 as const, 3 as const),
    present: fc.boolean(),
    offset: fc.nat(0xfff),
    engine: fc.constantFrom(...ENGINES),
  },
  holds: ({ write, cpl, present, offset, engine }) => {
    const machine = guestOf(write ? [0x88, 0x03] : LOAD_FROM_RBX, cpl, engine);
    const address = GUEST.spare + offset;
    machine.state.setGpr(RBX, BigInt(address));
    // Present, but with a reserved bit.
    const entry = present ? (1n << 51n) | 0x67n : 0n;
    machine.ram.write64(GUEST.tables + 0x3000 + (GUEST.spare >> 12) * 8, entry);
    machine.set("EXCEPTIONS", 1 << 14);
    machine.set("CR2", 0x1234);
    const info1 = BigInt((present ? 9 : 0) | (write ? 2 : 0) | (cpl === 3 ? 4 : 0));
    const code = 0x4en;
    isExit(machine, exitOf(machine), { code, info1, info2: BigInt(address), nextRip: 0n });
  },
});
