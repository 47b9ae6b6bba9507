/** Guests with the module's interrupt controllers, whose handlers note what has come: straight programs, of which each boundary is known. */

import fc from "fast-check";
import { assemble } from "../../src/guests/assembler.ts";
import type { Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { type Argument, ioctl, type IOCTLS, mapRun } from "../../src/kvm/ioctls/index.ts";
import { EXIT, type KvmRun } from "../../src/kvm/ioctls/kvm-run.ts";
import { Eventfd } from "../../src/linux/eventfd.ts";
import { must, newHost, newKvm, type Sregs, startLongMode, VmOfTask } from "./kvm-guest.ts";

type Name = keyof typeof IOCTLS;

const RAM = 0x18_0000;
const [TABLES, GDT, IDT, STUBS, COMMON] = [0x1000, 0x3000, 0x4000, 0x5000, 0x7000] as const;
const [STACKS, CODE, LOGS] = [0xa000, 0x1_0000, 0x2_0000] as const;
const [STACK_BYTES, CODE_BYTES, LOG_BYTES] = [0x1000, 0x4000, 0x1_0000] as const;
/** Pages that nobody has touched, of each vCPU. */
const [FRESH, FRESH_BYTES] = [0x10_0000, 0x4_0000] as const;
const PERFORMED_BYTES = 0x100;
const [STUB_BYTES, ENTRY_BYTES, EXCEPTIONS] = [16, 32, 32] as const;

export const NMI = 2;

/** In the notes of an NMI: it is over. */
export const NMI_OVER = 0x102;

/** Interrupts are noted with the RIP, CR8 and RFLAGS that they have found, the vector last; within that of NMIs, user space is asked. */
const HANDLERS = `
eoi:
  push rax
  mov eax, 0xfee000b0
  mov dword [rax], 0
  pop rax
plain:
  push rax
  mov rax, [rsp + 16]
  mov [r15 + 8], rax
  mov rax, cr8
  mov [r15 + 16], rax
  mov rax, [rsp + 32]
  mov [r15 + 24], rax
  mov rax, [rsp + 8]
  mov [r15], rax
  add r15, 32
  cmp dword [rsp + 8], 2
  jnz over
  in al, 0x81
  mov dword [r15], ${NMI_OVER}
  add r15, 32
over:
  pop rax
  add rsp, 8
  iretq
`;

/** What is passed to KVM_GET_IRQCHIP. */
export const NO_CHIP: readonly number[] = Array.from({ length: 512 }, () => 0);

/** An interrupt as its handler has found it. */
export interface Taken {
  readonly vector: number;
  readonly rip: number;
  readonly cr8: number;
  readonly isOpen: boolean;
}

/** One step of a straight program. */
export type Op =
  | { readonly is: Exclude<keyof typeof PLAIN, "load"> | "touch" }
  | { readonly is: "CR8"; readonly value: number };

const PLAIN = {
  nop: [0x90],
  cli: [0xfa],
  sti: [0xfb],
  "open by popf": [0x68, 2, 2, 0, 0],
  "shut by popf": [0x6a, 2],
  "mov ss": [0x8e, 0xd0],
  in: [0xe4, 0x80],
  out: [0xe6, 0x80],
  cpuid: [0x0f, 0xa2],
  hlt: [0xf4],
  load: [0xb8, 0x10, 0, 0, 0],
} as const;
const POPF = [0x9d];
const MOV_CR8 = [0x44, 0x0f, 0x22, 0xc0];

/** A place between two instructions, as the program alone decides it. */
interface Boundary {
  readonly isOpen: boolean;
  /** What STI and MOV SS hold back. */
  readonly isShadowed: boolean;
  readonly isBehindMovSs: boolean;
}

export interface Straight {
  readonly code: Uint8Array;
  readonly boundaries: ReadonlyMap<number, Boundary>;
  /** Where it ends: an eternal loop that no exit interrupts. */
  readonly end: number;
}

/** The ops one after another, then all interrupts let in, then `mov ss; jmp` for ever. Interrupts are shut at the start. */
export function straight(ops: readonly Op[], vcpu: number): Straight {
  const at = CODE + vcpu * CODE_BYTES;
  const code: number[] = [];
  const boundaries = new Map<number, Boundary>();
  let fresh = 0;
  let isOpen = false;
  const emit = (bytes: readonly number[], shadow: "none" | "sti" | "mov ss" = "none"): void => {
    code.push(...bytes);
    const isBehindMovSs = shadow === "mov ss";
    boundaries.set(at + code.length, { isOpen, isShadowed: shadow !== "none", isBehindMovSs });
  };
  const add = (op: Op): void => {
    if (op.is === "CR8") {
      emit([0xb8, op.value, 0, 0, 0]);
      emit(MOV_CR8);
      return;
    }
    if (op.is === "touch") {
      const offset = FRESH_BYTES * vcpu + 4096 * fresh;
      emit([0x88, 0x85, 0, (offset >> 8) & 0xff, (offset >> 16) & 0xff, 0]);
      fresh += 1;
      return;
    }
    if (op.is === "mov ss") emit(PLAIN.load);
    // A vCPU that halts with interrupts shut would never go on.
    if (op.is === "hlt" && !isOpen) return;
    const wasOpen = isOpen;
    if (op.is === "cli") isOpen = false;
    if (op.is === "sti") isOpen = true;
    const shadow = op.is === "mov ss" ? "mov ss" : op.is === "sti" && !wasOpen ? "sti" : "none";
    emit(PLAIN[op.is], shadow);
    if (!op.is.endsWith("popf")) return;
    isOpen = op.is === "open by popf";
    emit(POPF);
  };
  boundaries.set(at, { isOpen, isShadowed: false, isBehindMovSs: false });
  for (const op of ops) add(op);
  // A write of CR8 is an exit: the end of a program that has none is without.
  if (ops.some(({ is }) => is === "CR8")) add({ is: "CR8", value: 0 });
  for (const op of TAIL) add(op);
  const end = at + code.length;
  emit(PLAIN["mov ss"], "mov ss");
  code.push(0xeb, -4 & 0xff);
  return { code: Uint8Array.from(code), boundaries, end };
}

const TAIL: readonly Op[] = [{ is: "sti" }, { is: "nop" }, { is: "mov ss" }, { is: "nop" }];

const TSC_DEADLINE = 0x6e0;
/** IRR in the page of a local APIC. */
const IRR = 0x200;

interface GuestWrite {
  readonly at: number;
  readonly isPort: boolean;
  readonly size: number;
  readonly value: bigint;
}

export interface RoutedPin {
  readonly pin: number;
  readonly vector: number;
  readonly to: number;
  readonly isLevel?: boolean;
}

/** All that user space gets and sets of a VM with one vCPU. */
interface Chips {
  readonly chips: readonly (readonly number[])[];
  readonly pit: Argument<"KVM_SET_PIT2">;
  readonly lapic: Argument<"KVM_SET_LAPIC">;
  readonly deadline: bigint;
  readonly events: Argument<"KVM_SET_VCPU_EVENTS">;
  readonly mp: number;
}

export class IrqGuest extends VmOfTask {
  readonly vcpus: readonly number[];
  #eventfds = 0;

  constructor(vendor: Vendor, vcpus: number, host = newHost(vendor, 2), kvm = newKvm(host)) {
    super(host, RAM, kvm);
    must(this.ofVm("KVM_CREATE_IRQCHIP", null));
    must(this.ofVm("KVM_CREATE_PIT2", { flags: 0 }));
    this.slot(0, 0, RAM);
    this.vcpus = Array.from({ length: vcpus }, (_, id) =>
      must(this.ofVm("KVM_CREATE_VCPU", BigInt(id))),
    );
  }

  /** A thread that has the CPU for so many cycles. */
  turn(cpu: number, cycles: number, thread: number) {
    const caller = this.caller(cpu);
    return { ...caller, limit: caller.cpu.state.cycles + cycles, thread };
  }

  ofVm<N extends Name>(name: N, argument: Argument<N>) {
    return ioctl(this.caller(), this.vm, name, argument);
  }

  /** KVM_SIGNAL_MSI to the local APIC with this ID. */
  message(id: number, data: number, low = 0): unknown {
    const message = { address_lo: 0xfee0_0000 + (id << 12) + low, address_hi: 0, data, flags: 0 };
    return this.ofVm("KVM_SIGNAL_MSI", message);
  }

  of<N extends Name>(vcpu: number, name: N, argument: Argument<N>) {
    return ioctl(this.caller(), this.vcpus[vcpu] ?? -1, name, argument);
  }

  run(vcpu: number): KvmRun {
    return must(mapRun(this, this.vcpus[vcpu] ?? -1));
  }

  newEventfd(): { readonly file: Eventfd; readonly fd: number } {
    this.#eventfds += 1;
    const file = new Eventfd(this.host.world, `eventfd${this.#eventfds}`);
    return { file, fd: must(this.task.open(file)) };
  }

  /** Descriptor tables and handlers, with labels for interrupts that need an end and for others; local APICs enabled, with logical IDs 1, 2, 4 and so on. */
  prepare(handlers = HANDLERS): void {
    const { bytes, labels } = assemble(handlers, BigInt(COMMON));
    this.write(COMMON, bytes);
    this.write(GDT + 8, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0));
    this.write(GDT + 16, Uint8Array.of(0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0));
    const gates = new DataView(new ArrayBuffer(0x1000));
    const stubs = new DataView(new ArrayBuffer(256 * STUB_BYTES));
    for (let vector = 0; vector < 256; vector += 1) {
      const stub = STUBS + vector * STUB_BYTES;
      gates.setUint32(16 * vector, (8 << 16) | stub, true);
      gates.setUint32(16 * vector + 4, 0x8e00, true);
      const to = Number(labels.get(vector < EXCEPTIONS ? "plain" : "eoi"));
      stubs.setUint8(vector * STUB_BYTES, 0x68);
      stubs.setUint32(vector * STUB_BYTES + 1, vector, true);
      stubs.setUint8(vector * STUB_BYTES + 5, 0xe9);
      stubs.setInt32(vector * STUB_BYTES + 6, to - (stub + 10), true);
    }
    this.write(IDT, new Uint8Array(gates.buffer));
    this.write(STUBS, new Uint8Array(stubs.buffer));
    for (const vcpu of this.vcpus.keys()) this.#enableApic(vcpu);
  }

  /** Redirection entries: edges, or levels, of these pins are these interrupts. */
  route(pins: readonly RoutedPin[]): void {
    const { chip } = must(this.ofVm("KVM_GET_IRQCHIP", { chip_id: 2, chip: NO_CHIP }));
    const bytes = [...chip];
    for (const { pin, vector, to, isLevel = false } of pins)
      bytes.splice(24 + 8 * pin, 8, vector, isLevel ? 0x80 : 0, 0, 0, 0, 0, 0, to);
    must(this.ofVm("KVM_SET_IRQCHIP", { chip_id: 2, chip: bytes }));
  }

  /** 64-bit mode at the beginning of the program. */
  start(vcpu: number, { code }: Pick<Straight, "code">, rflags = 2n): void {
    const at = CODE + vcpu * CODE_BYTES;
    this.write(at, code);
    const setSregs = (sregs: Partial<Sregs>): void => {
      const before = must(this.of(vcpu, "KVM_GET_SREGS", null));
      must(this.of(vcpu, "KVM_SET_SREGS", { ...before, ...sregs }));
    };
    startLongMode({ write: (to, bytes) => this.write(to, bytes), setSregs }, TABLES);
    // The fourth GiB too, where the controllers are.
    this.write(TABLES + 0x1018, Uint8Array.of(0x83, 0, 0, 0xc0));
    setSregs({
      gdt: { base: BigInt(GDT), limit: 0x17 },
      idt: { base: BigInt(IDT), limit: 0xfff },
    });
    const regs = must(this.of(vcpu, "KVM_GET_REGS", null));
    must(
      this.of(vcpu, "KVM_SET_REGS", {
        ...regs,
        rip: BigInt(at),
        rsp: BigInt(STACKS + (vcpu + 1) * STACK_BYTES),
        rbp: BigInt(FRESH),
        r15: BigInt(LOGS + vcpu * LOG_BYTES),
        rflags,
      }),
    );
    must(this.of(vcpu, "KVM_SET_MP_STATE", { mp_state: 0 }));
  }

  /** The exits of one write to memory, or to a port, before the next instruction asks. */
  writes({ at, isPort, size, value }: GuestWrite): number {
    const wide = size === 8 ? [0x48] : size === 2 ? [0x66] : [];
    const data = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
    const opcode = (isPort ? 0xee : 0x88) + (size === 1 ? 0 : 1);
    const store = [...wide, opcode, ...(isPort ? [] : [2])];
    // mov edx, at; mov rax, value; the write
    return this.exits([0xba, ...word(at), 0x48, 0xb8, ...data, ...store]);
  }

  /** The exits of code before `in al, 81h` behind it. */
  exits(code: readonly number[]): number {
    this.write(CODE, Uint8Array.from([...code, 0xe4, 0x81]));
    const regs = must(this.of(0, "KVM_GET_REGS", null));
    must(this.of(0, "KVM_SET_REGS", { ...regs, rip: BigInt(CODE) }));
    const run = this.run(0);
    for (let exits = 0; ; exits += 1) {
      must(ioctl(this.turn(0, Infinity, 0), this.vcpus[0] ?? -1, "KVM_RUN", null));
      if (run.exit_reason === EXIT.IO && run.io.port === 0x81) return exits;
      if (exits > 2) throw new Error(`exit ${run.exit_reason}`);
    }
  }

  /** Runs code for so many cycles, interrupts shut at its beginning, up to a signal: what it has put into untouched memory. */
  perform(code: readonly number[], cycles: number): readonly number[] {
    this.#complete();
    this.write(CODE, Uint8Array.from(code));
    const regs = must(this.of(0, "KVM_GET_REGS", null));
    must(this.of(0, "KVM_SET_REGS", { ...regs, rip: BigInt(CODE), rflags: 2n }));
    this.go(0, 0, cycles);
    const caller = { ...this.turn(0, Infinity, 0), hasSignal: true };
    caller.cpu.isWanted = true;
    const run = (): unknown => ioctl(caller, this.vcpus[0] ?? -1, "KVM_RUN", null);
    for (let tries = 0; run() !== "EINTR"; tries += 1)
      if (tries > 9) throw new Error("a signal does not end KVM_RUN");
    const noted = this.read(FRESH, PERFORMED_BYTES);
    return Array.from({ length: PERFORMED_BYTES }, (_, i) => noted.getUint8(i));
  }

  /** The instruction that waits for user space is over. KVM API, "The kvm_run structure", immediate_exit. */
  #complete(): void {
    const run = this.run(0);
    run.immediate_exit = 1;
    const result: unknown = ioctl(this.turn(0, Infinity, 0), this.vcpus[0] ?? -1, "KVM_RUN", null);
    run.immediate_exit = 0;
    if (result !== "EINTR") throw new Error(`KVM_RUN: ${String(result)}`);
  }

  /** Vectors that wait in the local APIC, in order. */
  requested(vcpu: number): readonly number[] {
    const { regs } = must(this.of(vcpu, "KVM_GET_LAPIC", null));
    const isSet = (vector: number): boolean =>
      (((regs[IRR + 16 * (vector >> 5) + ((vector >> 3) & 3)] ?? 0) >> (vector & 7)) & 1) === 1;
    return Array.from({ length: 256 }, (_, vector) => vector).filter(isSet);
  }

  /** Nothing waits any more. */
  clearApic(vcpu: number): void {
    const { regs } = must(this.of(vcpu, "KVM_GET_LAPIC", null));
    must(
      this.of(vcpu, "KVM_SET_LAPIC", {
        regs: regs.map((byte, at) => (at < IRR || at >= IRR + 0x80 ? byte : 0)),
      }),
    );
  }

  chips(): Chips {
    // First, since it takes what has come.
    const mp = must(this.of(0, "KVM_GET_MP_STATE", null)).mp_state;
    const [deadline] = must(this.of(0, "KVM_GET_MSRS", [{ index: TSC_DEADLINE, data: 0n }]));
    return {
      chips: [0, 1, 2].map(
        (id) => must(this.ofVm("KVM_GET_IRQCHIP", { chip_id: id, chip: NO_CHIP })).chip,
      ),
      pit: must(this.ofVm("KVM_GET_PIT2", null)),
      lapic: must(this.of(0, "KVM_GET_LAPIC", null)),
      deadline: deadline?.data ?? 0n,
      events: must(this.of(0, "KVM_GET_VCPU_EVENTS", null)),
      mp,
    };
  }

  /** Messages of one chip to the next are behind what is set there. */
  setChips({ chips, pit, lapic, deadline, events, mp }: Chips): void {
    must(this.ofVm("KVM_SET_PIT2", pit));
    for (const [id, chip] of chips.entries())
      must(this.ofVm("KVM_SET_IRQCHIP", { chip_id: id, chip }));
    must(this.of(0, "KVM_SET_LAPIC", lapic));
    // Where there is none, nobody need say so.
    if (deadline !== 0n)
      must(this.of(0, "KVM_SET_MSRS", [{ index: TSC_DEADLINE, data: deadline }]));
    must(this.of(0, "KVM_SET_VCPU_EVENTS", events));
    must(this.of(0, "KVM_SET_MP_STATE", { mp_state: mp }));
  }

  /** What has come to a vCPU so far. */
  taken(vcpu: number): readonly Taken[] {
    const log = this.read(LOGS + vcpu * LOG_BYTES, LOG_BYTES);
    const taken: Taken[] = [];
    for (let at = 0; at < LOG_BYTES && log.getUint32(at, true) !== 0; at += ENTRY_BYTES)
      taken.push({
        vector: log.getUint32(at, true),
        rip: log.getUint32(at + 8, true),
        cr8: log.getUint32(at + 16, true),
        isOpen: (log.getUint32(at + 24, true) & 0x200) !== 0,
      });
    return taken;
  }

  /** KVM_RUN for so many cycles, ports served: "limit" or "sleeps". `asked` is told of reads of port 81h. */
  go(vcpu: number, cpu: number, cycles: number, asked = (): void => undefined): "limit" | "sleeps" {
    const caller = this.turn(cpu, cycles, vcpu);
    const run = this.run(vcpu);
    for (;;) {
      const result: unknown = ioctl(caller, this.vcpus[vcpu] ?? -1, "KVM_RUN", null);
      if (result === "limit" || result === "sleeps") return result;
      if (result !== 0 || run.exit_reason !== EXIT.IO)
        throw new Error(`KVM_RUN: ${String(result)}, exit ${run.exit_reason}`);
      if (run.io.port === 0x81) asked();
    }
  }

  #enableApic(vcpu: number): void {
    const page = [...must(this.of(vcpu, "KVM_GET_LAPIC", null)).regs];
    [page[0xf0], page[0xf1], page[0xd3]] = [0xff, 1, 1 << vcpu];
    must(this.of(vcpu, "KVM_SET_LAPIC", { regs: page }));
  }
}

// Values.

/** Four bytes of an instruction. */
export const word = (value: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

export const anyBytes = (count: number) =>
  fc
    .uint8Array({ minLength: count, maxLength: count })
    .map((bytes): readonly number[] => [...bytes]);
/** Of struct kvm_pit_channel_state. */
export const anyChannel = () =>
  fc.record({
    count: fc.nat(2 ** 32 - 1),
    latched_count: fc.nat(0xffff),
    count_latched: fc.nat(0xff),
    status_latched: fc.nat(0xff),
    status: fc.nat(0xff),
    read_state: fc.nat(0xff),
    write_state: fc.nat(0xff),
    write_latch: fc.nat(0xff),
    rw_mode: fc.nat(0xff),
    mode: fc.nat(0xff),
    bcd: fc.nat(0xff),
    gate: fc.nat(0xff),
    count_load_time: fc.bigInt(0n, 2n ** 64n - 1n),
  });
