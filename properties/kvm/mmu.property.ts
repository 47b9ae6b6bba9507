/** Laws of a VM's memory: what the dirty log tells. */

import fc from "fast-check";
import { ioctl } from "../../src/kvm/ioctls/index.ts";
import { EXIT } from "../../src/kvm/ioctls/kvm-run.ts";
import { hvaOf } from "../../src/kvm/mmu/mmu.ts";
import type { Leaf } from "../../src/kvm/mmu/tdp.ts";
import { Vm } from "../../src/kvm/vm.ts";
import { KvmGuest, must, newHost, newKvm, startLongMode, VENDORS } from "../support/kvm-guest.ts";
import { anyStory, isOfHost, type Layout, PAGE, type Step, Story } from "../support/kvm-stories.ts";
import { law } from "../support/law.ts";

/** The second slot begins among the data. */
const SMALL: Layout = { slots: [9, 7], hostBytes: 128 * PAGE, favourites: [0, 3, 4] };
/** Three blocks, of which the second lies in both slots. */
const LARGE: Layout = {
  slots: [600, 936],
  hostBytes: 4096 * PAGE,
  favourites: [0, 3, 506, 507, 594, 595, 1018, 1019, 1530],
};

/** The log is taken while a vCPU is in the guest, after the first of five writes. */
const storyInGuest = [452, 455, 460, 470].flatMap((budget): readonly Step[] => {
  const add = { how: "add", page: 0, offset: 0, value: 1 } as const;
  const run = { what: "run", thread: 0, cpu: 0, accesses: [add, add, add, add, add] } as const;
  const get = { what: "get", slot: 0 } as const;
  return [{ ...run, budget: null }, get, { ...run, budget }, get, { ...run, budget: null }];
});
const IN_GUEST: readonly Step[] = [{ what: "log", slot: 0 }, ...storyInGuest];

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
    const guest = new KvmGuest(vendor, bytes, host, newKvm(host, { pml }));
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

law("blocks-change-nothing-that-a-guest-sees", {
  says: "Programs have the same results, and memory holds the same, whether pages are mapped one by one or in blocks of 2 MiB, while pages are taken away and logs turned on and off; and the dirty log misses nothing.",
  cites:
    "Linux, Documentation/admin-guide/mm/transhuge.rst; arch/x86/kvm/mmu/mmu.c, kvm_mmu_max_mapping_level",
  forAll: { vendor: fc.constantFrom(...VENDORS), pml: fc.boolean(), steps: anyStory(LARGE) },
  runs: 30,
  holds: ({ vendor, pml, steps }) => {
    // The order of vCPUs must not depend on how many faults there are.
    const whole = steps.map((step) => (step.what === "run" ? { ...step, budget: null } : step));
    const [blocks, pages] = [0, PAGE].map((shift) => {
      const story = new Story({ vendor, pml, layout: { ...LARGE, shift } });
      story.tell(whole, "nothing missing");
      return story;
    });
    if (blocks === undefined || pages === undefined || pages.hadBlock) return false;
    if (blocks.seen.join() !== pages.seen.join())
      throw new Error(`blocks: ${blocks.seen.join()}\npages: ${pages.seen.join()}`);
    return Buffer.compare(blocks.ram(), pages.ram()) === 0;
  },
});

law("the-dirty-log-of-blocks", {
  says: "Where blocks of 2 MiB were mapped before a slot began to log, the log misses no write of a page, and has no page beside that was neither written nor new.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG; arch/x86/kvm/mmu/tdp_mmu.c, tdp_mmu_split_huge_page",
  forAll: { vendor: fc.constantFrom(...VENDORS), pml: fc.boolean(), steps: anyStory(LARGE) },
  runs: 30,
  holds: ({ vendor, pml, steps }) => {
    for (const check of ["nothing missing", "nothing more"] as const)
      new Story({ vendor, pml, layout: LARGE }).tell(steps, check);
  },
});

law("what-the-host-does-with-memory-is-not-noticed", {
  says: "Programs have the same results, and memory holds the same, whether the host swaps pages out, merges equal ones and lets other tasks copy them in between or not; the dirty log misses nothing, and a copy holds what was copied.",
  cites:
    "Linux, Documentation/mm/mmu_notifier.rst; Documentation/admin-guide/mm/ksm.rst; virt/kvm/kvm_main.c, hva_to_pfn",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    pml: fc.boolean(),
    steps: anyStory({ ...SMALL, hostBytes: 256 * PAGE }, true),
  },
  runs: 120,
  holds: ({ vendor, pml, steps }) => {
    // The order of vCPUs must not depend on how many faults there are.
    const whole = steps.map((step) => (step.what === "run" ? { ...step, budget: null } : step));
    const [busy, quiet] = [whole, whole.filter((step) => !isOfHost(step))].map((told) => {
      const story = new Story({ vendor, pml, layout: { ...SMALL, hostBytes: 256 * PAGE } });
      story.tell(told, "nothing missing");
      return story;
    });
    if (busy === undefined || quiet === undefined) return false;
    if (busy.seen.join() !== quiet.seen.join())
      throw new Error(`with the host: ${busy.seen.join()}\nwithout: ${quiet.seen.join()}`);
    return Buffer.compare(busy.ram(), quiet.ram()) === 0;
  },
});

