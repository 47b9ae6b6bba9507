/** Laws of guests: what runs in one sees the machine, not the host. */

import fc from "fast-check";
import { law } from "../support/law.ts";
import { VENDORS } from "../support/kvm-guest.ts";
import { callsHypervisor, guestOf, runBare, runGuest } from "../support/kvm-programs.ts";
import { anyProgram, MEMORY_START, type Program } from "../support/programs.ts";

/** popf; nop: with the trap flag. The gate of #DB lies in a page that is not mapped yet. */
const TRAPPED: Program = {
  code: Uint8Array.of(0x9d, 0x90),
  start: {
    gpr: Array.from({ length: 16 }, () => MEMORY_START + 0x1000n),
    rflags: 2n,
  },
  data: Uint8Array.of(2, 1, 0, 0, 0, 0, 0, 0),
};

law("a-guest-is-a-machine", {
  says: "The same program with the same devices has the same result on a bare CPU, under vmx and under svm: registers, memory, what devices were told and in which order, and how it ends.",
  cites:
    "DESIGN, Virtualisation hardware and KVM; SDM Vol. 3, VMX Non-Root Operation; APM Vol. 2, Secure Virtual Machine",
  forAll: { program: anyProgram(), vendor: fc.constantFrom(...VENDORS) },
  runs: 120,
  once: VENDORS.map((vendor) => ({ program: TRAPPED, vendor })),
  given: ({ program }) => !callsHypervisor(program),
  holds: ({ program, vendor }) => {
    const guest = guestOf(vendor, program);
    const bare = runBare(guest);
    // A program without an end is none to compare.
    if (bare.end === "neither") return true;
    const seen = runGuest(guest);
    // More accesses to devices than are served.
    if (seen.end === "cannot" || seen.end === "neither") return true;
    if (seen.end !== bare.end) throw new Error(`bare: ${bare.end}, guest: ${seen.end}`);
    if (seen.registers !== bare.registers)
      throw new Error(`bare:  ${bare.registers}\nguest: ${seen.registers}`);
    if (seen.devices.join() !== bare.devices.join())
      throw new Error(`bare:  ${bare.devices.join()}\nguest: ${seen.devices.join()}`);
    if (seen.memory !== bare.memory) throw new Error("memory differs");
    return true;
  },
});
