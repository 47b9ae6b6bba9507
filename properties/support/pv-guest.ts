/** A VM whose guests read clocks and call the module: some vCPUs in 64-bit mode, each with its code in a page of its own. */

import { type CpuProfile, makeProfile, type Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { type Argument, ioctl, type IOCTLS } from "../../src/kvm/ioctls/index.ts";
import { Vcpu } from "../../src/kvm/vcpu.ts";
import type { Host } from "../../src/linux/host.ts";
import { must, newHost, type Regs, startLongMode, VmOfTask } from "./kvm-guest.ts";

type Name = keyof typeof IOCTLS;

const PAGE = 4096;
const TABLES = 0x4_0000;
/** Code of the first vCPU; the others have theirs in the pages behind it. */
const CODE = 0x1_0000;
export const PV_RAM = 0x8_0000;
const HLT = 0xf4;
export const HOST_BYTES = 1 << 22;

/** With x2APICs. */
export const pvProfile = (base: Vendor): CpuProfile =>
  makeProfile({ base, with: ["x2APIC", "TSC-Deadline"] });

export interface PvParts {
  readonly vendor: Vendor;
  readonly vcpus: number;
  /** Theirs, if not numbered from 0. */
  readonly ids?: readonly number[];
  /** A host that is there already. */
  readonly host?: Host;
  readonly cpus?: number;
  /** The module has the interrupt controllers, and halted vCPUs sleep. */
  readonly irqchip?: boolean;
}

export class PvGuest extends VmOfTask {
  readonly vcpus: readonly number[];

  constructor(parts: PvParts) {
    const { vendor, vcpus, cpus = 1, irqchip = false, ids } = parts;
    super(parts.host ?? newHost(vendor, cpus, HOST_BYTES, pvProfile(vendor)), PV_RAM);
    if (irqchip) must(this.on(this.vm, "KVM_CREATE_IRQCHIP", null));
    this.vcpus = Array.from({ length: vcpus }, (_, i) =>
      must(this.on(this.vm, "KVM_CREATE_VCPU", BigInt(ids?.[i] ?? i))),
    );
    const leaves = must(this.on(this.device, "KVM_GET_SUPPORTED_CPUID", null));
    for (const vcpu of this.vcpus) must(this.on(vcpu, "KVM_SET_CPUID2", leaves));
  }

  /** RAM in one slot, and all vCPUs in 64-bit mode. */
  start(): this {
    this.slot(0, 0, PV_RAM);
    for (const vcpu of this.vcpus) {
      const setSregs = (sregs: Partial<Argument<"KVM_SET_SREGS">>): void => {
        const before = must(this.on(vcpu, "KVM_GET_SREGS", null));
        must(this.on(vcpu, "KVM_SET_SREGS", { ...before, ...sregs }));
      };
      startLongMode({ setSregs, write: (at, bytes) => this.write(at, bytes) }, TABLES);
    }
    return this;
  }

  on<N extends Name>(descriptor: number, name: N, argument: Argument<N>, cpu = 0) {
    return ioctl(this.caller(cpu), descriptor, name, argument);
  }

  /** All of RAM, and what user space has behind it. */
  memory(): Uint8Array {
    return must(this.task.memory.read(this.ram, PV_RAM)).slice();
  }

  /** The module's own, to be looked at. */
  vcpu(number: number): Vcpu {
    const file = this.task.file(this.vcpus[number] ?? -1);
    if (!(file instanceof Vcpu)) throw new Error("no vCPU");
    return file;
  }

  setMsr(vcpu: number, index: number, data: bigint): boolean {
    return this.on(this.vcpus[vcpu] ?? -1, "KVM_SET_MSRS", [{ index, data }]) === 1;
  }

  regs(vcpu: number): Regs {
    return must(this.on(this.vcpus[vcpu] ?? -1, "KVM_GET_REGS", null));
  }

  /** Code that ends with HLT, from such registers; what KVM_RUN gave. */
  run(vcpu: number, code: readonly number[], regs: Partial<Regs>, cpu = 0): unknown {
    this.prepare(vcpu, [...code, HLT], regs);
    return this.goOn(vcpu, cpu);
  }

  prepare(vcpu: number, code: readonly number[], regs: Partial<Regs>): void {
    const at = CODE + vcpu * PAGE;
    this.write(at, Uint8Array.from(code));
    const start = { ...this.regs(vcpu), rip: BigInt(at), rflags: 2n, ...regs };
    must(this.on(this.vcpus[vcpu] ?? -1, "KVM_SET_REGS", start));
  }

  /** KVM_RUN, of a vCPU that may be in it. */
  goOn(vcpu: number, cpu = 0): unknown {
    const descriptor = this.vcpus[vcpu] ?? -1;
    const limit = (this.host.cpus[cpu]?.state.cycles ?? 0) + 1_000_000;
    const caller = this.caller(cpu, limit);
    const result = ioctl(caller, descriptor, "KVM_RUN", null);
    if (result !== "sleeps") return result;
    // A signal ends the sleep of a vCPU that has halted.
    const ended = ioctl({ ...caller, hasSignal: true }, descriptor, "KVM_RUN", null);
    must(this.on(descriptor, "KVM_SET_MP_STATE", { mp_state: 0 }));
    return ended === "EINTR" ? 0 : ended;
  }
}
