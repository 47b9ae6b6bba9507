/** Laws of the module's interface: whatever user space asks, tables hold only what is the guest's, and nothing is thrown. */

import fc from "fast-check";
import { type Argument, ioctl, IOCTLS, openKvm } from "../../src/kvm/ioctls/index.ts";
import { EXIT } from "../../src/kvm/ioctls/kvm-run.ts";
import type { Task } from "../../src/linux/task.ts";
import {
  KvmGuest,
  must,
  newHost,
  newKvm,
  startLongMode,
  startRealMode,
  VENDORS,
} from "../support/kvm-guest.ts";
import { anyBytes, anyChannel } from "../support/kvm-irqs.ts";
import { anyDebugregs, anyXsave } from "../support/kvm-state.ts";
import { Eventfd } from "../../src/linux/eventfd.ts";
import { law } from "../support/law.ts";

const PAGE = 4096;
const RAM = 8 * PAGE;
type Name = keyof typeof IOCTLS;
const NAMES = Object.keys(IOCTLS) as Name[];

const anyPage = (most: number): fc.Arbitrary<number> => fc.nat(most).map((page) => page * PAGE);
const anyBits = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt(0n, 0x1_0000n));

const anyRoom = fc.nat(200).map((count) => Array.from({ length: count }, () => 0));
const anyRegisters = (count: number) =>
  fc.array(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [...bytes]),
    { minLength: count, maxLength: count },
  );

const anyChip = () => fc.record({ chip_id: fc.nat(3), chip: anyBytes(512) });

