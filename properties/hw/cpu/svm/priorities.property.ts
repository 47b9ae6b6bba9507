/** Laws of what a guest of SVM has in place of the processor: its task priority, and a count of pauses. */

import fc from "fast-check";
import { type BareSystem, HYPERVISOR } from "../../../../src/guests/bare-system.ts";
import { svm } from "../../../../src/guests/hypervisors/svm.ts";
import { Decoder } from "../../../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../../../src/hw/cpu/isa/index.ts";
import { law } from "../../../support/law.ts";

const decoder = new Decoder(INSTRUCTIONS);
const VMMCALL = [0x0f, 0x01, 0xd9];
/** Offsets in the VMCB: APM Vol. 2, "VMCB Layout". */
const [CR, MISC1, THRESHOLD, COUNT, VINTR, EXIT_CODE, RIP] = [
  0x0, 0xc, 0x3c, 0x3e, 0x60, 0x70, 0x578,
];
const [MASKING, PAUSE] = [1 << 24, 1 << 23];
const [WRITE_CR8, PAUSED, CALLED] = [0x18, 0x77, 0x81];
const RBX = 3;
const ENGINES = ["reference", "interpreter"] as const;

/** Runs a guest at CPL 0 to its exit. */
function left(
  code: readonly number[],
  engine: (typeof ENGINES)[number],
  change: (set32: (at: number, value: number) => void) => void,
): { readonly system: BareSystem; readonly vmcb: (at: number) => number } {
  const system = svm.run(Uint8Array.from(code), { engine, decoder, cpl: 0 }, "once");
  const { ram } = system;
  change((at, value) => {
    ram.write32(HYPERVISOR + at, (ram.read32(HYPERVISOR + at) | value) >>> 0);
  });
  for (let i = 0; i < 400 && (i < 2 || system.state.isGuest); i += 1) system.step();
  return { system, vmcb: (at) => ram.read32(HYPERVISOR + at) };
}

law("cr8-of-a-guest-is-v-tpr", {
  says: "With V_INTR_MASKING, CR8 of a guest is V_TPR, written back at the exit, and the processor's own stays as it is; without it the guest writes that; a write that is intercepted changes neither.",
  cites: "APM Vol. 2, Virtualizing APIC.TPR; Interrupt Masking in V_IRQ",
  forAll: {
    value: fc.nat(15),
    masks: fc.boolean(),
    intercepted: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 60,
  holds: ({ value, masks, intercepted, engine }) => {
    // mov eax, value; mov cr8, rax; mov rbx, cr8; vmmcall
    const code = [0xb8, value, 0, 0, 0, 0x44, 0x0f, 0x22, 0xc0, 0x44, 0x0f, 0x20, 0xc3, ...VMMCALL];
    const { system, vmcb } = left(code, engine, (set32) => {
      if (masks) set32(VINTR, MASKING);
      if (intercepted) set32(CR, 1 << 24);
    });
    const own = Number(system.state.control("CR8"));
    if (intercepted) return vmcb(EXIT_CODE) === WRITE_CR8 && own === 0 && (vmcb(VINTR) & 15) === 0;
    const isRead = Number(system.state.gpr(RBX)) === value;
    const [virtual, real] = masks ? [value, 0] : [0, value];
    return vmcb(EXIT_CODE) === CALLED && isRead && (vmcb(VINTR) & 15) === virtual && own === real;
  },
});

law("pauses-are-counted", {
  says: "An intercepted PAUSE exits when as many as the filter's count have gone before; with a threshold the count begins anew after a longer time without one.",
  cites: "APM Vol. 2, Pause Intercept Filtering",
  forAll: {
    count: fc.nat(6),
    gap: fc.nat(30),
    threshold: fc.constantFrom(0, 60, 1000),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ count, gap, threshold, engine }) => {
    const round = [...Array.from({ length: gap }, () => 0x90), 0xf3, 0x90];
    const rounds = 8;
    const code = [...Array.from({ length: rounds }, () => round).flat(), ...VMMCALL];
    const { vmcb } = left(code, engine, (set32) => {
      set32(MISC1, PAUSE);
      set32(THRESHOLD, (count << 16) | threshold);
    });
    // A NOP takes a cycle, and PAUSE 41.
    const isSlow = threshold !== 0 && gap + 41 > threshold;
    const exits = count === 0 || !isSlow;
    if (!exits) return vmcb(EXIT_CODE) === CALLED;
    const expected = 0x1_0000 + round.length * count + gap;
    return vmcb(EXIT_CODE) === PAUSED && vmcb(RIP) === expected && COUNT === THRESHOLD + 2;
  },
});