law("the-host-takes-memory-from-guests-that-run", {
  says: "While vCPUs are stopped anywhere in their programs, the host swaps their pages out, merges and copies them: each page that their tables map is what their task has there, with the rights that it has, no copy changes, and the dirty log misses nothing.",
  cites: "Linux, Documentation/mm/mmu_notifier.rst; DESIGN, Virtualisation hardware and KVM",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    pml: fc.boolean(),
    story: fc
      .constantFrom(SMALL, LARGE)
      .chain((layout) => fc.record({ layout: fc.constant(layout), steps: anyStory(layout, true) })),
  },
  runs: 25,
  holds: ({ vendor, pml, story: { layout, steps } }) => {
    const hostBytes = 4 * layout.hostBytes;
    new Story({ vendor, pml, layout: { ...layout, hostBytes } }).tell(steps, "nothing missing");
  },
});

const BLOCK = 512 * PAGE;

law("no-translation-survives-its-block", {
  says: "After a page of a mapped block is taken away, or its slot deleted, moved or logged, a guest on whichever CPU finds at each page what is there now, and no frame and no table stays behind.",
  cites:
    "Linux, Documentation/mm/mmu_notifier.rst; SDM Vol. 3, Operations that Invalidate Cached Mappings; APM Vol. 2, TLB Management",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    how: fc.constantFrom("delete", "move", "discard", "unmap", "other page"),
    page: fc.nat(510),
    cpus: fc.array(fc.nat(1), { minLength: 1, maxLength: 4 }),
    inGuest: fc.boolean(),
    next: fc.nat(1),
  },
  runs: 40,
  holds: ({ vendor, how, page, cpus, inGuest, next }) => {
    const host = newHost(vendor, 2, 8 * BLOCK);
    const guest = new KvmGuest(vendor, 2 * BLOCK, host, newKvm(host));
    const at = BLOCK + page * PAGE;
    guest.slot(0, 0, BLOCK);
    guest.slot(1, BLOCK, BLOCK);
    startLongMode(guest, TABLES);
    guest.write(at, Uint8Array.of(7));
    // mov al, [at]; hlt; jmp to the start
    const [low, middle, high] = [at & 0xff, (at >>> 8) & 0xff, at >>> 16];
    guest.write(CODE, Uint8Array.of(0x8a, 0x04, 0x25, low, middle, high, 0, 0xf4, 0xeb, 0xf6));
    guest.setRegs({ rip: BigInt(CODE) });
    const run = (cpu: number, cycles = LIMIT): unknown => {
      const now = host.cpus[cpu]?.state.cycles ?? 0;
      const result = ioctl(guest.caller(cpu, now + cycles), guest.vcpu, "KVM_RUN", null);
      return result === 0 ? guest.run.exit_reason : result;
    };
    const reads = (cpu: number): bigint | null =>
      run(cpu) === EXIT.HLT ? guest.regs.rax % 256n : null;
    for (const cpu of cpus) if (reads(cpu) !== 7n) return false;
    const file = guest.task.file(guest.vm);
    if (!(file instanceof Vm)) return false;
    const isBlock = ({ gfn, pages }: Leaf): boolean => gfn === 512 && pages === 512;
    if (!file.mmu.tables.leaves().some(isBlock)) return false;
    const last = cpus.at(-1) ?? 0;
    if (inGuest) run(last, 1);
    const { memory } = guest.task;
    const free = host.frames.free;
    if (how === "delete") guest.slot(1, BLOCK, 0);
    else if (how === "move") guest.slot(1, 8 * BLOCK, BLOCK, BLOCK);
    else if (how === "discard") memory.discard(guest.ram + at, PAGE);
    else if (how === "unmap") memory.unmap(guest.ram + at, PAGE);
    else memory.discard(guest.ram + at + PAGE, PAGE);
    const isGone = how === "delete" || how === "move";
    if (!isGone && host.frames.free !== free + 1) return false;
    if (file.mmu.tables.leaves().some(isBlock)) return false;
    if (isGone) return run(last) === EXIT.MMIO && guest.run.mmio.phys_addr === BigInt(at);
    if (how === "unmap") return run(last) === "EFAULT";
    const expected = how === "discard" ? 0n : 7n;
    return reads(last) === expected && reads(next) === expected;
  },
});

