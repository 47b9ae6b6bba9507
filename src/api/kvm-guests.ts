/** Guests of KVM with next to no VMM around them: what benchmarks and first experiments need. */

import { BareSystem, CODE, handlerOf } from "../guests/bare-system.ts";
import { assemble } from "../guests/assembler.ts";
import type { Kernel } from "../guests/kernels/kernels.ts";
import { AMD, INTEL, type Vendor } from "../hw/cpu/cpuid/profile.ts";
import { gprNumber } from "../hw/cpu/state.ts";
import { type Argument, ioctl, mapRun, openKvm } from "../kvm/ioctls/index.ts";
import { EXIT } from "../kvm/ioctls/kvm-run.ts";
import { getRegs, getSregs } from "../kvm/ioctls/registers.ts";
import { Kvm } from "../kvm/module.ts";
import { type Errno, isErrno } from "../linux/errno.ts";
import { Host } from "../linux/host.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import type { Task } from "../linux/task.ts";
import { assert, InputError } from "../sim/assert.ts";
import type { Blueprint, WorldSnapshot } from "../sim/blueprint.ts";
import { World } from "../sim/world.ts";
import { decoder } from "./machines.ts";

const PAGE = 4096;
/** Of a host beside its guests. */
const KERNEL_BYTES = 4 << 20;
/** Tables, control blocks and what they share with user space. */
const GUEST_OVERHEAD = 16 * PAGE;
const RECORD_BYTES = 1 << 20;

export interface KvmHostParts {
  readonly vendor: Vendor;
  readonly guests: number;
  /** Of each guest: whole pages. */
  readonly ramBytes: number;
}

interface Guest {
  readonly task: Task;
  readonly vcpu: number;
  readonly ram: number;
}

/** A host with one CPU and guests of one vCPU, each a VM of a task of its own. */
export class KvmHost {
  readonly #world: World;
  readonly #host: Host;
  readonly #guests: readonly Guest[];
  readonly #birth: WorldSnapshot;