/** An argument that may make sense, for those that need one. */
const ARGUMENTS: Partial<Record<Name, fc.Arbitrary<unknown>>> = {
  KVM_SET_USER_MEMORY_REGION: fc.record({
    slot: fc.oneof({ weight: 8, arbitrary: fc.nat(3) }, fc.nat(2 ** 32 - 1)),
    flags: fc.constantFrom(0, 0, 1, 2, 3, 4),
    guest_phys_addr: fc.oneof(anyPage(10).map(BigInt), anyBits),
    memory_size: fc.oneof({ weight: 9, arbitrary: anyPage(6).map(BigInt) }, anyBits),
    userspace_addr: fc.oneof(
      { weight: 9, arbitrary: anyPage(9).map((offset) => BigInt(2 ** 46 + offset)) },
      anyBits,
    ),
  }),
  KVM_GET_DIRTY_LOG: fc.record({
    slot: fc.oneof({ weight: 8, arbitrary: fc.nat(3) }, fc.nat(2 ** 32 - 1)),
    dirty_bitmap: fc.oneof(
      anyPage(9).map((offset) => BigInt(2 ** 46 + offset)),
      anyBits,
    ),
  }),
  KVM_CREATE_VM: fc.constantFrom(0n, 0n, 1n),
  KVM_CREATE_VCPU: fc.oneof(fc.bigInt(0n, 3n), anyBits),
  KVM_GET_MSRS: fc.array(fc.record({ index: fc.nat(2 ** 32 - 1), data: anyBits }), {
    maxLength: 3,
  }),
  KVM_SET_MSRS: fc.array(
    fc.record({ index: fc.constantFrom(0x10, 0x1b, 0x277, 0xc000_0080, 0x174, 7), data: anyBits }),
    { maxLength: 3 },
  ),
  KVM_CHECK_EXTENSION: fc.bigInt(0n, 256n),
  KVM_GET_MSR_INDEX_LIST: anyRoom,
  KVM_GET_MSR_FEATURE_INDEX_LIST: anyRoom,
  KVM_GET_CPUID2: fc.constant([]),
  KVM_SET_XSAVE: anyXsave(),
  KVM_SET_DEBUGREGS: anyDebugregs(),
  KVM_SET_XCRS: fc.record({
    nr_xcrs: fc.nat(17),
    flags: fc.constantFrom(0, 0, 1),
    xcrs: fc.array(fc.record({ xcr: fc.nat(1), value: fc.bigInt(0n, 7n) }), {
      minLength: 16,
      maxLength: 16,
    }),
  }),
  KVM_SET_FPU: fc.record({
    fpr: anyRegisters(8),
    fcw: fc.nat(0xffff),
    fsw: fc.nat(0xffff),
    ftwx: fc.nat(0xff),
    last_opcode: fc.nat(0xffff),
    last_ip: anyBits,
    last_dp: anyBits,
    xmm: anyRegisters(16),
    mxcsr: fc.nat(2 ** 32 - 1),
  }),
  KVM_TRANSLATE: fc.record({
    linear_address: anyBits,
    physical_address: fc.constant(0n),
    valid: fc.constant(0),
    writeable: fc.constant(0),
    usermode: fc.constant(0),
  }),
  KVM_SET_GUEST_DEBUG: fc.record({
    control: fc.oneof(
      fc.nat(3),
      fc.nat(0x1f).map((bits) => (bits << 16) | 3),
    ),
    arch: fc.record({ debugreg: fc.array(anyBits, { minLength: 8, maxLength: 8 }) }),
  }),
  KVM_CREATE_PIT2: fc.record({ flags: fc.nat(1) }),
  KVM_IRQ_LINE: fc.record({ irq: fc.nat(25), level: fc.nat(1) }),
  KVM_SIGNAL_MSI: fc.record({
    address_lo: fc.constantFrom(0xfee0_0000, 0xfee0_1000, 0xfeef_f000, 0xfee0_3004, 0),
    address_hi: fc.constantFrom(0, 0, 0x100),
    data: fc.nat(0xffff),
    flags: fc.constantFrom(0, 0, 1),
  }),
  KVM_SET_GSI_ROUTING: fc.array(
    fc.record({
      gsi: fc.nat(30),
      type: fc.nat(3),
      flags: fc.constantFrom(0, 0, 0, 1),
      u: fc.tuple(fc.nat(3), fc.nat(24), fc.nat(0xff)).map((u) => [...u, 0, 0, 0, 0, 0]),
    }),
    { maxLength: 5 },
  ),
  KVM_IRQFD: fc.record({
    fd: fc.nat(6),
    gsi: fc.nat(25),
    flags: fc.constantFrom(0, 0, 1, 2),
    resamplefd: fc.constant(0),
  }),
  KVM_IOEVENTFD: fc.record({
    datamatch: anyBits,
    addr: fc.oneof(
      fc.nat(0xff).map(BigInt),
      anyPage(10).map((address) => BigInt(address)),
      anyBits,
    ),
    len: fc.constantFrom(0, 1, 2, 4, 8, 3),
    fd: fc.nat(6),
    flags: fc.nat(8),
  }),
  KVM_GET_IRQCHIP: anyChip(),
  KVM_SET_IRQCHIP: anyChip(),
  KVM_SET_LAPIC: fc.record({ regs: anyBytes(0x400) }),
  KVM_SET_PIT2: fc.record({
    channels: fc.array(anyChannel(), { minLength: 3, maxLength: 3 }),
    flags: fc.nat(1),
  }),
  KVM_SET_MP_STATE: fc.record({ mp_state: fc.nat(5) }),
  KVM_SET_SIGNAL_MASK: fc.constantFrom(
    [],
    Array.from({ length: 8 }, () => 0),
  ),
  KVM_SET_TSC_KHZ: fc.oneof(fc.constant(1_000_000n), anyBits),
  KVM_ENABLE_CAP: fc.record({
    cap: fc.constantFrom(128, 190, 116),
    flags: fc.constantFrom(0, 0, 1),
    args: fc.array(anyBits, { minLength: 4, maxLength: 4 }),
  }),
};
const anyArgument = (name: Name): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 9, arbitrary: ARGUMENTS[name] ?? fc.oneof(fc.constant(null), anyBits) },
    fc.anything(),
  );

interface Step {
  readonly what: Name | "close" | "unmap" | "discard" | "touch" | "registers";
  readonly task: number;
  readonly descriptor: number;
  readonly argument: unknown;
  readonly page: number;
  readonly code: Uint8Array;
}

const anyStep = (): fc.Arbitrary<Step> =>
  fc
    .oneof(
      { weight: 5, arbitrary: fc.constantFrom(...NAMES) },
      { weight: 6, arbitrary: fc.constantFrom<Name[]>("KVM_SET_USER_MEMORY_REGION", "KVM_RUN") },
      {
        weight: 3,
        arbitrary: fc.constantFrom("close", "unmap", "discard", "touch", "registers", "touch"),
      },
    )
    .chain((what) =>
      fc.record({
        what: fc.constant(what),
        task: fc.nat(1),
        descriptor: fc.nat(6),
        argument: anyArgument(what as Name),
        page: fc.nat(9),
        code: fc.uint8Array({ minLength: 4, maxLength: 24 }),
      }),
    );

