/** Laws of what guests have from the module that no hardware gives: clocks, and areas of memory that it writes. */

import fc from "fast-check";
import { law } from "../support/law.ts";
import { must, VENDORS } from "../support/kvm-guest.ts";
import { PV_RAM, PvGuest } from "../support/pv-guest.ts";
import { STEAL_TIME, Threads } from "../support/stolen-time.ts";

const [SYSTEM_TIME, WALL_CLOCK, TSC] = [0x4b56_4d01, 0x4b56_4d00, 0x10];
const [OLD_SYSTEM_TIME, OLD_WALL_CLOCK, POLL_CONTROL] = [0x12, 0x11, 0x4b56_4d05];
const PV_EOI = 0x4b56_4d04;
const PAGE = 4096;
/** Where the clock of a vCPU lies, in no page of its own. */
const clockAt = (vcpu: number): number => 0x2_0000 + 64 * vcpu;
const [VCPUS, CPUS] = [3, 2];
const [STABLE, STOPPED] = [1, 2];
/** rdtsc; shl rdx, 32; or rax, rdx */
const READ_COUNTER = [0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0];
const WRMSR = [0x0f, 0x30];
/** VMMCALL, VMCALL. */
const hypercallOf = (vendor: (typeof VENDORS)[number]): readonly number[] =>
  vendor === "amd" ? [0x0f, 0x01, 0xd9] : [0x0f, 0x01, 0xc1];
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

type ClockStep =
  | { readonly what: "read"; readonly vcpu: number; readonly cpu: number }
  | { readonly what: "pass"; readonly cycles: number }
  | { readonly what: "clock"; readonly value: bigint; readonly ago: bigint | null }
  | { readonly what: "counter"; readonly vcpu: number; readonly value: bigint }
  | { readonly what: "stop"; readonly vcpu: number };

const anyVcpu = fc.nat(VCPUS - 1);
const anyClockStep: fc.Arbitrary<ClockStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("read" as const),
      vcpu: anyVcpu,
      cpu: fc.nat(CPUS - 1),
    }),
  },
  fc.record({ what: fc.constant("pass" as const), cycles: fc.nat(10_000_000) }),
  fc.record({
    what: fc.constant("clock" as const),
    value: fc.bigInt(0n, 2n ** 60n),
    ago: fc.option(fc.bigInt(-1_000_000n, 1_000_000n)),
  }),
  fc.record({
    what: fc.constant("counter" as const),
    vcpu: anyVcpu,
    value: fc.constantFrom(0n, 5_000n, 2n ** 40n, 2n ** 64n - 1000n),
  }),
  fc.record({ what: fc.constant("stop" as const), vcpu: anyVcpu }),
);

/** A VM whose guests have their clocks, and what they should say. */
class Clocks {
  readonly guest: PvGuest;
  readonly #tscs: bigint[] = [];
  readonly #stops = new Set<number>();
  /** What is added to the host's time, and the last time that any vCPU has read. */
  #offset = 0n;
  #last = 0n;

  constructor(vendor: (typeof VENDORS)[number], guestWrites: boolean) {
    this.guest = new PvGuest({ vendor, vcpus: VCPUS, cpus: CPUS }).start();
    for (let vcpu = 0; vcpu < VCPUS; vcpu += 1) {
      const value = BigInt(clockAt(vcpu)) | 1n;
      if (guestWrites)
        must(this.guest.run(vcpu, WRMSR, { rcx: BigInt(SYSTEM_TIME), rax: value, rdx: 0n }));
      else if (!this.guest.setMsr(vcpu, SYSTEM_TIME, value)) throw new Error("no clock");
      this.#tscs.push(0n);
    }
    this.pass(0);
  }

  /** No CPU is behind another. */
  get now(): bigint {
    return BigInt(Math.max(...this.guest.host.cpus.map(({ state }) => state.cycles)));
  }

