/** Laws of branch records: what a processor of AMD remembers of its last branch and its last interrupt. */

import fc from "fast-check";
import { BareSystem, CODE, handlerOf } from "../../../src/guests/bare-system.ts";
import { AMD, INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { readSlot, writeSlot } from "../../../src/hw/cpu/msr/slots.ts";
import { law } from "../../support/law.ts";

const decoder = new Decoder(INSTRUCTIONS);
const NOP = 0x90;
const [JMP, JUMP_BYTES] = [0xeb, 2];
const UD2 = [0x0f, 0x0b];
const [DB, UD] = [1, 6];
const TF = 1n << 8n;
const BTF = 2n;
const RSP = 4;

law("the-last-branch-is-recorded", {
  says: "While DebugCtl.LBR is set, a branch leaves its own address and that of its target, whatever follows it; an exception does the same, and what was the last branch becomes the last interrupt. Without LBR nothing changes.",
  cites: "APM Vol. 2, Control-Transfer Recording; Debug-Control MSR (DebugCtl)",
  forAll: {
    before: fc.nat(9),
    over: fc.integer({ min: 1, max: 100 }),
    after: fc.nat(9),
    isOn: fc.boolean(),
    faults: fc.boolean(),
    engine: fc.constantFrom("reference" as const, "interpreter" as const),
  },
  runs: 60,
  holds: ({ before, over, after, isOn, faults, engine }) => {
    const nops = (count: number): number[] => Array.from({ length: count }, () => NOP);
    const code = [...nops(before), JMP, over, ...nops(over), ...nops(after), ...UD2];
    const parts = { engine, decoder, profile: AMD, cpl: 0 } as const;
    const system = new BareSystem(Uint8Array.from(code), parts);
    writeSlot(system.state, "IA32_DEBUGCTL", isOn ? 1n : 0n);
    for (let i = 0; i < before + 1 + after + (faults ? 1 : 0); i += 1) system.step();
    const jump = CODE + before;
    const target = jump + JUMP_BYTES + over;
    const branch = [jump, target];
    const expected = faults ? [target + after, handlerOf(UD), ...branch] : [...branch, 0, 0];
    const found = (
      ["LASTBRANCHFROMIP", "LASTBRANCHTOIP", "LASTINTFROMIP", "LASTINTTOIP"] as const
    ).map((name) => Number(readSlot(system.state, name)));
    return found.every((value, i) => value === (isOn ? expected[i] : 0));
  },
});

law("single-steps-go-from-branch-to-branch", {
  says: "With TF set, #DB follows each instruction; with IA32_DEBUGCTL.BTF set too, only one that has branched.",
  cites: "SDM Vol. 3, Single-Stepping on Branches; APM Vol. 2, Single Stepping on Branches",
  forAll: {
    before: fc.integer({ min: 1, max: 9 }),
    over: fc.integer({ min: 1, max: 100 }),
    isOn: fc.boolean(),
    profile: fc.constantFrom(INTEL, AMD),
    engine: fc.constantFrom("reference" as const, "interpreter" as const),
  },
  runs: 60,
  holds: ({ before, over, isOn, profile, engine }) => {
    const code = [...Array.from({ length: before }, () => NOP), JMP, over];
    const parts = { engine, decoder, profile, cpl: 0 } as const;
    const system = new BareSystem(Uint8Array.from(code), parts);
    const { state } = system;
    writeSlot(state, "IA32_DEBUGCTL", isOn ? BTF : 0n);
    state.rflags |= TF;
    let steps = 0;
    while (state.rip !== BigInt(handlerOf(DB)) && steps < 2 * before + 4) {
      system.step();
      steps += 1;
    }
    const [returnRip] = system.words(state.gpr(RSP), 1);
    const expected = isOn ? CODE + before + JUMP_BYTES + over : CODE + 1;
    return Number(returnRip) === expected;
  },
});
