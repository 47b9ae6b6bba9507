/** Laws of single instructions: what a fault leaves, and the order of what they do. */

import fc from "fast-check";
import { type Instruction, record } from "../../../src/hw/cpu/instruction.ts";
import { VECTORS } from "../../../src/hw/cpu/fault.ts";
import type { Form } from "../../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import type { Variant } from "../../../src/hw/cpu/semantics.ts";
import { orderFault } from "../../../src/hw/cpu/uop.ts";
import { INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { anyMode, ENGINES, SystemMachine } from "../../support/privileged-machines.ts";
import { law } from "../../support/law.ts";
import { anyProgram, interpretedMachine, look, referenceMachine } from "../../support/programs.ts";

const MAX_CYCLES = 150;

const MACHINES = { reference: referenceMachine, interpreter: interpretedMachine } as const;

law("a-fault-commits-nothing", {
  says: "When an instruction faults, registers, flags, memory and cycles are as the instruction before it left them, but for the cause that #XM leaves in MXCSR.",
  cites: 'SDM Vol. 3, "Exception Classifications": faults',
  forAll: {
    program: anyProgram(),
    engine: fc.constantFrom<(keyof typeof MACHINES)[]>("reference", "interpreter"),
  },
  runs: 300,
  holds: ({ program, engine }) => {
    const faulted = MACHINES[engine](program);
    const fault = faulted.run(MAX_CYCLES);
    if (fault === null || fault.vector === VECTORS["#XM"]) return true;
    const before = MACHINES[engine](program);
    // Up to the same cycle, which is where the faulting instruction begins.
    if (before.run(faulted.state.cycles) !== null) throw new Error("a fault comes before its time");
    return look(before) === look(faulted);
  },
});

law("what-can-fault-comes-first", {
  says: "In every form, whatever the sizes, the prefixes and the place of the operand, each micro-op that can fault comes before each that commits.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: {
    sizes: fc.record<Omit<Variant, "memory" | "operandSize">>({
      addressSize: fc.constantFrom(16, 32, 64),
      stackSize: fc.constantFrom(16, 32, 64),
      repeat: fc.constantFrom("none", "rep", "repne"),
    }),
  },
  runs: 24,
  holds: ({ sizes }) => {
    for (const { instruction, form, variant } of everyVariant(sizes)) {
      const fault = orderFault(record(instruction, form, variant));
      if (fault !== null) throw new Error(`${instruction.mnemonic} ${form.row[0]}: ${fault}`);
    }
  },
});

law("salc-sets-al-to-carry", {
  says: "Outside 64-bit mode D6h sets AL to the carry flag in all its bits, and nothing else; in 64-bit mode it is #UD.",
  cites: 'APM Vol. 3, "One-Byte Opcodes"; a Harris 80C286 by SingleStepTests',
  forAll: {
    mode: anyMode(),
    rax: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    flags: fc.nat(0xff),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ mode: [mode, cpl], rax, flags, engine }) => {
    const rflags = (BigInt(flags) & 0xd5n) | 2n;
    const machine = new SystemMachine(
      { profile: INTEL, mode, cpl, code: [0xd6], gpr: { 0: rax } },
      engine,
    );
    const { state } = machine;
    state.rflags = (state.rflags & ~0xffn) | rflags;
    const fault = machine.step();
    if (mode === "64-bit") return fault?.vector === VECTORS["#UD"];
    const al = (rflags & 1n) === 0n ? 0n : 0xffn;
    return state.gpr(0) === ((rax & ~0xffn) | al) && (state.rflags & 0xffn) === rflags;
  },
});

// Helpers

function* everyVariant(
  sizes: Omit<Variant, "memory" | "operandSize">,
): Generator<{ instruction: Instruction; form: Form; variant: Variant }> {
  for (const instruction of INSTRUCTIONS) {
    for (const form of instruction.forms) {
      const operandSizes = form.operandSize === null ? ([16, 32, 64] as const) : [form.operandSize];
      for (const memory of placesOf(form)) {
        for (const operandSize of operandSizes)
          yield { instruction, form, variant: { ...sizes, memory, operandSize } };
      }
    }
  }
}

function placesOf({ modrm }: Form): readonly boolean[] {
  if (modrm === null || modrm.fixed !== null) return [false];
  return modrm.allows === "any" ? [false, true] : [modrm.allows === "memory"];
}