  pass(cycles: number): void {
    const now = Number(this.now) + cycles;
    for (const { state } of this.guest.host.cpus) state.cycles = now;
  }

  take(step: ClockStep): void {
    const { guest } = this;
    switch (step.what) {
      case "pass":
        return this.pass(step.cycles);
      case "clock":
        return this.#setClock(step.value, step.ago);
      case "counter":
        guest.setMsr(step.vcpu, TSC, step.value);
        this.#tscs[step.vcpu] = u64(step.value - this.now);
        return;
      case "stop":
        must(guest.on(guest.vcpus[step.vcpu] ?? -1, "KVM_KVMCLOCK_CTRL", null));
        this.#stops.add(step.vcpu);
        return;
      case "read":
        return this.#read(step.vcpu, step.cpu);
    }
  }

  get #isStable(): boolean {
    return this.#tscs.every((one) => one === this.#tscs[0]);
  }

  #setClock(value: bigint, ago: bigint | null): void {
    const { guest, now } = this;
    const realtime = BigInt(guest.host.date) * 1_000_000_000n + now - (ago ?? 0n);
    const data = { clock: value, flags: ago === null ? 0 : 4, realtime, host_tsc: 0n };
    must(guest.on(guest.vm, "KVM_SET_CLOCK", data));
    this.#offset = value + (ago !== null && ago > 0n ? ago : 0n) - now;
    this.#last = 0n;
  }

  #read(vcpu: number, cpu: number): void {
    const { guest, now } = this;
    must(guest.run(vcpu, READ_COUNTER, {}, cpu));
    this.pass(0);
    const view = guest.read(clockAt(vcpu), 32);
    const counter = u64(guest.regs(vcpu).rax - view.getBigUint64(8, true));
    const scaled = (counter << BigInt(view.getInt8(28))) * BigInt(view.getUint32(24, true));
    const time = u64((scaled >> 32n) + view.getBigUint64(16, true));
    const [first, last] = [u64(now + this.#offset), u64(this.now + this.#offset)];
    if (time < first || time > last) throw new Error(`${time} is not in ${first} to ${last}`);
    if (time < this.#last) throw new Error(`${time} comes behind ${this.#last}`);
    this.#last = time;
    this.#checkStructure(vcpu, view);
    this.#checkIoctl();
  }

  #checkStructure(vcpu: number, view: DataView): void {
    const flags = view.getUint8(29);
    const stopped = this.#stops.delete(vcpu) ? STOPPED : 0;
    const expected = (this.#isStable ? STABLE : 0) | stopped;
    if (flags !== expected) throw new Error(`flags ${flags}, not ${expected}`);
    if (view.getUint32(0, true) % 2 !== 0) throw new Error("the version is odd");
    // The guest takes the news away.
    this.guest.write(clockAt(vcpu) + 29, Uint8Array.of(flags & ~STOPPED));
  }

  #checkIoctl(): void {
    const { guest, now } = this;
    const { clock, flags, realtime, host_tsc } = must(guest.on(guest.vm, "KVM_GET_CLOCK", null));
    const wall = BigInt(guest.host.date) * 1_000_000_000n + now;
    const expected = this.#isStable ? [14, wall, now] : [0, 0n, 0n];
    if (clock !== u64(now + this.#offset)) throw new Error(`KVM_GET_CLOCK: ${clock}`);
    if ([flags, realtime, host_tsc].join() !== expected.join()) throw new Error(`flags ${flags}`);
  }
}

law("guests-clocks-follow-the-hosts-time", {
  says: "Whatever happens to counters, what a vCPU reads by its clock's structure is the host's time since the VM's creation, or since user space set it, while the counter was read: so no vCPU reads less than any has read before. It is called stable if all counters are one, and KVM_GET_CLOCK says the same.",
  cites:
    "Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW; Documentation/virt/kvm/api.rst, KVM_GET_CLOCK, KVM_SET_CLOCK, KVM_KVMCLOCK_CTRL",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    guestWrites: fc.boolean(),
    steps: fc.array(anyClockStep, { minLength: 3, maxLength: 25 }),
  },
  runs: 60,
  holds: ({ vendor, guestWrites, steps }) => {
    const clocks = new Clocks(vendor, guestWrites);
    for (const step of steps) clocks.take(step);
  },
});

/** Areas that MSRs name: their sizes, and what in the value is no address. */
interface Area {
  readonly msr: number;
  readonly size: number;
  readonly enable: bigint;
}
const AREAS: Readonly<Record<string, Area>> = {
  "system time": { msr: SYSTEM_TIME, size: 32, enable: 1n },
  "system time, old": { msr: OLD_SYSTEM_TIME, size: 32, enable: 1n },
  "steal time": { msr: STEAL_TIME, size: 64, enable: 1n },
  "wall clock": { msr: WALL_CLOCK, size: 12, enable: 0n },
  "wall clock, old": { msr: OLD_WALL_CLOCK, size: 12, enable: 0n },
};

/** Pages of memory for reading only, and of none; behind them is memory again, and behind RAM memory of user space only. */
const [READ_ONLY, HOLE, RAM_END] = [0x2_1000, 0x2_3000, 0x7_0000];
const EDGES = [0, READ_ONLY, READ_ONLY + PAGE, HOLE, HOLE + PAGE, RAM_END, PV_RAM];
const anyAddress = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -80, max: 80 })) },
  fc.tuple(fc.integer({ min: 0x2_0000, max: RAM_END }), fc.constant(0)),
);
const anyPlace = fc.oneof(
  {
    weight: 6,
    arbitrary: anyAddress.map(([edge, by]) => u64(BigInt(edge + by))),
  },
  fc.bigInt(0n, 2n ** 64n - 1n),
);