law("no-ioctl-breaks-the-host", {
  says: "Random ioctls with random arguments by two tasks, with random code in their guests and memory that comes and goes, give a result or an error, and after each the tables of VMs map only frames that are their task's, at the page of the slot, and none for writes that is read-only; when all is closed, no frame is missing.",
  cites: "Linux, Documentation/virt/kvm/api.rst; DESIGN, Virtualisation hardware and KVM",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    steps: fc.array(anyStep(), { minLength: 5, maxLength: 40 }),
    irqchip: fc.boolean(),
  },
  runs: 60,
  holds: ({ vendor, steps, irqchip }) => {
    const host = newHost(vendor, 1, 96 * PAGE);
    newKvm(host);
    const all = host.frames.free;
    const tasks = [host.newTask(), host.newTask()];
    const caller = (task: Task) => {
      const [cpu] = host.cpus;
      if (cpu === undefined) throw new Error("no CPU");
      return { task, cpu, limit: cpu.state.cycles + 3000 };
    };
    for (const task of tasks) {
      const device = must(openKvm(task));
      task.memory.map(RAM);
      const vm = must(ioctl(caller(task), device, "KVM_CREATE_VM", 0n));
      if (irqchip) must(ioctl(caller(task), vm, "KVM_CREATE_IRQCHIP", null));
      must(ioctl(caller(task), vm, "KVM_CREATE_VCPU", 0n));
      task.open(new Eventfd(host.world, `eventfd${task.id}`));
    }
    for (const { what, task: number, descriptor, argument, page, code } of steps) {
      const task = tasks[number] as Task;
      const at = 2 ** 46 + page * PAGE;
      if (what === "close") task.close(descriptor);
      else if (what === "unmap" || what === "discard") task.memory[what](at, PAGE);
      else if (what === "touch") task.memory.write(at, code);
      else if (what === "registers") {
        const regs = ioctl(caller(task), descriptor, "KVM_GET_REGS", null);
        const sregs = ioctl(caller(task), descriptor, "KVM_GET_SREGS", null);
        if (typeof regs === "string" || typeof sregs === "string") continue;
        const cs = { ...sregs.cs, base: 0n, selector: 0 };
        ioctl(caller(task), descriptor, "KVM_SET_SREGS", { ...sregs, cs });
        ioctl(caller(task), descriptor, "KVM_SET_REGS", { ...regs, rip: BigInt(page * PAGE) });
      } else ioctl(caller(task), descriptor, what, argument as Argument<typeof what>);
    }
    for (const task of tasks) task.exit();
    return host.frames.free === all;
  },
});

/** mov al, [2000h]; hlt; jmp 0 */
const READER = Uint8Array.of(0xa0, 0x00, 0x20, 0xf4, 0xeb, 0xfa);

law("no-translation-survives-its-page", {
  says: "After a slot is deleted or moved, or its task's page unmapped or discarded, a guest that has read the page before, on whichever CPU, finds what is there now and not the old frame.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_SET_USER_MEMORY_REGION; Documentation/mm/mmu_notifier.rst; SDM Vol. 3, Operations that Invalidate Cached Mappings; APM Vol. 2, TLB Management",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    how: fc.constantFrom("delete", "move", "discard", "replace"),
    cpus: fc.array(fc.nat(1), { minLength: 2, maxLength: 6 }),
    old: fc.integer({ min: 1, max: 255 }),
    inGuest: fc.boolean(),
    next: fc.nat(1),
  },
  runs: 60,
  holds: ({ vendor, how, cpus, old, inGuest, next }) => {
    const host = newHost(vendor, 2);
    const guest = new KvmGuest(vendor, RAM, host);
    guest.slot(0, 0, 2 * PAGE);
    guest.slot(1, 2 * PAGE, PAGE);
    guest.write(0, READER);
    guest.write(2 * PAGE, Uint8Array.of(old));
    startRealMode(guest);
    guest.setRegs({ rip: 0n });
    const run = (cpu: number): number => {
      const result = ioctl(guest.caller(cpu), guest.vcpu, "KVM_RUN", null);
      return result === 0 ? guest.run.exit_reason : -1;
    };
    for (const cpu of cpus)
      if (run(cpu) !== EXIT.HLT || guest.regs.rax % 256n !== BigInt(old)) return false;
    const last = cpus.at(-1) ?? 0;
    const { cycles } = host.cpus[last]?.state ?? { cycles: 0 };
    // Stopped in the guest, as by the end of a slice: the CPU still holds it.
    if (inGuest) ioctl(guest.caller(last, cycles + 1), guest.vcpu, "KVM_RUN", null);
    if (how === "delete") guest.slot(1, 2 * PAGE, 0);
    else if (how === "move") guest.slot(1, 3 * PAGE, PAGE, 2 * PAGE);
    else if (how === "discard") guest.task.memory.discard(guest.ram + 2 * PAGE, PAGE);
    else {
      guest.slot(1, 2 * PAGE, 0);
      guest.slot(1, 2 * PAGE, PAGE, 4 * PAGE);
    }
    const isDevice = how === "delete" || how === "move";
    const expected = isDevice ? EXIT.MMIO : EXIT.HLT;
    if (run(last) !== expected) return false;
    // What another CPU has cached is older still.
    if (!isDevice && run(next) !== EXIT.HLT) return false;
    return isDevice ? guest.run.mmio.phys_addr === 0x2000n : guest.regs.rax % 256n === 0n;
  },
});

