/**
 * KVM on SVM: a VMCB for each vCPU. APM Vol. 2, "Secure Virtual Machine"; Linux, arch/x86/kvm/svm/svm.c.
 */

import type { AccessSize } from "../../hw/chips/socket.ts";
import { VECTORS } from "../../hw/cpu/fault.ts";
import { readSlot, slotOffset, writeSlot } from "../../hw/cpu/msr/slots.ts";
import { BIT, BLOCKING, controlOffset, RFLAGS } from "../../hw/cpu/state.ts";
import {
  EXIT_CODE,
  INSTRUCTIONS,
  INTERCEPT,
  IOIO,
  type Intercept,
} from "../../hw/cpu/svm/intercepts.ts";
import { loadGuest, loadHidden, saveGuest, saveHidden } from "../../hw/cpu/svm/state-areas.ts";
import { Svm } from "../../hw/cpu/svm/svm.ts";
import { ASIDS, EVENT, TLB_CONTROL, VINTR, VMCB, VMCB_BYTES } from "../../hw/cpu/svm/vmcb.ts";
import { pairsOf } from "../../hw/cpu/word-code.ts";
import { WordMoves } from "../../hw/cpu/word-moves.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { assert } from "../../sim/assert.ts";
import { PAGE_SIZE, type PagedMemory } from "../../sim/paged-memory.ts";
import type { Cause, Entry, Exit, Hosted, PendingEvent, Windows, X86Ops } from "./ops.ts";
import { SwappedBlock, SwappedRegisters } from "./swapped.ts";

const IRET = INSTRUCTIONS.IRET as Intercept;
const codeOf = (name: keyof typeof INSTRUCTIONS): number => (INSTRUCTIONS[name] as Intercept).code;

/** What each exit means. */
const CAUSES = new Map<number, Cause>([
  [EXIT_CODE.INTR, { is: "interrupt" }],
  [EXIT_CODE.NMI, { is: "interrupt" }],
  [EXIT_CODE.INIT, { is: "interrupt" }],
  [EXIT_CODE.SHUTDOWN, { is: "shutdown" }],
  [codeOf("XSETBV"), { is: "instruction" }],
  // What ends the blocking of NMIs is not told by the hardware.
  [codeOf("IRET"), { is: "instruction" }],
  [EXIT_CODE.writeCr0 + 8, { is: "instruction" }],
  [EXIT_CODE.VINTR, { is: "window" }],
  [codeOf("CPUID"), { is: "CPUID" }],
  [codeOf("HLT"), { is: "HLT" }],
  [INTERCEPT.VMMCALL.code, { is: "hypercall" }],
]);

for (let code = EXIT_CODE.readDr0; code < EXIT_CODE.exception0; code += 1)
  CAUSES.set(code, { is: "instruction" });

/** Instructions of SVM, which a guest does not have. */
const ABSENT: readonly Intercept[] = [
  INTERCEPT.VMRUN,
  INTERCEPT.VMLOAD,
  INTERCEPT.VMSAVE,
  INTERCEPT.STGI,
  INTERCEPT.CLGI,
  INTERCEPT.INVLPGA,
];
for (const { code } of ABSENT) CAUSES.set(code, { is: "undefined instruction" });

const INTERCEPTED: readonly Intercept[] = [
  ...ABSENT,
  INTERCEPT.INTR,
  INTERCEPT.NMI,
  INTERCEPT.INIT,
  INTERCEPT.SHUTDOWN,
  INTERCEPT.IOIO,
  INTERCEPT.MSR,
  INTERCEPT.VMMCALL,
  ...(["XSETBV", "CPUID", "HLT"] as const).map((name) => INSTRUCTIONS[name] as Intercept),
];