const isWritable = (address: bigint): boolean => {
  if (address >= BigInt(RAM_END)) return false;
  const page = Number(address) - (Number(address) % PAGE);
  return page !== READ_ONLY && page !== HOLE;
};

function layOut(guest: PvGuest): void {
  guest.slot(0, 0, READ_ONLY);
  guest.slot(1, READ_ONLY, PAGE, READ_ONLY, 2);
  guest.slot(2, READ_ONLY + PAGE, HOLE - READ_ONLY - PAGE);
  guest.slot(3, HOLE + PAGE, RAM_END - HOLE - PAGE);
}

law("the-module-writes-where-the-guest-has-memory", {
  says: "Whatever address a guest names for what the module is to write, nothing changes but the bytes there, and those only if all of them are memory that the guest may write.",
  cites: "Linux, Documentation/virt/kvm/x86/msr.rst",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    area: fc.constantFrom(...Object.keys(AREAS)),
    place: anyPlace,
    filling: fc.constantFrom(0, 0x55, 0xaa),
  },
  runs: 150,
  holds: ({ vendor, area, place, filling }) => {
    const { msr, size, enable } = AREAS[area] as Area;
    const guest = new PvGuest({ vendor, vcpus: 1 }).start();
    guest.slot(0, 0, 0);
    layOut(guest);
    guest.write(0x2_0000, new Uint8Array(PV_RAM - 0x5_0000).fill(filling));
    guest.write(0x5_0000, new Uint8Array(PV_RAM - 0x5_0000).fill(filling));
    const aligned = msr === STEAL_TIME ? place & ~63n : place;
    const at = enable === 0n ? place : aligned & ~1n;
    // Code and tables are not to be written over.
    if (at < 0x2_0000n || (at >= 0x4_0000n - 64n && at < 0x5_0000n)) return true;
    for (const { state } of guest.host.cpus) state.cycles = 1_234_567;
    must(guest.run(0, [], {}));
    const before = guest.memory();
    const isTaken = guest.setMsr(0, msr, at | enable);
    must(guest.run(0, [], {}));
    const after = guest.memory();
    const all = Array.from({ length: size }, (_, i) => at + BigInt(i));
    const isWritten = isTaken && all.every(isWritable);
    for (const [i, byte] of after.entries()) {
      const isInside = BigInt(i) >= at && BigInt(i) < at + BigInt(size);
      if (byte !== before[i] && !(isWritten && isInside))
        throw new Error(`${i.toString(16)} has changed`);
    }
    const differs = Buffer.compare(after, before) !== 0;
    if (isWritten !== differs) throw new Error(isWritten ? "nothing is written" : "written");
    return true;
  },
});

