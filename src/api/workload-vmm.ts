/**
 * A VMM for workloads: one vCPU in 64-bit mode, RAM, no chips, and ports by which the guest sleeps and sends. Its thread
 * is a task of the host like any VMM's. Linux, Documentation/virt/kvm/api.rst, "KVM_RUN".
 */

import { PLACE, PORT } from "../guests/workloads/workload.ts";
import { BLOCK_BYTES, CpuState } from "../hw/cpu/state.ts";
import { reset, startLongMode } from "../hw/cpu/start.ts";
import { ioctl, type Kvm, mapRun } from "../kvm/ioctls/index.ts";
import { EXIT, type KvmRun, valueOf } from "../kvm/ioctls/kvm-run.ts";
import { getRegs, getSregs } from "../kvm/ioctls/registers.ts";
import { isErrno } from "../linux/errno.ts";
import type { Host } from "../linux/host.ts";
import type { ThreadOutcome, Turn } from "../linux/scheduler.ts";
import { assert } from "../sim/assert.ts";
import type { Cell } from "../sim/snapshot.ts";
import { GuestMemory } from "../qemu/guest-memory.ts";
import { KvmCalls } from "../qemu/kvm-calls.ts";
import { slotsOf } from "../qemu/slots.ts";

export interface WorkloadVmmParts {
  readonly host: Host;
  readonly kvm: Kvm;
  readonly name: string;
  /** The group of its task. */
  readonly group: number;
  readonly code: Uint8Array;
  readonly memoryBytes: number;
  /** Whose address its frames bear, and to whom they go: six bytes each. */
  readonly mac: Uint8Array;
  readonly gateway: Uint8Array;
  readonly send: (frame: Uint8Array) => void;
}

interface VmmState {
  /** The guest sleeps until then. */
  until: number;
  frames: number;
  bytes: number;
}

/** Of experiments on a local network: IEEE 802, Local Experimental EtherType 1. */
const ETHERTYPE = [0x88, 0xb5] as const;
const FRAME_MOST = 1514;
const CYCLES_PER_MICROSECOND = 1000;
/** A page of 1 GiB that is present and can be written. */
const ONE_GIB = 0x83;

export class WorkloadVmm {
  readonly thread: number;
  readonly memory: GuestMemory;
  readonly #parts: WorkloadVmmParts;
  readonly #calls: KvmCalls;
  readonly #vcpu: number;
  readonly #run: KvmRun;
  readonly #state: Cell<VmmState>;

  /** To be made while the world is built. */
  constructor(parts: WorkloadVmmParts) {
    const { host, name, memoryBytes } = parts;
    const { world, scheduler } = host;
    const calls = new KvmCalls(host, host.newTask(parts.group), name);
    const vm = calls.call(calls.open(), "KVM_CREATE_VM", 0n);
    this.memory = new GuestMemory(
      world,
      `${name}.memory`,
      calls.task,
      memoryBytes,
      slotsOf(calls, vm),
    );
    this.#vcpu = calls.call(vm, "KVM_CREATE_VCPU", 0n);
    const run = mapRun({ task: calls.task }, this.#vcpu);
    assert(!isErrno(run), "a vCPU has a page to share");
    this.#run = run;
    this.#state = world.registry.plain<VmmState>(name, { until: 0, frames: 0, bytes: 0 });
    this.#calls = calls;
    this.#parts = parts;
    this.thread = scheduler.spawn(calls.task, name, (turn) => this.#turn(turn));
  }

  /** What the guest has sent. */
  get sent(): { readonly frames: number; readonly bytes: number } {
    return this.#state.value;
  }

  start(): void {
    this.#load();
    this.#parts.host.scheduler.wake(this.thread);
  }

  #load(): void {
    const calls = this.#calls;
    const { kvm, code, memoryBytes, mac, gateway } = this.#parts;
    const { ram } = this.memory;
    this.memory.arrange([{ at: 0, bytes: memoryBytes, from: ram, readOnly: false }]);
    this.memory.write64(PLACE.tables, BigInt(PLACE.tables + 0x1003));
    this.memory.write64(PLACE.tables + 0x1000, BigInt(ONE_GIB));
    this.memory.writeBehind(PLACE.code, code);
    this.memory.writeBehind(PLACE.frame, Uint8Array.of(...gateway, ...mac, ...ETHERTYPE));
    const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
    reset(state, kvm.profile.signature);
    state.setControl("CR3", BigInt(PLACE.tables));
    startLongMode(state, 0);
    state.rip = BigInt(PLACE.code);
    const { apic_base: apicBase } = calls.call(this.#vcpu, "KVM_GET_SREGS", null);
    const sregs = { ...getSregs(state, null), apic_base: apicBase };
    calls.call(this.#vcpu, "KVM_SET_SREGS", sregs);
    calls.call(this.#vcpu, "KVM_SET_REGS", getRegs(state));
  }

  #turn(turn: Turn): ThreadOutcome {
    const { cpu } = turn;
    for (;;) {
      if (cpu.state.cycles >= turn.limit) return "runs";
      if (cpu.state.cycles < this.#state.value.until) return "waits";
      const result = ioctl(turn, this.#vcpu, "KVM_RUN", null);
      if (result === "limit") return "runs";
      if (result === "sleeps") return "waits";
      if (isErrno(result) || this.#run.exit_reason !== EXIT.IO) return "exits";
      this.#serve(turn);
    }
  }

  #serve({ cpu, thread }: Turn): void {
    const { io } = this.#run;
    const value = Number(valueOf(io.data, io.size));
    const state = this.#state.value;
    if (io.port === PORT.sleep) {
      state.until = cpu.state.cycles + value * CYCLES_PER_MICROSECOND;
      this.#parts.host.scheduler.wakeAt(thread, state.until);
    }
    if (io.port !== PORT.send) return;
    const frame = this.memory.read(PLACE.frame, Math.min(value, FRAME_MOST));
    if (frame === null) return;
    state.frames += 1;
    state.bytes += frame.length;
    cpu.tick();
    this.#parts.send(frame);
  }
}