/** EXITINFO1 of a nested page fault: the access was a write. */
const WRITE = 2n;
const [EVENT_TYPES, VECTOR] = [EVENT.type, 0xff];
const TYPES = {
  interrupt: EVENT.interrupt,
  NMI: EVENT.nmi,
  exception: EVENT.exception,
} as const;
const NAMES: Readonly<Record<number, PendingEvent["type"]>> = {
  [EVENT.interrupt]: "interrupt",
  [EVENT.nmi]: "NMI",
  [EVENT.exception]: "exception",
};
/** Raised by an instruction, which will raise them again. */
const BY_INSTRUCTION: readonly number[] = [VECTORS["#BP"], VECTORS["#OF"]];

const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const IF = Number(RFLAGS.IF);
const DB = 1 << VECTORS["#DB"];
/** Of the intercepts of debug registers: reads and writes of all. */
const ALL_DR = -1;
/** Of the intercepts of control registers. */
const WRITE_CR8 = 1 << 24;

class Vmcb {
  readonly view: DataView;
  readonly words: Int32Array;
  readonly #ram: PagedMemory;
  readonly #at: number;

  constructor(ram: PagedMemory, frame: number) {
    this.#ram = ram;
    this.#at = frame * PAGE_SIZE;
    const { buffer } = ram.wasm;
    this.view = new DataView(buffer, ram.base + this.#at, VMCB_BYTES);
    this.words = new Int32Array(buffer, ram.base + this.#at, VMCB_BYTES / 4);
  }

  /** To be called when it has been written. */
  touch(): void {
    this.#ram.touch(this.#at, VMCB_BYTES);
  }
}

const SVME = BIT.EFER.SVME;
const [EFER, CR8] = [controlOffset("EFER") / 4, controlOffset("CR8") / 4];
const SWAPPED = new SwappedRegisters([], []);
/** What VMRUN loads beside a guest's registers. */
const OTHERS = new WordMoves(pairsOf(slotOffset("IA32_PAT"), VMCB.gPat, 8));

const svmOf = ({ virtualization }: HostCpu): Svm => {
  assert(virtualization instanceof Svm, "the CPUs of a host with svm have SVM");
  return virtualization;
};

/** Of entries of nested tables. */
const [ACCESSED, DIRTY] = [0x20, 0x40];
/** The map of ports has three pages, that of MSRs two of the same. */
const MAP_PAGES = 3;

export class SvmOps implements X86Ops {
  readonly name = "svm";
  readonly leafBits = 0;
  readonly accessedBit = ACCESSED;
  readonly dirtyBit = DIRTY;
  readonly logsPages = false;
  readonly tags = ASIDS;
  readonly #ram: PagedMemory;
  /** Address of the maps of ports and of MSRs: everything is intercepted. */
  readonly #maps: number;
  /** By the numbers of CPUs. */
  readonly #blocks: SwappedBlock[] = [];
  /** By frame: a frame's view stays what it is, whoever has the frame. */
  readonly #vmcbs = new Map<number, Vmcb>();

  /** `maps`: the first of three frames that follow one another. */
  constructor(ram: PagedMemory, maps: number) {
    this.#ram = ram;
    this.#maps = maps * PAGE_SIZE;
    ram.fill(this.#maps, MAP_PAGES * PAGE_SIZE, 0xff);
  }

  enable({ number, state }: HostCpu, hostSave: number): void {
    state.setControl("EFER", state.control("EFER") | BigInt(SVME));
    state.rflags |= RFLAGS.IF;
    writeSlot(state, "VM_HSAVE_PA", BigInt(hostSave * PAGE_SIZE));
    this.#blocks[number] = new SwappedBlock(state);
  }

  #vmcb(frame: number): Vmcb {
    let vmcb = this.#vmcbs.get(frame);
    if (vmcb === undefined) this.#vmcbs.set(frame, (vmcb = new Vmcb(this.#ram, frame)));
    return vmcb;
  }

  #block({ number }: HostCpu): SwappedBlock {
    return this.#blocks[number] as SwappedBlock;
  }

  create({ control, tag, root, hasApic }: Hosted): void {
    const vmcb = this.#vmcb(control);
    const { view } = vmcb;
    for (const { word, bit } of INTERCEPTED)
      view.setUint32(word, (view.getUint32(word, true) | (1 << bit)) >>> 0, true);
    view.setUint32(VMCB.iopmBasePa, this.#maps, true);
    view.setUint32(VMCB.msrpmBasePa, this.#maps, true);
    view.setUint32(VMCB.asid, tag, true);
    // Interrupts may wait for a lower task priority.
    if (hasApic) view.setUint32(VMCB.interceptCr, WRITE_CR8, true);
    view.setUint32(VMCB.vintr, VINTR.masking, true);
    view.setUint32(VMCB.npEnable, 1, true);
    view.setUint32(VMCB.nCr3, root * PAGE_SIZE, true);
    vmcb.touch();
  }

  load(): void {}

  put(): void {}

  store(cpu: HostCpu, { control, registers, swapped, exceptions }: Hosted): void {
    const vmcb = this.#vmcb(control);
    const { view, words } = vmcb;
    saveGuest(registers, words);
    saveHidden(registers, words);
    OTHERS.save(registers.words, words);
    view.setUint8(VMCB.cpl, registers.cpl);
    view.setUint32(VMCB.interceptExceptions, exceptions, true);
    view.setInt32(VMCB.interceptDr, (exceptions & DB) === 0 ? 0 : ALL_DR, true);
    words[VMCB.efer / 4] = (words[VMCB.efer / 4] as number) | SVME;
    view.setUint8(VMCB.vintr, registers.words[CR8] as number);
    view.setUint32(VMCB.interruptShadow, (registers.blocking & SHADOWS) === 0 ? 0 : 1, true);
    const offset = readSlot(registers, "TSC offset") - readSlot(cpu.state, "TSC offset");
    view.setBigUint64(VMCB.tscOffset, BigInt.asUintN(64, offset), true);
    vmcb.touch();
    SWAPPED.copy(swapped, this.#block(cpu));
  }

  fetch(cpu: HostCpu, { control, registers, swapped }: Hosted): void {
    const { view, words } = this.#vmcb(control);
    SWAPPED.copy(this.#block(cpu), swapped);
    loadGuest(registers, words, view.getUint8(VMCB.cpl));
    loadHidden(registers, words);
    OTHERS.load(registers.words, words);
    registers.words[EFER] = (registers.words[EFER] as number) & ~SVME;
    registers.words[CR8] = view.getUint8(VMCB.vintr) & VINTR.tpr;
    const isShadowed = (view.getUint32(VMCB.interruptShadow, true) & 1) !== 0;
    registers.blocking = (registers.blocking & BLOCKING.nmi) | (isShadowed ? BLOCKING.sti : 0);
  }

  canTake(_cpu: HostCpu, { control, registers }: Hosted, isInHardware: boolean): Windows {
    const { view } = this.#vmcb(control);
    const flags = isInHardware ? view.getUint32(VMCB.rflags, true) : Number(registers.rflags);
    const isShadowed = isInHardware
      ? (view.getUint32(VMCB.interruptShadow, true) & 1) !== 0
      : (registers.blocking & SHADOWS) !== 0;
    const isBlocked = (registers.blocking & BLOCKING.nmi) !== 0;
    return { interrupt: (flags & IF) !== 0 && !isShadowed, nmi: !isBlocked && !isShadowed };
  }

  enter(cpu: HostCpu, vcpu: Hosted, { event, flush, windows }: Entry): null {
    const vmcb = this.#vmcb(vcpu.control);
    const { view } = vmcb;
    const svm = svmOf(cpu);
    if (event?.type === "NMI") vcpu.registers.blocking |= BLOCKING.nmi;
    const isBlocked = (vcpu.registers.blocking & BLOCKING.nmi) !== 0;
    intercept(view, IRET, isBlocked);
    // Behind a shadow, or the event of this entry, nothing but an interrupt of the host tells that NMIs can come.
    if (windows.nmi && !isBlocked) cpu.isWanted = true;
    intercept(view, INTERCEPT.VINTR, windows.interrupt);
    const vintr = view.getUint32(VMCB.vintr, true) & ~VINTR.irq;
    const request = windows.interrupt ? VINTR.irq | VINTR.ignoreTpr : 0;
    view.setUint32(VMCB.vintr, (vintr | request) >>> 0, true);
    view.setUint8(VMCB.tlbControl, flush ? TLB_CONTROL.flushAsid : 0);
    view.setInt32(VMCB.eventInj, event === null ? 0 : wordOf(event), true);
    view.setUint32(VMCB.eventInj + 4, event?.errorCode ?? 0, true);
    // Everything is read: what has changed is not kept account of.
    view.setUint32(VMCB.clean, 0, true);
    vmcb.touch();
    svm.load(vcpu.control * PAGE_SIZE);
    svm.run(vcpu.control * PAGE_SIZE);
    return null;
  }

  exit(cpu: HostCpu, vcpu: Hosted): Exit {
    svmOf(cpu).save(vcpu.control * PAGE_SIZE);
    // STGI.
    cpu.state.blocking &= ~BLOCKING.gif;
    const { view } = this.#vmcb(vcpu.control);
    const reason = view.getInt32(VMCB.exitCode, true);
    return {
      reason,
      cause: causeOf(view, reason),
      next: view.getBigUint64(VMCB.nRip, true),
      vectoring: vectoringOf(view, vcpu),
    };
  }

  logged(): readonly number[] {
    return [];
  }

  emptyLog(): void {}
}

function intercept(view: DataView, { word, bit }: Intercept, isOn: boolean): void {
  const others = view.getUint32(word, true) & ~(1 << bit);
  view.setUint32(word, (isOn ? others | (1 << bit) : others) >>> 0, true);
}

function causeOf(view: DataView, reason: number): Cause {
  if (reason === EXIT_CODE.INVALID) return { is: "failed entry", reason: 2n ** 64n - 1n };
  const vector = reason - EXIT_CODE.exception0;
  if (vector >= 0 && vector < 32)
    return { is: "exception", vector, debug: view.getUint32(VMCB.dr6, true) };
  if (reason === EXIT_CODE.IOIO) return portOf(view.getUint32(VMCB.exitInfo1, true));
  if (reason === EXIT_CODE.MSR)
    return { is: view.getUint32(VMCB.exitInfo1, true) === 0 ? "RDMSR" : "WRMSR" };
  if (reason !== EXIT_CODE.NPF) return CAUSES.get(reason) ?? { is: "unknown" };
  const write = (view.getBigUint64(VMCB.exitInfo1, true) & WRITE) !== 0n;
  return { is: "memory", address: Number(view.getBigUint64(VMCB.exitInfo2, true)), write };
}

/** APM Vol. 2, "IOIO Intercepts". */
function portOf(info: number): Cause {
  if ((info & IOIO.string) !== 0) return { is: "instruction" };
  const size = ((info >> IOIO.sizeShift) & IOIO.sizes) as AccessSize;
  return { is: "port", port: info >>> IOIO.portShift, size, input: (info & IOIO.input) !== 0 };
}

const wordOf = ({ type, vector, errorCode }: PendingEvent): number =>
  EVENT.valid | TYPES[type] | vector | (errorCode === null ? 0 : EVENT.hasErrorCode);

/** An event that an instruction has raised is raised again by it; one that was injected is not. */
function vectoringOf(view: DataView, { registers }: Hosted): PendingEvent | null {
  const word = view.getInt32(VMCB.exitIntInfo, true);
  const type = NAMES[word & EVENT_TYPES];
  const vector = word & VECTOR;
  if ((word & EVENT.valid) === 0 || type === undefined) return null;
  const isInjected =
    (view.getInt32(VMCB.eventInj, true) & VECTOR) === vector &&
    view.getBigUint64(VMCB.rip, true) === registers.rip;
  if (type === "exception" && BY_INSTRUCTION.includes(vector) && !isInjected) return null;
  const hasErrorCode = (word & EVENT.hasErrorCode) !== 0;
  const errorCode = hasErrorCode ? view.getUint32(VMCB.exitIntInfo + 4, true) : null;
  return { type, vector, errorCode };
}
