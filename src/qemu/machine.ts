/**
 * A guest as QEMU has it: a task with memory, a thread for each vCPU and one for devices, and a board's chips, but for
 * those that KVM has. Everything that it does to the guest goes through ioctls. QEMU, docs/about, "System Emulation".
 */

import type { AcpiDescription } from "../hw/boards/acpi/description.ts";
import { Backplane, boardHost, type Drivers, type Pin } from "../hw/boards/backplane.ts";
import type { Board, BoardHost } from "../hw/boards/board.ts";
import type { FirmwareHost } from "../hw/boards/firmware.ts";
import { Lifecycle } from "../hw/boards/lifecycle.ts";
import type { PlacedChip } from "../hw/boards/placed-chip.ts";
import type { DmaMemory } from "../hw/chips/dma.ts";
import type { DiskKeeper } from "../hw/chips/virtio/block.ts";
import type { BusMessage } from "../hw/chips/interrupt-message.ts";
import { writeOf } from "../hw/chips/pci/message.ts";
import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import { BLOCK_BYTES, CpuState } from "../hw/cpu/state.ts";
import { reset } from "../hw/cpu/start.ts";
import { mapRun } from "../kvm/ioctls/index.ts";
import type { KvmRun } from "../kvm/ioctls/kvm-run.ts";
import { getRegs, getSregs } from "../kvm/ioctls/registers.ts";
import type { Host } from "../linux/host.ts";
import { isErrno } from "../linux/errno.ts";
import type { Task } from "../linux/task.ts";
import { assert, InputError } from "../sim/assert.ts";
import type { Plain } from "../sim/data.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";
import { arrangement, type RomPlace } from "./arrangement.ts";
import { balloonPages } from "./balloon.ts";
import { cpuidOf } from "./cpu-model.ts";
import { GuestMemory } from "./guest-memory.ts";
import { withoutIrqchip } from "./in-kernel.ts";
import { Disks, type DisksParameters } from "./disks.ts";
import { IoThread, type Job } from "./io-thread.ts";
import { kernelChip } from "./kernel-chips.ts";
import { KvmCalls } from "./kvm-calls.ts";
import { ResetState } from "./reset-state.ts";
import { slotsOf } from "./slots.ts";
import { Tap } from "./tap.ts";
import { runVcpuThread } from "./vcpu-thread.ts";

export interface QemuParts {
  readonly host: Host;
  /** The VMM's, which nobody uses yet. */
  readonly task: Task;
  /** The descriptor of its tap that it was given; null when whatever carries frames asks nobody. */
  readonly tap: number | null;
  /** What the names of its state and components begin with. */
  readonly prefix: string;
  readonly board: (host: BoardHost) => Board;
  /** What its CPUs are. */
  readonly profile: CpuProfile;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Whether its RAM is MADV_MERGEABLE: QEMU, mem-merge. */
  readonly memMerge: boolean;
  /** Those of the board that are on the host's disk; null when there are none. */
  readonly disks: DisksParameters | null;
}

export class QemuMachine implements FirmwareHost {
  readonly ram: GuestMemory;
  readonly profiles: readonly CpuProfile[];
  readonly apicNames: readonly string[];
  /** Takes a frame that leaves by a network interface. */
  onTransmit: ((part: string, frame: Uint8Array) => void) | null = null;
  /** Of its component. */
  readonly #name: string;
  readonly #host: Host;
  readonly #prefix: string;
  readonly #calls: KvmCalls;
  readonly #tap: Tap | null;
  readonly #vm: number;
  readonly #vcpus: readonly number[];
  readonly #backplane: Backplane;
  readonly #lifecycle: Lifecycle;
  readonly #roms: readonly RomPlace[];
  readonly #threads: readonly number[];
  readonly #io: IoThread;
  readonly #disks: Disks | null;
  readonly #resetState: ResetState;
  /** By number of the vCPU: its thread is in KVM_RUN, or about to be. */
  readonly #inCall: Cell<boolean[]>;
  readonly #run: Cell<{ isPaused: boolean }>;
  #onReset: (() => void) | null = null;