  constructor(parts: KvmHostParts) {
    const built: { host: Host; guests: readonly Guest[] }[] = [];
    this.#world = World.create(
      blueprint((world) => built.push(newHost(world, parts))),
      { config: null, epochCycles: 0 },
    );
    const [made] = built;
    assert(made !== undefined, "a world is built");
    this.#host = made.host;
    this.#guests = made.guests;
    this.#birth = this.#world.snapshot();
  }

  /** As it was made. */
  renew(): void {
    this.#world.restore(this.#birth);
  }

  /** Puts 16-bit code at address 0 of a guest, which begins there. */
  load(guest: number, code: Uint8Array): void {
    this.write(guest, 0, code);
    const sregs = this.#call(guest, "KVM_GET_SREGS", null);
    this.setSregs(guest, { ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
    this.setRegs(guest, { ...this.regs(guest), rip: 0n });
  }

  write(guest: number, address: number, bytes: Uint8Array): void {
    const { task, ram } = this.#guest(guest);
    const error = task.memory.write(ram + address, bytes);
    if (error !== null) throw new InputError(`guest ${guest}: no memory at ${address}`);
  }

  regs(guest: number): Argument<"KVM_SET_REGS"> {
    return this.#call(guest, "KVM_GET_REGS", null);
  }

  setRegs(guest: number, regs: Argument<"KVM_SET_REGS">): void {
    this.#call(guest, "KVM_SET_REGS", regs);
  }

  setSregs(guest: number, sregs: Argument<"KVM_SET_SREGS">): void {
    this.#call(guest, "KVM_SET_SREGS", sregs);
  }

  get cycles(): number {
    return this.#cpu.state.cycles;
  }

  /** Runs a guest for so many cycles, or to its HLT: then false. Devices take what is written, and give zeros. */
  run(guest: number, cycles: number): boolean {
    const { task, vcpu } = this.#guest(guest);
    const cpu = this.#cpu;
    const caller = { task, cpu, limit: cpu.state.cycles + cycles };
    for (;;) {
      const result = ioctl(caller, vcpu, "KVM_RUN", null);
      if (result === "limit") return true;
      const { exit_reason: reason } = must(mapRun({ task }, vcpu));
      if (result !== 0 || (reason !== EXIT.IO && reason !== EXIT.MMIO)) return false;
    }
  }

  /** Ends the call that `run` has left at its limit: by a signal. */
  stop(guest: number): void {
    const { task, vcpu } = this.#guest(guest);
    const cpu = this.#cpu;
    cpu.isWanted = true;
    const caller = { task, cpu, limit: Infinity, hasSignal: true };
    while (ioctl(caller, vcpu, "KVM_RUN", null) !== "EINTR");
  }

  release(): void {
    this.#world.release();
  }

  get #cpu(): HostCpu {
    const [cpu] = this.#host.cpus;
    assert(cpu !== undefined, "a host has a CPU");
    return cpu;
  }

  #guest(number: number): Guest {
    const guest = this.#guests[number];
    if (guest === undefined) throw new InputError(`guest ${number}: there is none`);
    return guest;
  }

  #call<N extends Name>(
    guest: number,
    name: N,
    argument: Argument<N>,
  ): Exclude<ReturnType<typeof ioctl<N>>, Errno> {
    const { task, vcpu } = this.#guest(guest);
    return must(ioctl({ task, cpu: this.#cpu, limit: Infinity }, vcpu, name, argument));
  }
}

type Name = Parameters<typeof ioctl>[2];

const blueprint = (build: (world: World) => void): Blueprint<null> => ({
  name: "kvm guests",
  version: 1,
  parse: () => null,
  images: () => [],
  build,
  start: () => undefined,
});

function newHost(
  world: World,
  { vendor, guests, ramBytes }: KvmHostParts,
): { readonly host: Host; readonly guests: readonly Guest[] } {
  const host = new Host(world, {
    profile: vendor === "amd" ? AMD : INTEL,
    decoder: decoder(),
    memoryBytes: KERNEL_BYTES + guests * (ramBytes + GUEST_OVERHEAD),
    cpus: 1,
    recordBytes: RECORD_BYTES,
  });
  const kvm = new Kvm(host);
  return {
    host: kvm.host,
    guests: Array.from({ length: guests }, () => newGuest(host, ramBytes)),
  };
}

function newGuest(host: Host, ramBytes: number): Guest {
  const task = host.newTask();
  const [cpu] = host.cpus;
  assert(cpu !== undefined, "a host has a CPU");
  const caller = { task, cpu, limit: Infinity };
  const vm = must(ioctl(caller, must(openKvm(task)), "KVM_CREATE_VM", 0n));
  const ram = task.memory.map(ramBytes);
  const region = {
    slot: 0,
    flags: 0,
    guest_phys_addr: 0n,
    memory_size: BigInt(ramBytes),
    userspace_addr: BigInt(ram),
  };
  must(ioctl(caller, vm, "KVM_SET_USER_MEMORY_REGION", region));
  return { task, ram, vcpu: must(ioctl(caller, vm, "KVM_CREATE_VCPU", 0n)) };
}

function must<T>(value: T): Exclude<T, Errno> {
  assert(!isErrno(value), `KVM answers ${String(value)}`);
  return value as Exclude<T, Errno>;
}

const GUEST_BYTES = 2 << 20;
const GUEST_DATA = 0x8_0000n;
const [UD, HLT] = [6, 0xf4] as const;

export const kernelHost = (vendor: Vendor): KvmHost =>
  new KvmHost({ vendor, guests: 1, ramBytes: GUEST_BYTES });

/** A kernel of user code behind paging: a guest of KVM, to be compared with the same on a bare machine. */
export class KvmKernel {
  readonly #host: KvmHost;

  constructor(kernel: Kernel, host: KvmHost) {
    this.#host = host;
    const { bytes } = assemble(kernel.source, BigInt(CODE));
    const { state, ram } = new BareSystem(bytes, {
      engine: "interpreter",
      decoder: decoder(),
      cpl: 3,
      memoryBytes: GUEST_BYTES,
      profile: INTEL,
    });
    ram.write8(handlerOf(UD), HLT);
    state.setGpr(gprNumber("rDI"), BigInt(kernel.work));
    state.setGpr(gprNumber("rSI"), GUEST_DATA);
    host.renew();
    host.write(0, 0, ram.read(0, GUEST_BYTES));
    host.setSregs(0, getSregs(state, null));
    host.setRegs(0, getRegs(state));
  }

  /** Runs so many cycles more; false when the program has come to its end. */
  run(cycles: number): boolean {
    return this.#host.run(0, cycles);
  }

  get cycles(): number {
    return this.#host.cycles;
  }
}
