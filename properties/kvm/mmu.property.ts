/** Laws of a VM's memory: what the dirty log tells. */

import fc from "fast-check";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { EXIT } from "../../src/kvm/kvm-run.ts";
import { Kvm } from "../../src/kvm/module.ts";
import { KvmGuest, must, newHost, startLongMode, VENDORS } from "../support/kvm-guest.ts";
import { anyStory, type Layout, PAGE, type Step, Story } from "../support/kvm-stories.ts";
import { law } from "../support/law.ts";

/** The second slot begins among the data. */
const SMALL: Layout = { slots: [9, 7], hostBytes: 128 * PAGE };

/** The log is taken while a vCPU is in the guest, after the first of five writes. */
const inGuest = [452, 455, 460, 470].flatMap((budget): readonly Step[] => {
  const add = { how: "add", page: 0, offset: 0, value: 1 } as const;
  const run = { what: "run", thread: 0, cpu: 0, accesses: [add, add, add, add, add] } as const;
  const get = { what: "get", slot: 0 } as const;
  return [{ ...run, budget: null }, get, { ...run, budget }, get, { ...run, budget: null }];
});
const IN_GUEST: readonly Step[] = [{ what: "log", slot: 0 }, ...inGuest];

law("the-dirty-log-misses-no-write", {
  says: "Whatever a guest's CPUs write and whatever the module writes for it, on one vCPU or two and while a vCPU is in the guest, a page that was written since the log was last taken is in the log; a slot that is not logged has none.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG; SDM Vol. 3, Page-Modification Logging",
  forAll: { vendor: fc.constantFrom(...VENDORS), pml: fc.boolean(), steps: anyStory(SMALL) },
  runs: 80,
  once: VENDORS.map((vendor) => ({ vendor, pml: true, steps: IN_GUEST })),
  holds: ({ vendor, pml, steps }) => {
    new Story({ vendor, pml, layout: SMALL }).tell(steps, "nothing missing");
  },
});

law("the-dirty-log-has-only-what-was-written", {
  says: "A page that is in the log was written since the log was last taken, or is new in the VM's tables, or is one of the guest's tables.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG; arch/x86/kvm/mmu/spte.c, make_spte",
  forAll: { vendor: fc.constantFrom(...VENDORS), pml: fc.boolean(), steps: anyStory(SMALL) },
  runs: 80,
  holds: ({ vendor, pml, steps }) => {
    new Story({ vendor, pml, layout: SMALL }).tell(steps, "nothing more");
  },
});

const [CODE, TABLES, DATA, LOG] = [0, PAGE, 3 * PAGE, 1];
/** mov ecx, pages; mov edi, DATA; l: inc byte [rdi]; add rdi, 4096; dec ecx; jnz l; hlt */
const writerOf = (pages: number): Uint8Array =>
  Uint8Array.from(
    [
      [0xb9, pages & 0xff, pages >>> 8, 0, 0, 0xbf, 0, DATA >>> 8, 0, 0],
      [0xfe, 0x07, 0x48, 0x81, 0xc7, 0x00, 0x10, 0, 0, 0xff, 0xc9, 0x75, 0xf3, 0xf4],
    ].flat(),
  );
/** Cycles: more than any of these programs takes. */
const LIMIT = 10_000_000;

law("the-dirty-log-holds-any-number-of-pages", {
  says: "Of so many pages that the log of a CPU is full, each that was written without an exit between is in the dirty log, and none that was not.",
  cites: "SDM Vol. 3, Page-Modification Logging; Linux, arch/x86/kvm/vmx/vmx.c, handle_pml_full",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    pml: fc.boolean(),
    pages: fc.oneof(fc.integer({ min: 500, max: 530 }), fc.integer({ min: 1, max: 600 })),
  },
  runs: 20,
  holds: ({ vendor, pml, pages }) => {
    const host = newHost(vendor);
    const bytes = DATA + (pages + 1) * PAGE;
    const guest = new KvmGuest(vendor, bytes, host, new Kvm(host, { pml }));
    guest.slot(0, 0, bytes, 0, LOG);
    startLongMode(guest, TABLES);
    guest.write(CODE, writerOf(pages));
    const bitmap = guest.task.memory.map(PAGE);
    const log = (): Uint8Array => {
      const argument = { slot: 0, dirty_bitmap: BigInt(bitmap) };
      must(ioctl(guest.caller(), guest.vm, "KVM_GET_DIRTY_LOG", argument));
      return must(guest.task.memory.read(bitmap, PAGE));
    };
    for (let round = 0; round < 2; round += 1) {
      guest.setRegs({ rip: BigInt(CODE) });
      const { cycles } = host.cpus[0]?.state ?? { cycles: 0 };
      const result = ioctl(guest.caller(0, cycles + LIMIT), guest.vcpu, "KVM_RUN", null);
      if (result !== 0 || guest.run.exit_reason !== EXIT.HLT) return false;
      const bits = log();
      for (let page = 0; page <= pages; page += 1) {
        const at = DATA / PAGE + page;
        const isLogged = (((bits[at >>> 3] as number) >>> (at & 7)) & 1) !== 0;
        if (isLogged !== page < pages) return false;
      }
    }
    return true;
  },
});