/** mov al, [2000h]; inc al; mov [2000h], al; hlt */
const WRITER = Uint8Array.of(0xa0, 0x00, 0x20, 0xfe, 0xc0, 0xa2, 0x00, 0x20, 0xf4);

law("a-read-only-slot-is-not-written", {
  says: "A guest reads a read-only slot as memory; what it writes there goes to user space, and the page stays as it is.",
  cites: "Linux, Documentation/virt/kvm/api.rst, KVM_SET_USER_MEMORY_REGION (KVM_MEM_READONLY)",
  forAll: { vendor: fc.constantFrom(...VENDORS), value: fc.nat(254) },
  runs: 10,
  holds: ({ vendor, value }) => {
    const guest = new KvmGuest(vendor, RAM);
    const { mmio } = guest.run;
    const exits = (): number => (guest.go() === 0 ? guest.run.exit_reason : -1);
    guest.slot(0, 0, 2 * PAGE);
    guest.slot(1, 2 * PAGE, PAGE, 2 * PAGE, 2);
    guest.write(0, WRITER);
    guest.write(2 * PAGE, Uint8Array.of(value));
    startRealMode(guest);
    guest.setRegs({ rip: 0n });
    if (exits() !== EXIT.MMIO) return false;
    if (mmio.is_write !== 1 || mmio.phys_addr !== 0x2000n || mmio.data[0] !== value + 1)
      return false;
    if (exits() !== EXIT.HLT) return false;
    return must(guest.task.memory.read(guest.ram + 2 * PAGE, 1))[0] === value;
  },
});

law("registers-are-what-was-set", {
  says: "KVM_GET_REGS and KVM_GET_SREGS give what KVM_SET_REGS and KVM_SET_SREGS have set, before a guest runs and after it has halted and another had its CPU.",
  cites: "Linux, Documentation/virt/kvm/api.rst, KVM_SET_REGS, KVM_SET_SREGS",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    values: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 16, maxLength: 16 }),
    long: fc.boolean(),
  },
  runs: 40,
  holds: ({ vendor, values, long }) => {
    const host = newHost(vendor);
    const kvm = newKvm(host);
    const guests = [0, 1].map(() => new KvmGuest(vendor, RAM, host, kvm));
    const names = Object.keys(guests[0]?.regs ?? {}).filter((name) => !/^r(ip|flags)$/.test(name));
    const wanted = guests.map((guest, i) => {
      guest.slot(0, 0, RAM);
      if (long) startLongMode(guest, 2 * PAGE);
      else startRealMode(guest);
      guest.write(PAGE, Uint8Array.of(0xf4));
      const given = names.map((name, k) => [name, values[(k + i) % 16]] as const);
      guest.setRegs({ ...Object.fromEntries(given), rip: BigInt(PAGE), rflags: 2n });
      return { regs: guest.regs, sregs: guest.sregs };
    });
    const same = (a: object, b: object): boolean => print(a) === print(b);
    return guests.every((guest, i) => {
      const { regs, sregs } = wanted[i] ?? {};
      if (regs === undefined || sregs === undefined) return false;
      names.forEach((name, k) => {
        if (regs[name as keyof typeof regs] !== values[(k + i) % 16]) throw new Error(name);
      });
      if (guest.go() !== 0 || guest.run.exit_reason !== EXIT.HLT) return false;
      if (!same(guest.regs, { ...regs, rip: regs.rip + 1n })) return false;
      return same(guest.sregs, sregs);
    });
  },
});

const print = (value: object): string =>
  JSON.stringify(value, (_name, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
