/** Laws of exceptions and task switches that a hypervisor wants to see instead of its guest. */

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

/** What attempts a task switch, and its bit of EXITINFO2. */
const ATTEMPTS = {
  CALL: { code: [0x9a, 0, 0, 0, 0, 0x28, 0], info2: 0n },
  JMP: { code: [0xea, 0, 0, 0, 0, 0x28, 0], info2: 1n << 38n },
  IRET: { code: [0xcf], info2: 1n << 36n },
  "task gate": { code: [0xcd, 0x42], info2: 0n },
} as const;
const [AVAILABLE_TSS, BUSY_TSS] = [0x89, 0x8b];

law("task-switches-exit-before-any-effect", {
  says: "A task switch whose bit is set exits with the selector of the new task in EXITINFO1 and what attempts it in EXITINFO2, and nothing of the guest has changed.",
  cites: 'APM Vol. 2, "Task Switch Intercept"',
  forAll: {
    by: fc.constantFrom(...(Object.keys(ATTEMPTS) as (keyof typeof ATTEMPTS)[])),
    isAsked: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 40,
  holds: ({ by, isAsked, engine }) => {
    const { code, info2 } = ATTEMPTS[by];
    const machine = guestOf(code, 0, engine);
    const { ram } = machine;
    // Protected mode of 32 bits without paging, with NT set.
    machine.set("CR0", 0x33);
    machine.set("EFER", 0x1000);
    machine.set("CS_ATTRIBUTES", 0xc9b);
    machine.set("RFLAGS", 0x4002);
    machine.set("GDTR_LIMIT", 0x2f);
    if (isAsked) machine.set("VECTOR_3", 1n << 29n);
    const type = by === "IRET" ? BUSY_TSS : AVAILABLE_TSS;
    const [low, high] = [GUEST.spare & 0xffff, GUEST.spare >> 16];
    ram.write64(GUEST.gdt + 0x28, BigInt(type * 2 ** 40 + high * 2 ** 32 + low * 2 ** 16 + 0x67));
    ram.write8(GUEST.tss, 0x28);
    ram.write64(GUEST.idt + 8 * 0x42, (0x8500n << 32n) | 0x28_0000n);
    const exit = exitOf(machine);
    if (!isAsked) {
      if (exit.code !== 0x4dn) throw new Error(`exit ${exit.code.toString(16)}`);
      return;
    }
    isExit(machine, exit, { code: 0x7dn, info1: 0x28n, info2, nextRip: 0n });
  },
});