/** MSRs with the features that they are parts of: the bits of CPUID leaf 40000001h. */
const OF_FEATURE: readonly (readonly [number, number])[] = [
  [OLD_SYSTEM_TIME, 0],
  [OLD_WALL_CLOCK, 0],
  [SYSTEM_TIME, 3],
  [WALL_CLOCK, 3],
  [STEAL_TIME, 5],
  [PV_EOI, 6],
  [POLL_CONTROL, 12],
];

law("what-is-not-shown-is-not-there-when-user-space-says-so", {
  says: "With KVM_CAP_ENFORCE_PV_FEATURE_CPUID an MSR of the module is there if CPUID shows its feature, and #GP if not; without it all are there. Other hypervisors' leaves may come first.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_CAP_ENFORCE_PV_FEATURE_CPUID; Documentation/virt/kvm/x86/cpuid.rst",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    features: fc.nat(2 ** 14 - 1),
    base: fc.constantFrom(0x4000_0000, 0x4000_0100),
    isEnforced: fc.boolean(),
  },
  runs: 40,
  holds: ({ vendor, features, base, isEnforced }) => {
    const guest = new PvGuest({ vendor, vcpus: 1 }).start();
    const [vcpu = -1] = guest.vcpus;
    const cpuid = must(guest.on(guest.device, "KVM_GET_SUPPORTED_CPUID", null));
    const moved = cpuid.map((entry) => {
      if (entry.function >>> 8 !== 0x40_0000) return entry;
      const leaf = entry.function - 0x4000_0000 + base;
      return { ...entry, function: leaf, eax: leaf === base + 1 ? features : entry.eax };
    });
    must(guest.on(vcpu, "KVM_SET_CPUID2", moved));
    const args = [isEnforced ? 1n : 0n, 0n, 0n, 0n];
    must(guest.on(vcpu, "KVM_ENABLE_CAP", { cap: 190, flags: 0, args }));
    for (const [msr, bit] of OF_FEATURE) {
      const isThere = !isEnforced || (features >>> bit) % 2 === 1;
      if (guest.setMsr(0, msr, 0n) !== isThere) throw new Error(`write ${msr.toString(16)}`);
      const found = must(guest.on(vcpu, "KVM_GET_MSRS", [{ index: msr, data: 0n }]));
      if (found.length !== (isThere ? 1 : 0)) throw new Error(`read ${msr.toString(16)}`);
    }
  },
});

/** IDs of vCPUs, with gaps wider than a word. */
const IDS = [0, 1, 5, 70, 100];
const [ICR, SVR, APIC_BASE] = [0x830, 0xf0, 0x1b];
const [FIXED, LOWEST, NMI, INIT] = [0, 1, 4, 5];

interface ApicSetting {
  readonly isX2apic: boolean;
  readonly isEnabled: boolean;
}

