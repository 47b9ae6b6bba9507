/** Laws of what is shown of page walks. */

import fc from "fast-check";
import { BareSystem, CODE, pageEntryOf } from "../../../src/guests/bare-system.ts";
import { svm } from "../../../src/guests/hypervisors/svm.ts";
import { vmx } from "../../../src/guests/hypervisors/vmx.ts";
import { INTEL } from "../../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import type { WalkRecord } from "../../../src/hw/cpu/translated-memory.ts";
import { law } from "../../support/law.ts";

const decoder = new Decoder(INSTRUCTIONS);
const [PRESENT, USED] = [1, 0x60];
const [PAGES_FROM, PAGES] = [0x30, 12];
const RDI = 7;
/** The hypervisor on VMX writes a VMCS first. */
const STEPS_TO_GUEST = 1000;
/** Entries on the way to a page of 4 KiB, and of the smallest hypervisors' EPT with its page of 2 MiB. */
const GUEST_LEVELS = 4;
const SECOND_LEVELS = { none: 0, svm: 4, vmx: 3 } as const;

law("a-walk-shows-each-entry-that-it-reads", {
  says: "What is told of a walk are the entries of the guest's tables in order, before each of them and before the page itself those of the tables below; the last of them is the one that decided, and the outcome is what the access got.",
  cites: "SDM Vol. 3, Paging; EPT Translation Mechanism; APM Vol. 2, Nested Table Walk",
  forAll: {
    under: fc.constantFrom("none" as const, "svm" as const, "vmx" as const),
    page: fc.nat(PAGES - 1),
    isThere: fc.boolean(),
    write: fc.boolean(),
  },
  runs: 60,
  holds: ({ under, page, isThere, write }) => {
    const address = (PAGES_FROM + page) * 4096;
    // mov [rdi], al or mov al, [rdi]; then over and over
    const code = Uint8Array.of(write ? 0x88 : 0x8a, 0x07, 0xeb, 0xfc);
    const parts = { engine: "reference", decoder, cpl: 0 } as const;
    const system =
      under === "none"
        ? new BareSystem(code, { ...parts, profile: INTEL })
        : (under === "svm" ? svm : vmx).run(code, parts, "once");
    if (!isThere) system.unmap(address);
    const before = system.ram.read64(pageEntryOf(address));
    const told: WalkRecord[] = [];
    for (let i = 0; i < STEPS_TO_GUEST && system.state.rip !== BigInt(CODE); i += 1) system.step();
    system.memory.onWalk = (walk) => told.push(walk);
    system.state.setGpr(RDI, BigInt(address));
    system.step();
    const walk = told.find(({ linear, kind }) => linear === BigInt(address) && kind !== "fetch");
    const below = SECOND_LEVELS[under];
    const guest = walk?.steps.filter(({ level }) => level.startsWith("P")) ?? [];
    // The page's entry is found twice: it is read, and it is written, since its accessed bit is clear.
    const entries = GUEST_LEVELS * (below + 1) + (isThere ? 2 * below : 0);
    const last = guest.at(-1);
    const isEntry =
      last?.address === pageEntryOf(address) &&
      (last.low & ~USED) === Number(before & 0xffff_ff9fn) &&
      (last.low & PRESENT) === (isThere ? PRESENT : 0);
    const outcome = walk?.outcome;
    const isOutcome =
      outcome !== undefined &&
      ("frame" in outcome
        ? isThere && outcome.frame === address
        : !isThere && outcome.vector === 14);
    return isEntry && isOutcome && walk?.steps.length === entries && walk.kind === kindOf(write);
  },
});

const kindOf = (write: boolean): string => (write ? "write" : "read");
