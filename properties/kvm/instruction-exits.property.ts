/** Laws of instructions of which the exit says all: of ports and model-specific registers. */

import fc from "fast-check";
import { EXIT } from "../../src/kvm/ioctls/kvm-run.ts";
import { VENDORS } from "../support/kvm-guest.ts";
import { word } from "../support/kvm-irqs.ts";
import { guestOf, runBare, runGuest } from "../support/kvm-programs.ts";
import { law } from "../support/law.ts";
import { MEMORY_START } from "../support/programs.ts";

const START = {
  gpr: Array.from({ length: 16 }, () => MEMORY_START + 0x1000n),
  rflags: 2n,
};
const programOf = (code: readonly number[]) => ({
  code: Uint8Array.from(code),
  start: START,
  data: new Uint8Array(),
});

type Op = readonly number[];
/** What comes before gives it its registers. */
interface Prepared {
  readonly before: Op;
  readonly op: Op;
}

const bytes = (value: bigint): Op =>
  Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
/** mov rax, value */
const anyRax = (): fc.Arbitrary<Prepared> =>
  fc.bigInt(0n, 2n ** 64n - 1n).map((value) => ({ before: [], op: [0x48, 0xb8, ...bytes(value)] }));
/** mov edx, port */
const anyDx = (): fc.Arbitrary<Op> => fc.nat(0xffff).map((port) => [0xba, ...word(port)]);

const [IMMEDIATE, OF_DX] = [
  [0xe4, 0xe5, 0xe6, 0xe7],
  [0xec, 0xed, 0xee, 0xef],
] as const;
const anyPrefix = fc.constantFrom<Op>([], [0x66], [0x48]);
const anyPortOp = (): fc.Arbitrary<Prepared> =>
  fc.oneof(
    fc
      .tuple(anyPrefix, fc.constantFrom(...IMMEDIATE), fc.nat(0xff))
      .map(([prefix, opcode, port]) => ({ before: [], op: [...prefix, opcode, port] })),
    fc
      .tuple(anyDx(), anyPrefix, fc.constantFrom(...OF_DX))
      .map(([before, prefix, opcode]) => ({ before, op: [...prefix, opcode] })),
  );

/** Registers that hold what was written, and numbers that nothing has. */
const HELD = [0x174, 0x175, 0x176, 0x277, 0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0083];
const MORE = [0xc000_0084, 0xc000_0100, 0xc000_0101, 0xc000_0102, 0xc000_0103, 0x1278, 0xc000_1234];
const MSRS = [...HELD, ...MORE];
const [RDMSR, WRMSR] = [0x32, 0x30] as const;
const anyHigh = fc.constantFrom(0, 0, 0x7fff, 0xffff_ffff, 0x0007_0406, 0x8000);
/** mov ecx, number; mov edx, high; RDMSR or WRMSR */
const anyMsrOp = (): fc.Arbitrary<Prepared> =>
  fc
    .tuple(fc.constantFrom(...MSRS), anyHigh, fc.constantFrom(RDMSR, WRMSR))
    .map(([number, high, opcode]) => ({
      before: [0xb9, ...word(number), 0xba, ...word(high)],
      op: [0x0f, opcode],
    }));
/** push 102h; popf: the instruction behind it is traced. */
const TRACED: Op = [0x68, 2, 1, 0, 0, 0x9d];

law("an-instruction-of-which-the-exit-says-all-is-the-instruction", {
  says: "IN, OUT, RDMSR and WRMSR of any form do in a guest what they do on a machine: to registers, to devices, and by their faults and traps.",
  cites:
    "Linux, arch/x86/kvm/x86.c, kvm_fast_pio, kvm_emulate_rdmsr, kvm_emulate_wrmsr; SDM Vol. 3, Exit Qualification for I/O Instructions; APM Vol. 2, IOIO Intercepts",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    ops: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: anyPortOp() },
        { weight: 2, arbitrary: anyMsrOp() },
        { weight: 2, arbitrary: anyRax() },
      ),
      { minLength: 1, maxLength: 12 },
    ),
    last: fc.option(fc.oneof(anyPortOp(), anyMsrOp())),
  },
  runs: 120,
  holds: ({ vendor, ops, last }) => {
    const code = ops.flatMap(({ before, op }) => [...before, ...op]);
    if (last !== null) code.push(...last.before, ...TRACED, ...last.op);
    const guest = guestOf(vendor, programOf(code));
    const bare = runBare(guest);
    const seen = runGuest(guest);
    if (seen.end !== bare.end) throw new Error(`bare: ${bare.end}, guest: ${seen.end}`);
    if (seen.registers !== bare.registers)
      throw new Error(`bare:  ${bare.registers}\nguest: ${seen.registers}`);
    if (seen.devices.join() !== bare.devices.join())
      throw new Error(`bare:  ${bare.devices.join()}\nguest: ${seen.devices.join()}`);
    return seen.memory === bare.memory;
  },
});

const [NOP, HLT] = [0x90, 0xf4] as const;

law("what-a-port-gives-is-for-its-instruction", {
  says: "The value that user space gives to an IN is the guest's if the vCPU is still at the IN when it runs again, and else nobody's.",
  cites: "Linux, arch/x86/kvm/x86.c, complete_fast_pio_in",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    nops: fc.nat(4),
    moves: fc.boolean(),
    value: fc.nat(0xff),
  },
  runs: 20,
  holds: ({ vendor, nops, moves, value }) => {
    // nop ...; in al, 80h; hlt
    const padding = Array.from({ length: nops }, () => NOP);
    const guest = guestOf(vendor, programOf([...padding, 0xe4, 0x80, HLT]));
    guest.go();
    if (guest.run.exit_reason !== EXIT.IO) throw new Error(`exit ${guest.run.exit_reason}`);
    guest.run.io.data[0] = value;
    const at = MEMORY_START + BigInt(nops);
    if (guest.regs.rip !== at) throw new Error("the IN is over before it has its value");
    guest.setRegs({ rax: 0x1100n, ...(moves ? { rip: at + 2n } : {}) });
    guest.go();
    const { rax, rip } = guest.regs;
    return rip === at + 3n && rax === 0x1100n + (moves ? 0n : BigInt(value));
  },
});