/** vCPUs with local APICs in such states; the first one can send. */
function withApics(vendor: (typeof VENDORS)[number], apics: readonly ApicSetting[]): PvGuest {
  const guest = new PvGuest({ vendor, vcpus: IDS.length, ids: IDS, irqchip: true }).start();
  for (const [i, { isX2apic, isEnabled }] of apics.entries()) {
    const base = (isX2apic || i === 0 ? 0xfee0_0c00n : 0xfee0_0800n) | (i === 0 ? 0x100n : 0n);
    if (!guest.setMsr(i, APIC_BASE, base)) throw new Error("no local APIC");
    const { regs } = must(guest.on(guest.vcpus[i] ?? -1, "KVM_GET_LAPIC", null));
    const svr = isEnabled ? 1 : 0;
    const changed = regs.map((byte, at) => (at === SVR + 1 ? (byte & ~1) | svr : byte));
    must(guest.on(guest.vcpus[i] ?? -1, "KVM_SET_LAPIC", { regs: changed }));
  }
  return guest;
}

/** What has come to each vCPU: its IRR, and events. */
const arrivals = (guest: PvGuest): readonly string[] =>
  guest.vcpus.map((descriptor, i) => {
    const { regs } = must(guest.on(descriptor, "KVM_GET_LAPIC", null));
    return [guest.vcpu(i).registers.pending, ...regs.slice(0x200, 0x280)].join();
  });

law("ipis-by-hypercall-are-ipis", {
  says: "KVM_HC_SEND_IPI brings to vCPUs what writes of the interrupt command register with each of their APIC IDs do, whatever modes their local APICs are in, and tells how many have taken it.",
  cites: "Linux, Documentation/virt/kvm/x86/hypercalls.rst, KVM_HC_SEND_IPI",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    apics: fc.array(fc.record({ isX2apic: fc.boolean(), isEnabled: fc.boolean() }), {
      minLength: IDS.length,
      maxLength: IDS.length,
    }),
    bitmap: fc.array(fc.constantFrom(...IDS, 2, 127), { maxLength: 6 }),
    first: fc.nat(8),
    mode: fc.constantFrom(FIXED, LOWEST, NMI, INIT),
    vector: fc.integer({ min: 0, max: 255 }),
  },
  runs: 60,
  holds: ({ vendor, apics, bitmap, first, mode, vector }) => {
    const icr = BigInt((mode << 8) | vector | 0x4000);
    const ids = new Set(bitmap.filter((id) => id >= first && (id > 0 || mode <= LOWEST)));
    const bits = [...ids].reduce((all, id) => all | (1n << BigInt(id - first)), 0n);
    const words = { rbx: u64(bits), rcx: bits >> 64n, rdx: BigInt(first), rsi: icr };
    const calls = withApics(vendor, apics);
    must(calls.run(0, hypercallOf(vendor), { rax: 10n, ...words }));
    const writes = withApics(vendor, apics);
    for (const id of ids)
      must(writes.run(0, WRMSR, { rcx: BigInt(ICR), rax: icr, rdx: BigInt(id) }));
    const [seen, expected] = [arrivals(calls), arrivals(writes)];
    const differs = expected.findIndex((one, i) => one !== seen[i]);
    if (differs >= 0) throw new Error(`vCPU ${differs}: ${seen[differs]}, ${expected[differs]}`);
    const none = arrivals(withApics(vendor, apics));
    const taken = expected.filter((one, i) => one !== none[i]).length;
    const rax = calls.vcpu(0).registers.gpr(0);
    if (rax !== BigInt(taken)) throw new Error(`${rax} of ${taken}`);
  },
});

law("stolen-time-is-what-is-left", {
  says: "Of vCPUs on fewer CPUs, the time that each has run, was halted, and was told to be stolen from it is all the time since it was first woken; and its structure says that it is preempted if it is on no CPU.",
  cites: "Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_STEAL_TIME",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    cpus: fc.integer({ min: 1, max: 2 }),
    spins: fc.array(fc.integer({ min: 1, max: 4_000_000 }), { minLength: 2, maxLength: 4 }),
  },
  runs: 12,
  holds: ({ vendor, cpus, spins }) => {
    const threads = new Threads(vendor, cpus, spins);
    threads.world.runUntil(20_000_000);
    if (threads.checks < 2) throw new Error("nothing was looked at");
  },
});
