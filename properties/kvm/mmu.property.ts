/** Laws of a VM's memory: what the dirty log tells. */

import fc from "fast-check";
import { VENDORS } from "../support/kvm-guest.ts";
import { anyStory, type Layout, PAGE, Story } from "../support/kvm-stories.ts";
import { law } from "../support/law.ts";

/** The second slot begins among the data. */
const SMALL: Layout = { slots: [9, 7], hostBytes: 128 * PAGE };

law("the-dirty-log-misses-no-write", {
  says: "Whatever a guest's CPUs write and whatever the module writes for it, on one vCPU or two and while a vCPU is in the guest, a page that was written since the log was last taken is in the log; a slot that is not logged has none.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG; SDM Vol. 3, Page-Modification Logging",
  forAll: { vendor: fc.constantFrom(...VENDORS), steps: anyStory(SMALL) },
  runs: 80,
  holds: ({ vendor, steps }) => {
    new Story({ vendor, layout: SMALL }).tell(steps, "nothing missing");
  },
});

law("the-dirty-log-has-only-what-was-written", {
  says: "A page that is in the log was written since the log was last taken, or is new in the VM's tables, or is one of the guest's tables.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG; arch/x86/kvm/mmu/spte.c, make_spte",
  forAll: { vendor: fc.constantFrom(...VENDORS), steps: anyStory(SMALL) },
  runs: 80,
  holds: ({ vendor, steps }) => {
    new Story({ vendor, layout: SMALL }).tell(steps, "nothing more");
  },
});
