/** A random program on a bare machine and as a guest of KVM, with the same devices around: what can be seen of it. */

import { Cpu } from "../../src/hw/cpu/cpu.ts";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../../src/hw/cpu/environment.ts";
import { PhysicalMemory } from "../../src/hw/cpu/physical-memory.ts";
import { BLOCKING, CpuState, OFFSET, RFLAGS } from "../../src/hw/cpu/state.ts";
import { Tlb } from "../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../src/hw/cpu/translated-memory.ts";
import {
  EXIT,
  INTERNAL_ERROR,
  IO_DIRECTION,
  type KvmRun,
  setValue,
  valueOf,
} from "../../src/kvm/ioctls/kvm-run.ts";
import { Vcpu } from "../../src/kvm/vcpu.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import { KvmGuest, must, type Regs, startLongMode } from "./kvm-guest.ts";
import { decoder, MEMORY_START, type Program } from "./programs.ts";

const RAM = 0x10_6000;
const TABLES = 0x1000;
const START = Number(MEMORY_START);
/** Beside the program's, only this is memory: for tables. */
const LOW = 0x4000;
const [IDT, GDT, HANDLER] = [0x3000, 0x3400, 0x3800] as const;
const MOST_EXITS = 2000;
/** A page behind most of the program's data that is a device's. */
const DEVICE = START + 0x3000;
const PAGE = 4096;
const HLT = 0xf4;
/** More than any program that ends. */
const LIMIT = 10_000;
const RECORDS = 1 << 19;

const MEMORY = [
  [0, LOW],
  [START, DEVICE - START],
  [DEVICE + PAGE, RAM - DEVICE - PAGE],
] as const;

/** All there is to be seen. */
export interface Seen {
  /** "cannot": KVM delivers no event through a device. */
  readonly end: "halted" | "shutdown" | "cannot" | "neither";
  readonly registers: string;
  readonly memory: string;
  readonly devices: readonly string[];
}

/** A device whose registers never change; what is written is noted, byte by byte. */
class Devices {
  readonly log: string[] = [];

  read(space: string, address: number, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1)
      value = (value << 8n) | BigInt((7 * (address + i) + 13 + space.length) & 0xff);
    return value;
  }

  write(space: string, address: number, size: number, value: bigint): void {
    for (let i = 0; i < size; i += 1)
      this.log.push(`${space} ${address + i} ${(value >> BigInt(8 * i)) & 0xffn}`);
  }
}

class Ports extends BareEnvironment {
  devices = new Devices();

  override readPort(port: number, size: number): number {
    return Number(this.devices.read("port", port, size));
  }

  override writePort(port: number, size: number, value: number): void {
    this.devices.write("port", port, size, BigInt(value >>> 0));
  }
}