  /** To be made while the world is built. Adds the component `qemu`, behind the prefix, with the inputs `balloon`, `stop` and `cont`. */
  constructor(parts: QemuParts) {
    const { host, task, tap, prefix, board: make, profile, cpus, memoryBytes } = parts;
    const { world } = host;
    this.#name = `${prefix}qemu`;
    this.#host = host;
    this.#prefix = prefix;
    this.#tap = tap === null ? null : new Tap(task, tap);
    this.#calls = new KvmCalls(host, task, this.#name);
    const calls = this.#calls;
    const device = calls.open();
    this.#vm = calls.call(device, "KVM_CREATE_VM", 0n);
    calls.call(this.#vm, "KVM_CREATE_IRQCHIP", null);
    calls.call(this.#vm, "KVM_CREATE_PIT2", { flags: 0 });
    const slots = slotsOf(calls, this.#vm);
    this.ram = new GuestMemory(world, `${prefix}memory`, calls.task, memoryBytes, slots);
    const dma: DmaMemory = {
      read: (address, size) => this.ram.read(address, size),
      write: (address, bytes) => this.ram.write(address, bytes),
    };
    // A frame that may not go to the tap, or come from it, is lost.
    const transmit = (name: string, frame: Uint8Array): void => {
      if (this.#tap?.mayWrite !== false) this.onTransmit?.(name, frame);
    };
    const balloon = {
      inflated: (pages: readonly number[]) => pages.forEach((page) => this.ram.giveBack(page)),
      // The next access finds a new page.
      deflated: () => undefined,
    };
    const keeperOf = (part: string): DiskKeeper => this.#keeperOf(part);
    const { board, lines } = withoutIrqchip(
      make(boardHost(world, prefix, dma, { transmit, balloon, keeperOf: parts.disks && keeperOf })),
    );
    this.apicNames = board.apics;
    this.profiles = Array.from({ length: cpus }, () => profile);
    calls.call(this.#vm, "KVM_SET_GSI_ROUTING", lines.routes);
    this.#roms = board.roms.map((rom) => ({
      ...rom,
      from: calls.task.memory.map(rom.bytes.length),
    }));
    const supported = calls.call(device, "KVM_GET_SUPPORTED_CPUID", null);
    this.#vcpus = this.profiles.map(({ vendor }, apicId) => {
      const vcpu = calls.call(this.#vm, "KVM_CREATE_VCPU", BigInt(apicId));
      calls.call(vcpu, "KVM_SET_CPUID2", cpuidOf(supported, { vendor, apicId, cpus }));
      return vcpu;
    });
    this.#resetState = new ResetState(calls, device, { vm: this.#vm, vcpus: this.#vcpus });
    this.#lifecycle = new Lifecycle(world, prefix, {
      stop: () => this.#stop(),
      isStopped: () => !this.#inCall.value.includes(true),
      restart: () => this.#restart(),
    });
    this.#disks = this.#newDisks(world, prefix, parts.disks);
    this.#inCall = world.registry.plain(
      `${prefix}calls`,
      this.#vcpus.map(() => false),
    );
    this.#run = world.registry.plain(`${prefix}run`, { isPaused: false });
    this.#backplane = new Backplane(world, prefix, board, {
      load: (pin, drivers) => this.#loadOf(pin, drivers, lines.gsiOf(drivers.names)),
      wire: (part, pin) => {
        if (this.#backplane.shadowOf(part, pin) !== undefined) this.#arrange();
      },
      message: (_part, message) => this.#send(message),
      defers: (part) => this.#defer(part),
    });
    if (parts.memMerge) host.memory.ksm.advise(calls.task.id, this.ram.ram, memoryBytes);
    this.#addMonitor(world);
    this.#threads = this.#vcpus.map((descriptor, cpu) => this.#startVcpu(descriptor, cpu));
    this.#io = new IoThread(host, calls.task, prefix, (job) => this.#work(job));
  }

  set onReset(start: (() => void) | null) {
    this.#onReset = start;
    this.#lifecycle.restarts = start !== null;
  }

  get acpi(): AcpiDescription {
    return this.#backplane.board.acpi;
  }

  find(name: string): Pick<PlacedChip, "write"> | undefined {
    const own = this.#backplane.find(name);
    return own ?? kernelChip(name, this.#calls, { vm: this.#vm, vcpus: this.#vcpus });
  }

  chip(name: string): PlacedChip {
    return this.#backplane.chip(name);
  }

  assignPciResources(): void {
    this.#backplane.assignPciResources();
  }

  writeMsr(cpu: number, index: number, data: bigint): void {
    this.#calls.call(this.#vcpus[cpu] as number, "KVM_SET_MSRS", [{ index, data }]);
  }

  /** A frame arrives at the network interface. */
  receive(frame: Uint8Array): void {
    this.#io.add({ is: "receive", frame });
  }

  /** QEMU Machine Protocol, by the names of its commands. */
  #addMonitor(world: World): void {
    world.add({
      name: this.#name,
      handlers: {
        balloon: (payload) => this.#balloon(payload),
        stop: () => this.#pause(),
        cont: () => this.#continue(),
      },
    });
  }

  /** What the guest should have from now on. */
  #balloon(payload: Plain): void {
    const pages = balloonPages(payload, `${this.#name} balloon`, this.ram.sizeBytes);
    if (this.#backplane.find(BALLOON) === undefined)
      throw new InputError(`${this.#name}: no balloon device has been activated`);
    this.#io.add({ is: "balloon", pages });
  }

  /** The host loses power, and has it again at once. */
  powerCut(): void {
    this.#resetDisks();
    this.#lifecycle.reset("power-cut");
  }

  /** Everything but RAM as at power-on; ROM holds what the board says. */
  powerUp(): void {
    for (const { from, bytes } of this.#roms) {
      const error = this.#calls.task.memory.write(from, bytes);
      if (error !== null) throw new InputError(`${this.#name}: ${error} for ROM`);
    }
    this.#backplane.powerUp();
    this.#arrange();
  }

  /** `load` fills RAM and says what the first CPU starts from; without it that is what a reset leaves. */
  start(load: ((state: CpuState) => void) | null): void {
    if (load !== null) this.#setRegisters(load);
    this.#wake();
  }

  #setRegisters(load: (state: CpuState) => void): void {
    const [vcpu] = this.#vcpus;
    const [profile] = this.profiles;
    assert(vcpu !== undefined && profile !== undefined, "a machine has a CPU");
    const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
    reset(state, profile.signature);
    load(state);
    const { apic_base: apicBase } = this.#calls.call(vcpu, "KVM_GET_SREGS", null);
    const sregs = { ...getSregs(state, null), apic_base: apicBase };
    this.#calls.call(vcpu, "KVM_SET_SREGS", sregs);
    this.#calls.call(vcpu, "KVM_SET_REGS", getRegs(state));
  }

  #startVcpu(descriptor: number, cpu: number): number {
    const { scheduler } = this.#host;
    return scheduler.spawn(this.#calls.task, `${this.#prefix}CPU ${cpu}/KVM`, (turn) =>
      runVcpuThread(
        {
          descriptor,
          scheduler,
          backplane: this.#backplane,
          run: () => this.#runOf(descriptor),
          isRunning: () => this.#lifecycle.isRunning && !this.#run.value.isPaused,
          setInCall: (isInCall) => {
            this.#inCall.value[cpu] = isInCall;
          },
          writeShadow: (address, bytes) => this.#writeShadow(address, bytes),
          fail: () => this.#lifecycle.reset("shutdown"),
        },
        turn,
      ),
    );
  }

  #runOf(descriptor: number): KvmRun {
    const run = mapRun({ task: this.#calls.task }, descriptor);
    assert(!isErrno(run), "a vCPU has a page to share");
    return run;
  }

  #loadOf(pin: Pin, drivers: Drivers, gsi: number): (level: number) => void {
    if (pin.part === "machine") {
      const [device] = drivers.names;
      return this.#lifecycle.load(pin, () => this.chip(device?.part ?? "").input("status", 0) ?? 0);
    }
    assert(gsi >= 0, `${pin.part}.${pin.pin} is a pin of an interrupt controller`);
    return (level) => {
      this.#calls.call(this.#vm, "KVM_IRQ_LINE", { irq: gsi, level });
    };
  }

  #send(message: BusMessage): void {
    assert(!("eoi" in message), "a device sends interrupts");
    const { address, data } = writeOf(message);
    const msi = { address_lo: address, address_hi: 0, data, flags: 0 };
    this.#calls.call(this.#vm, "KVM_SIGNAL_MSI", msi);
  }

  #defer(part: string): boolean {
    this.#io.add({ is: "settle", part });
    return true;
  }

  /** The device is in the middle of an access of a vCPU: the I/O thread goes on. */
  #keeperOf(part: string): DiskKeeper {
    return {
      submit: (request) => {
        const number = this.#io.newNumber();
        // A machine without power asks for nothing.
        if (this.#lifecycle.isRunning) this.#io.add({ is: "submit", part, number, request });
        return number;
      },
      cancel: (number) => {
        this.#io.forget(number);
        this.#disks?.cancel(diskNumber(part), number);
      },
    };
  }

  /** What disks were asked for is forgotten, by their devices and by all behind them. */
  #resetDisks(): void {
    for (const name of Object.keys(this.#backplane.board.parts))
      if (isDisk(name)) this.chip(name).input("cancel", 0);
  }

  #newDisks(world: World, prefix: string, parameters: DisksParameters | null): Disks | null {
    if (parameters === null) return null;
    const tell = (is: "complete" | "fail") => (disk: number, number: number) =>
      this.#io.add({ is, part: `disk${disk}`, number });
    return new Disks(world, prefix, parameters, {
      task: this.#calls.task,
      complete: tell("complete"),
      fail: tell("fail"),
      wake: () => this.#io.add({ is: "release" }),
      groupOf: () => this.#host.cgroups.groupOf(this.#calls.task.id),
    });
  }

  #work(job: Job): void {
    switch (job.is) {
      case "settle":
        this.chip(job.part).settle();
        break;
      case "receive":
        if (this.#tap?.mayRead !== false) this.#backplane.receive(job.frame);
        break;
      case "balloon":
        this.chip(BALLOON).input("wanted", job.pages);
        break;
      case "submit":
        this.#disks?.submit(diskNumber(job.part), job.number, job.request);
        break;
      case "complete":
      case "fail":
        this.chip(job.part).input(job.is, job.number);
        break;
      case "release":
        this.#disks?.release();
    }
  }

  #arrange(): void {
    this.ram.arrange(arrangement(this.#backplane, this.ram.ram, this.ram.sizeBytes, this.#roms));
  }

  #writeShadow(address: number, bytes: Uint8Array): boolean {
    const area = this.#backplane.shadowAt(address);
    if (area === undefined || !this.#backplane.shadowState(area).writes) return false;
    return this.ram.writeBehind(address, bytes);
  }

  /** QEMU, qapi/misc.json, "stop": devices and time go on. */
  #pause(): void {
    this.#run.value.isPaused = true;
    this.#stop();
  }

  #continue(): void {
    this.#run.value.isPaused = false;
    this.#wake();
  }

  #wake(): void {
    for (const thread of this.#threads) this.#host.scheduler.wake(thread);
  }

  #stop(): void {
    for (const thread of this.#threads) this.#host.scheduler.signal(thread);
  }

  /** RAM keeps what it holds. */
  #restart(): void {
    this.#resetDisks();
    this.#backplane.reset();
    this.#resetState.restore();
    this.#arrange();
    this.#onReset?.();
  }
}

const BALLOON = "balloon";

/** Parts that are disks are called disk0, disk1 and so on. */
const isDisk = (part: string): boolean => /^disk\d+$/.test(part);
const diskNumber = (part: string): number => Number(part.slice("disk".length));
