/** A host with the KVM module and a task that uses it as a small VMM does: one VM, RAM in slots, vCPUs. */

import { AMD, type CpuProfile, INTEL, type Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { type Argument, ioctl, mapRun, openKvm } from "../../src/kvm/ioctls/index.ts";
import type { Caller } from "../../src/kvm/ioctls/ioctl.ts";
import type { KvmRun } from "../../src/kvm/ioctls/kvm-run.ts";
import { Kvm, type ModuleParameters } from "../../src/kvm/module.ts";
import { type Errno, isErrno } from "../../src/linux/errno.ts";
import { Host } from "../../src/linux/host.ts";
import type { SecurityModule } from "../../src/linux/security/security.ts";
import type { Task } from "../../src/linux/task.ts";
import { World } from "../../src/sim/world.ts";

const decoder = new Decoder(INSTRUCTIONS);
const HOST_BYTES = 1 << 22;

export const VENDORS: readonly Vendor[] = ["amd", "intel"];

/** A host alone in a world. */
export function newHost(
  vendor: Vendor,
  cpus = 1,
  memoryBytes = HOST_BYTES,
  profile?: CpuProfile,
  swapBytes = 0,
): Host {
  return inWorld((world) => newHostIn(world, vendor, cpus, memoryBytes, profile, swapBytes));
}

/** A host in a world that is being built. */
export function newHostIn(
  world: World,
  vendor: Vendor,
  cpus = 1,
  memoryBytes = HOST_BYTES,
  profile = vendor === "intel" ? INTEL : AMD,
  swapBytes = 0,
): Host {
  return new Host(world, { profile, decoder, memoryBytes, cpus, swapBytes });
}

/** A host whose kernel asks a security module. */
export const newSecureHost = (security: SecurityModule): Host =>
  inWorld(
    (world) =>
      new Host(world, { profile: INTEL, decoder, memoryBytes: HOST_BYTES, cpus: 1, security }),
  );

/** The module, which compares its tables with the ghost all the time. */
export const newKvm = (host: Host, parameters: ModuleParameters = {}): Kvm =>
  new Kvm(host, { checks: true, ...parameters });

/** What is made in the building of a world. */
export function inWorld<T>(make: (world: World) => T): T {
  const made: T[] = [];
  World.create(
    {
      name: "host",
      version: 1,
      parse: () => null,
      images: () => [],
      build: (world) => made.push(make(world)),
      start: () => undefined,
    },
    { config: null, epochCycles: 0 },
  );
  return made[0] as T;
}

export type Sregs = Argument<"KVM_SET_SREGS">;
export type Regs = Argument<"KVM_SET_REGS">;

/** What must not fail. */
export function must<T>(value: T): Exclude<T, Errno> {
  if (isErrno(value)) throw new Error(value);
  return value as Exclude<T, Errno>;
}

/** A VM of a task, and memory for it. */
export class VmOfTask {
  readonly host: Host;
  readonly kvm: Kvm;
  readonly task: Task;
  readonly device: number;
  readonly vm: number;
  /** User address of RAM. */
  readonly ram: number;

  constructor(host: Host, ramBytes: number, kvm = newKvm(host)) {
    this.host = host;
    this.kvm = kvm;
    this.task = host.newTask();
    this.device = must(openKvm(this.task));
    this.vm = must(ioctl(this.caller(), this.device, "KVM_CREATE_VM", 0n));
    this.ram = this.task.memory.map(ramBytes);
  }

  caller(cpu = 0, limit = Infinity): Caller {
    const of = this.host.cpus[cpu];
    if (of === undefined) throw new Error("no such CPU");
    return { task: this.task, cpu: of, limit };
  }

  slot(slot: number, gpa: number, bytes: number, from = gpa, flags = 0): void {
    const region = {
      slot,
      flags,
      guest_phys_addr: BigInt(gpa),
      memory_size: BigInt(bytes),
      userspace_addr: BigInt(this.ram + from),
    };
    must(ioctl(this.caller(), this.vm, "KVM_SET_USER_MEMORY_REGION", region));
  }

  write(address: number, bytes: Uint8Array): void {
    must(this.task.memory.write(this.ram + address, bytes) ?? 0);
  }

  read(address: number, size: number): DataView {
    const bytes = must(this.task.memory.read(this.ram + address, size));
    return new DataView(bytes.slice().buffer);
  }
}

/** A vCPU of a VM, called as a thread of its task would. */
export class KvmGuest extends VmOfTask {
  readonly vcpu: number;
  readonly run: KvmRun;

  constructor(vendor: Vendor, ramBytes: number, host = newHost(vendor), kvm = newKvm(host)) {
    super(host, ramBytes, kvm);
    this.vcpu = must(ioctl(this.caller(), this.vm, "KVM_CREATE_VCPU", 0n));
    this.run = must(mapRun(this, this.vcpu));
  }

  get regs(): Regs {
    return must(ioctl(this.caller(), this.vcpu, "KVM_GET_REGS", null));
  }

  setRegs(regs: Partial<Regs>): void {
    must(ioctl(this.caller(), this.vcpu, "KVM_SET_REGS", { ...this.regs, ...regs }));
  }

  get sregs(): Sregs {
    return must(ioctl(this.caller(), this.vcpu, "KVM_GET_SREGS", null));
  }

  setSregs(sregs: Partial<Sregs>): void {
    must(ioctl(this.caller(), this.vcpu, "KVM_SET_SREGS", { ...this.sregs, ...sregs }));
  }

  /** KVM_RUN to its end: its result. */
  go(): unknown {
    for (let tries = 0; tries < 20; tries += 1) {
      const limit = (this.host.cpus[0]?.state.cycles ?? 0) + 10_000;
      const result = ioctl(this.caller(0, limit), this.vcpu, "KVM_RUN", null);
      if (result !== "limit") return result;
    }
    return "never ends";
  }
}

const FLAT_CODE = {
  base: 0n,
  limit: 0xffff_ffff,
  selector: 8,
  type: 11,
  present: 1,
  dpl: 0,
  db: 0,
  s: 1,
  l: 1,
  g: 1,
  avl: 0,
  unusable: 0,
} as const;
const FLAT_DATA = { ...FLAT_CODE, selector: 16, type: 3, l: 0, db: 1 } as const;

/** 64-bit mode with flat segments; tables that map the first GiB to itself are written at `tables`. */
export function startLongMode(guest: Pick<KvmGuest, "write" | "setSregs">, tables: number): void {
  const entry = (at: number, value: number): void => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, value, true);
    guest.write(at, bytes);
  };
  entry(tables, tables + 0x1003);
  entry(tables + 0x1000, 0x83);
  guest.setSregs({
    cs: FLAT_CODE,
    ds: FLAT_DATA,
    es: FLAT_DATA,
    fs: FLAT_DATA,
    gs: FLAT_DATA,
    ss: FLAT_DATA,
    cr3: BigInt(tables),
    cr4: 0x20n,
    cr0: 0x8000_0011n,
    efer: 0x500n,
  });
}

/** Real mode with CS at 0. */
export function startRealMode(guest: KvmGuest): void {
  guest.setSregs({ cs: { ...guest.sregs.cs, base: 0n, selector: 0 } });
}
