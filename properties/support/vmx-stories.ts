/** Stories of a guest: code and controls drawn at random, turns of the CPU, and what arrives from outside in between. */

import fc from "fast-check";
import { PENDING } from "../../src/hw/cpu/state.ts";
import type { FieldName } from "../../src/hw/cpu/vmx/fields.ts";
import { AT, BITS, type EngineName, type Fields, GUEST_MODES, VmxMachine } from "./vmx-machines.ts";

/** Instructions whose flags are all defined. EAX holds an address of data, EBX an address that is mapped seldom. */
export const PLAIN: readonly (readonly number[])[] = [
  [0x01, 0xca],
  [0x29, 0xd1],
  [0x83, 0xc1, 0x07],
  [0x89, 0x08],
  [0x8b, 0x10],
  [0x01, 0x48, 0x10],
  [0x31, 0xc9],
  [0x39, 0xd1],
  [0x0f, 0xc9],
  [0x52],
  [0x5a],
  [0x8b, 0x50, 0x20],
  [0x88, 0x70, 0x31],
  [0x74, 0x00],
  [0x90],
];

const SPECIAL: readonly (readonly number[])[] = [
  [0x0f, 0xa2],
  [0xf4],
  [0x0f, 0x31],
  [0xf3, 0x90],
  [0x0f, 0x01, 0xc1],
  [0xe4, 0x60],
  [0xe6, 0x70],
  [0x0f, 0x20, 0xc2],
  [0x0f, 0x22, 0xda],
  [0x0f, 0x01, 0x38],
  [0x0f, 0x09],
  [0xcc],
  [0x0f, 0x0b],
  [0xcd, 0x21],
  [0xfb],
  [0xfa],
  [0x8b, 0x0b],
  [0x89, 0x0b],
  [0x0f, 0x32],
  [0x0f, 0x23, 0xfa],
  [0x0f, 0x00, 0x08],
  [0x9c],
  [0x9d],
  [0xcf],
  [0x8e, 0xd1],
  [0xf3, 0xa4],
];

interface Turn {
  readonly cycles: number;
  readonly event: "nothing" | "interrupt" | "NMI";
}

interface Story {
  readonly mode: (typeof GUEST_MODES)[number];
  readonly code: readonly (readonly number[])[];
  readonly fields: Fields;
  readonly turns: readonly Turn[];
}

const PRIMARY: FieldName = "Primary processor-based VM-execution controls";
const SECONDARY: FieldName = "Secondary processor-based VM-execution controls";
const PIN: FieldName = "Pin-based VM-execution controls";

/** Some of the bits given, beside those that are always set. */
const anyBits = (always: bigint, ...numbers: readonly number[]): fc.Arbitrary<bigint> =>
  fc
    .subarray([...numbers], { maxLength: 3 })
    .map((some) => some.reduce((sum, number) => sum | (1n << BigInt(number)), always));

export function anyStory(): fc.Arbitrary<Story> {
  const primary = BITS.primary | BITS.secondaryOn | BITS.msrBitmaps;
  const secondary = BITS.ept | BITS.unrestricted | BITS.rdtscp;
  return fc.record({
    mode: fc.constantFrom(...GUEST_MODES),
    code: fc.array(fc.oneof(fc.constantFrom(...PLAIN), fc.constantFrom(...SPECIAL)), {
      minLength: 3,
      maxLength: 24,
    }),
    fields: fc.record({
      // Virtual NMIs need NMI exiting.
      [PIN]: fc.constantFrom(0x16n, 0x17n, 0x1en, 0x1fn, 0x3fn, 0x56n, 0x7fn),
      [PRIMARY]: anyBits(primary, 2, 3, 7, 9, 12, 15, 16, 23, 24, 25, 27, 30),
      [SECONDARY]: anyBits(secondary, 2, 5, 6, 17),
      "VM-exit controls": fc.constantFrom(0x3_6ffbn, 0x3_effbn, 0x3_6fffn),
      "Exception bitmap": fc.constantFrom(0n, 8n, 0x40n, 0x4000n, 0x2002n, 0xffff_ffffn),
      "VMX-preemption timer value": fc.bigInt({ min: 0n, max: 400n }),
      "TSC offset": fc.constantFrom(0n, 1_000_000n, 2n ** 64n - 5n),
      "PML index": fc.constantFrom(0n, 511n, 0xffffn),
      "Guest interruptibility state": fc.constantFrom(0n, 0n, 0n, 2n, 8n),
      "Guest RFLAGS": fc.constantFrom(2n, 0x202n, 0x102n),
      "VM-entry interruption-information field": fc.constantFrom(
        0n,
        0n,
        0n,
        0x8000_0306n,
        0x8000_0420n,
        0x8000_0603n,
        0x8000_0202n,
        0x8000_0700n,
      ),
      "VM-entry instruction length": fc.constantFrom(0n, 2n),
    }) as fc.Arbitrary<Fields>,
    turns: fc.array(
      fc.record({
        cycles: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 300, max: 3000 })),
        event: fc.constantFrom("nothing", "nothing", "interrupt", "NMI"),
      }),
      { minLength: 4, maxLength: 12 },
    ),
  });
}

/** VMREAD of the length into RCX, and of RIP into RDX; their sum is RIP; VMRESUME; and HLT where that fails. */
const SKIP = [
  0xb8, 0x0c, 0x44, 0, 0, 0x0f, 0x78, 0xc1, 0xb8, 0x1e, 0x68, 0, 0, 0x0f, 0x78, 0xc2, 0x48, 0x01,
  0xca, 0x0f, 0x79, 0xc2, 0xb8, 0x00, 0x30, 0x01, 0x00, 0x0f, 0x01, 0xc3, 0xf4,
];

export function begun({ mode, code, fields }: Story, engine: EngineName): VmxMachine {
  const machine = new VmxMachine({ mode, code: code.flat(), hostExit: SKIP, fields }, engine);
  machine.launch();
  setRegisters(machine);
  return machine;
}

export function setRegisters({ state }: VmxMachine): void {
  for (let i = 0; i < 16; i += 1) if (i !== 4) state.setGpr(i, BigInt(i) * 0x0101_0101n);
  state.setGpr(0, BigInt(AT.guestData));
  state.setGpr(3, 0x7000_0000n);
}

export function take(machine: VmxMachine, { cycles, event }: Turn): void {
  const { state, environment, cpu } = machine;
  if (event === "interrupt") environment.interrupt = 0x21;
  if (event === "NMI") state.pending |= PENDING.nmi;
  state.attention = true;
  const limit = state.cycles + cycles;
  const stop = cpu.run(limit);
  // A halted CPU waits until the end of its turn.
  if (stop !== "limit") state.cycles = Math.max(state.cycles, limit);
}