/** What an entry is made to say: to map a page of somebody else, or one of its task's that the slot does not have there. */
const FRAMES = {
  "another task's": (_own: Vm, other: Vm) => other.task.memory.residentAt(userOf(other, 0)),
  "a table": (_own: Vm, other: Vm) => other.mmu.tables.root,
  "the control block": (own: Vm) => own.vcpus[0]?.control ?? 0,
  "nobody's": ({ kvm: { host } }: Vm) => {
    const frame = host.frames.allocate("task 1") ?? 0;
    host.frames.put(frame);
    return frame;
  },
  "another page of the slot": (own: Vm) => own.task.memory.residentAt(userOf(own, 4)),
} as const;

const userOf = ({ mmu }: Vm, gfn: number): number => {
  const slot = mmu.slots.find(gfn);
  if (slot === null) throw new Error("no slot");
  return hvaOf(slot, gfn);
};

law("what-does-not-belong-in-a-table-is-noticed", {
  says: "Whichever entry of a VM's tables is made to name a frame that is not the one of its task and slot, the next exit of a guest says so, with the frame and the page.",
  cites: "DESIGN, Virtualisation hardware and KVM",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    what: fc.constantFrom(...(Object.keys(FRAMES) as (keyof typeof FRAMES)[])),
    page: fc.integer({ min: 5, max: 7 }),
    isMapped: fc.boolean(),
  },
  runs: 40,
  holds: ({ vendor, what, page, isMapped }) => {
    const host = newHost(vendor);
    const kvm = newKvm(host);
    const guests = [0, 1].map(() => new KvmGuest(vendor, 8 * PAGE, host, kvm));
    const vms = guests.map((guest) => {
      guest.slot(0, 0, 8 * PAGE);
      guest.write(0, new Uint8Array(8 * PAGE).fill(0xf4));
      startLongMode(guest, TABLES);
      const file = guest.task.file(guest.vm);
      if (!(file instanceof Vm)) throw new Error("no VM");
      // With all pages there, the guest does nothing but to leave.
      for (let gfn = 0; gfn < (isMapped ? 8 : 1); gfn += 1) file.mmu.fault(gfn, true);
      return file;
    });
    const [[guest], [own, other]] = [guests, vms];
    if (guest === undefined || own === undefined || other === undefined) return false;
    const frame = FRAMES[what](own, other);
    const { ram } = host.frames;
    let table = own.mmu.tables.root;
    for (let level = 0; level < 3; level += 1) table = ram.read32(table * PAGE) >>> 12;
    ram.write32(table * PAGE + 8 * page, frame * PAGE + 7);
    let message = "nothing";
    try {
      guest.go();
    } catch (error) {
      message = String(error);
    }
    const owner = what === "nobody's" ? "nobody" : "";
    if (message.includes(`maps page ${page} to frame ${frame} of ${owner}`)) return true;
    throw new Error(`noticed: ${message}`);
  },
});

law("empty-tables-are-freed", {
  says: "When the slots of a VM are deleted, whatever pages its guest has touched, no table is left but the first, and their frames are free.",
  cites:
    "Linux, arch/x86/kvm/mmu/tdp_mmu.c, handle_removed_pt; DESIGN, Virtualisation hardware and KVM",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    gfns: fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(7)), {
      minLength: 1,
      maxLength: 8,
    }),
  },
  runs: 40,
  holds: ({ vendor, gfns }) => {
    const guest = new KvmGuest(vendor, 8 * PAGE);
    const file = guest.task.file(guest.vm);
    if (!(file instanceof Vm)) return false;
    const { frames } = guest.host;
    guest.task.memory.read(guest.ram, 8 * PAGE);
    const { free } = frames;
    // Slots of a page each, far from one another.
    const all = [...new Set(gfns.map(([a, b, c, d]) => a * 2 ** 18 + b * 2 ** 17 + c * 512 + d))];
    for (const [slot, gfn] of all.entries()) {
      guest.slot(slot, gfn * PAGE, PAGE, (slot % 8) * PAGE);
      file.mmu.fault(gfn, true);
    }
    for (const slot of all.keys()) {
      guest.slot(slot, 0, 0);
      const leaves = file.mmu.tables.leaves().length;
      if (leaves !== all.length - slot - 1) return false;
    }
    return frames.free === free;
  },
});