/** What of a CPU's block a program can see, but for time. */
function look(state: CpuState): string {
  const gprs = Array.from({ length: 16 }, (_, i) => state.gpr(i).toString(16));
  const xmm = Array.from({ length: 16 }, (_, i) => state.xmm(i).toString(16));
  const x87 = state.bytes().slice(OFFSET.x87, OFFSET.debug).join();
  // What a shutdown leaves of RF is the hypervisor's business.
  const rest = [
    state.rip,
    state.rflags & ~RFLAGS.RF,
    state.control("CR2"),
    state.debug("DR6"),
    state.mxcsr,
  ];
  return [...gprs, ...xmm, ...rest, x87].join(" ");
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const GPRS = [
  ...(["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"] as const),
  ...(["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const),
];

/** Gates of 64-bit mode for all exceptions: the machine halts. */
function handlers(): Uint8Array {
  const gates = new DataView(new ArrayBuffer(0x200));
  for (let at = 0; at < gates.byteLength; at += 16) {
    gates.setUint32(at, (8 << 16) | HANDLER, true);
    gates.setUint32(at + 4, 0x8e00, true);
  }
  return new Uint8Array(gates.buffer);
}

/**
 * It asks the hypervisor for something, which no machine has; or it has an instruction of SVM, which a guest of SVM
 * cannot be without: rAX is looked at before the intercept (APM Vol. 3, "VMLOAD").
 */
export const callsHypervisor = ({ code }: Program): boolean =>
  /0f01(?:c1|d[89a-f])/.test(hex(code));

function lay(guest: KvmGuest, { code, data, start }: Program): void {
  startLongMode(guest, TABLES);
  guest.setSregs({
    cr4: 0x620n,
    idt: { base: BigInt(IDT), limit: 0x1ff },
    gdt: { base: BigInt(GDT), limit: 0x17 },
  });
  guest.write(IDT, handlers());
  guest.write(GDT + 8, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0));
  guest.write(HANDLER, Uint8Array.of(HLT));
  guest.write(START, new Uint8Array(PAGE).fill(HLT));
  guest.write(START, code);
  guest.write(START + PAGE, data.slice(0, RAM - START - PAGE));
  const gprs = GPRS.map((name, number) => [name, start.gpr[number] ?? 0n] as const);
  const named = Object.fromEntries(gprs) as Partial<Regs>;
  // Neither single steps nor interrupts.
  const rflags = (start.rflags & ~0x300n) | 2n;
  guest.setRegs({ ...named, rflags, rip: MEMORY_START });
}

export const vcpuOf = (guest: KvmGuest): Vcpu => {
  const file = guest.task.file(guest.vcpu);
  if (!(file instanceof Vcpu)) throw new Error("no vCPU");
  return file;
};

/** A CPU by itself, with the memory and the registers that the vCPU has. */
function bareOf(guest: KvmGuest): {
  readonly cpu: Cpu;
  readonly state: CpuState;
  readonly ram: PagedMemory;
  readonly devices: Devices;
} {
  const ram = new PagedMemory(RAM, CPU_BYTES + RECORDS);
  const environment = new Ports(guest.kvm.profile);
  const { devices } = environment;
  const io = {
    read: (address: number, size: number) => devices.read("memory", address, size),
    write: (address: number, size: number, value: bigint) =>
      devices.write("memory", address, size, value),
  };
  const physical = new PhysicalMemory(ram, io);
  for (const [at, bytes] of MEMORY)
    ram.write(at, must(guest.task.memory.read(guest.ram + at, bytes)));
  physical.setKind(LOW, START - LOW, "device");
  physical.setKind(DEVICE, PAGE, "device");
  const state = new CpuState(ram.wasm.buffer, 0);
  state.bytes().set(vcpuOf(guest).registers.bytes());
  const { profile } = environment;
  const memory = new TranslatedMemory(state, physical, new Tlb(), new Tlb(), profile);
  const parts = { state, decoder, memory, environment };
  const area = { records: CPU_BYTES, recordBytes: RECORDS };
  return { cpu: new Cpu(parts, new Interpreter(ram.wasm, parts, area)), state, ram, devices };
}

/** The program on a CPU by itself. */
export function runBare(guest: KvmGuest): Seen {
  const { cpu, state, ram, devices } = bareOf(guest);
  const stop = cpu.run(LIMIT);
  return {
    end: stop === "halted" || stop === "shutdown" ? stop : "neither",
    registers: look(state),
    memory: MEMORY.map(([at, bytes]) => hex(ram.read(at, bytes))).join(),
    devices: devices.log,
  };
}

/**
 * Where a CPU by itself is behind each instruction, up to an exception, a halt or so many of them. A single step does
 * not end behind a load of SS.
 */
export function stepBare(guest: KvmGuest, most: number): readonly bigint[] {
  const { cpu, state } = bareOf(guest);
  const seen: bigint[] = [];
  while (seen.length < most) {
    const stop = cpu.run(state.cycles + 1);
    if (stop !== "limit" || state.rip === BigInt(HANDLER)) break;
    if ((state.blocking & BLOCKING.movSs) === 0) seen.push(state.rip);
  }
  return seen;
}

/** What user space does at an exit for a device; false when it was for something else. */
function serve({ exit_reason: reason, io, mmio }: KvmRun, devices: Devices): boolean {
  if (reason === EXIT.IO && io.direction === IO_DIRECTION.out)
    devices.write("port", io.port, io.size, valueOf(io.data, io.size));
  else if (reason === EXIT.IO) setValue(io.data, io.size, devices.read("port", io.port, io.size));
  else if (reason === EXIT.MMIO && mmio.is_write === 1)
    devices.write("memory", Number(mmio.phys_addr), mmio.len, valueOf(mmio.data, mmio.len));
  else if (reason === EXIT.MMIO)
    setValue(mmio.data, mmio.len, devices.read("memory", Number(mmio.phys_addr), mmio.len));
  else return false;
  return true;
}

/** The program under KVM, its devices served by user space. */
export function runGuest(guest: KvmGuest): Seen {
  const devices = new Devices();
  const { run } = guest;
  let end: Seen["end"] = "neither";
  for (let i = 0; i < MOST_EXITS && end === "neither" && guest.go() === 0; i += 1) {
    if (run.exit_reason === EXIT.HLT) end = "halted";
    else if (run.exit_reason === EXIT.SHUTDOWN) end = "shutdown";
    else if (isDeliveryToDevice(run)) end = "cannot";
    else if (!serve(run, devices)) break;
  }
  const read = (at: number, bytes: number): Uint8Array =>
    must(guest.task.memory.read(guest.ram + at, bytes));
  return {
    end,
    registers: look(vcpuOf(guest).registers),
    memory: MEMORY.map(([at, bytes]) => hex(read(at, bytes))).join(),
    devices: devices.log,
  };
}

/** Runs up to so many KVM_EXIT_DEBUG, or to an exception, serving devices: what each says. */
export function debugExits(guest: KvmGuest, most: number): readonly DebugExit[] {
  const devices = new Devices();
  const { run } = guest;
  const seen: DebugExit[] = [];
  for (let i = 0; i < MOST_EXITS && seen.length < most && guest.go() === 0; i += 1) {
    if (run.exit_reason === EXIT.DEBUG && run.debug.arch.pc === BigInt(HANDLER)) break;
    if (run.exit_reason === EXIT.DEBUG) seen.push({ ...run.debug.arch });
    else if (!serve(run, devices)) break;
  }
  return seen;
}

export type DebugExit = KvmRun["debug"]["arch"];

const isDeliveryToDevice = ({ exit_reason: reason, internal }: KvmRun): boolean =>
  reason === EXIT.INTERNAL_ERROR && internal.suberror === INTERNAL_ERROR.DELIVERY_EV;

/**
 * Maps all memory before the guest runs. Without it, an exception in whose delivery a page is missing is delivered anew
 * by injection, and SVM's pushes RF as it is in the VMCB, not set as for a fault.
 */
function mapAll(guest: KvmGuest): void {
  const { vm } = vcpuOf(guest);
  for (const [at, bytes] of MEMORY)
    for (let gfn = at / PAGE; gfn < (at + bytes) / PAGE; gfn += 1) vm.mmu.fault(gfn, true);
}

/** With memory, and nothing in it. */
function emptyGuest(vendor: "intel" | "amd"): KvmGuest {
  const guest = new KvmGuest(vendor, RAM);
  guest.slot(0, 0, LOW);
  guest.slot(1, START, DEVICE - START);
  guest.slot(2, DEVICE + PAGE, RAM - DEVICE - PAGE);
  return guest;
}

export function guestOf(vendor: "intel" | "amd", program: Program): KvmGuest {
  const guest = emptyGuest(vendor);
  lay(guest, program);
  if (vendor === "amd") mapAll(guest);
  return guest;
}

/** Another host's guest with the same memory; its vCPU is new. */
export function memoryCopy(vendor: "intel" | "amd", of: KvmGuest): KvmGuest {
  const guest = emptyGuest(vendor);
  for (const [at, bytes] of MEMORY) guest.write(at, must(of.task.memory.read(of.ram + at, bytes)));
  if (vendor === "amd") mapAll(guest);
  return guest;
}
