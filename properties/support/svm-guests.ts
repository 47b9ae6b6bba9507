/** The machines of system-machines.ts on a CPU with SVM: bare, or as a guest for which nothing is intercepted. */

import { AMD } from "../../src/hw/cpu/cpuid/profile.ts";
import { slotOffset } from "../../src/hw/cpu/msr/slots.ts";
import { startLongMode } from "../../src/hw/cpu/start.ts";
import { EFER, OFFSET, RIGHTS, segmentOffset } from "../../src/hw/cpu/state.ts";
import type { EngineName } from "./privileged-machines.ts";
import { offsetOf } from "./svm-machines.ts";
import { MEMORY_BYTES, SystemMachine, type SystemProgram } from "./system-machines.ts";

const PAGE = 4096;
/** Behind the program's memory: tables of the host, its VMRUN, the VMCB, maps, and the nested tables. */
const HOST = {
  tables: MEMORY_BYTES,
  code: MEMORY_BYTES + 0x3000,
  vmcb: MEMORY_BYTES + 0x4000,
  iopm: MEMORY_BYTES + 0x5000,
  msrpm: MEMORY_BYTES + 0x8000,
  nested: MEMORY_BYTES + 0xa000,
} as const;
const HOST_BYTES = 0x1_0000;
/** Where no memory answers. */
const NOWHERE = 0x4000_0000n;
const TLB_ENTRIES = 2048;
const TWO_MIB = 0x20_0000n;
const GIB = 0x4000_0000n;
const ENTRIES = 512;
/** Instructions of SVM itself, of which a bare machine and a guest do not have the same. */
const INVLPGA = 1 << 26;
const SVM_INSTRUCTIONS = 0x3f;
const RAX = 0;
const RSP = 4;

/** What of a state is no program's: that a guest runs, and how its time-stamp counter is reckoned. */
const HIDDEN: readonly (readonly [at: number, bytes: number])[] = [
  [OFFSET.guest, 8],
  [slotOffset("guest TSC offset"), 8],
  [slotOffset("guest TSC multiplier"), 8],
];
/** What VMRUN does not load. */
const KEPT: readonly (readonly [at: number, bytes: number])[] = [
  [segmentOffset("FS"), 64],
  [OFFSET.xcr0, 8],
  [OFFSET.xmm, OFFSET.debug - OFFSET.xmm],
];

export class SvmSystemMachine extends SystemMachine {
  constructor(program: SystemProgram, engine: EngineName, as: "bare" | "guest") {
    const moreBytes = as === "guest" ? HOST_BYTES : 0;
    const isVirtualized = true;
    super(program, engine, { profile: AMD, isVirtualized, moreBytes, tlbEntries: TLB_ENTRIES });
    const { state } = this;
    state.setControl("EFER", state.control("EFER") | EFER.SVME);
    if (as === "bare") return;
    const { cycles } = state;
    this.#layTables();
    this.#layControl();
    this.#startHost();
    this.cpu.run(state.cycles + 1);
    if (!state.isGuest) throw new Error("the guest was refused");
    state.cycles = cycles;
  }

  /** What the program sees of its machine. */
  lookInside(): string {
    const block = this.state.bytes().slice();
    for (const [at, bytes] of HIDDEN) block.fill(0, at, at + bytes);
    const memory = this.memory.read(0, MEMORY_BYTES);
    const parts = [block, memory].map((part) => Buffer.from(part).toString("latin1"));
    return [...parts, this.written].join("|");
  }

  /** Guest-physical addresses are physical ones, but there is nothing of the host's. */
  #layTables(): void {
    const { memory } = this;
    for (const tables of [HOST.tables, HOST.nested])
      for (const level of [0, 1])
        memory.write64(tables + level * PAGE, BigInt(tables + (level + 1) * PAGE + 7));
    // The host's own is the first 2 MiB.
    memory.write64(HOST.tables + 2 * PAGE, 0x87n);
    memory.write64(HOST.nested + 2 * PAGE, BigInt(HOST.nested + 3 * PAGE + 7));
    for (let i = 0; i < ENTRIES; i += 1) {
      const page = BigInt(i * PAGE);
      const isProgram = i < MEMORY_BYTES / PAGE;
      memory.write64(HOST.nested + 3 * PAGE + 8 * i, (isProgram ? page : NOWHERE + page) + 7n);
      if (i === 0) continue;
      memory.write64(HOST.nested + 2 * PAGE + 8 * i, NOWHERE + BigInt(i) * TWO_MIB + 0x87n);
      memory.write64(HOST.nested + PAGE + 8 * i, BigInt(i) * GIB + 0x87n);
    }
  }

  #put(field: Parameters<typeof offsetOf>[0], value: bigint | number): void {
    const bytes = Uint8Array.from({ length: 8 }, (_, i) =>
      Number((BigInt(value) >> BigInt(8 * i)) & 0xffn),
    );
    const { offset, length } = offsetOf(field);
    this.memory.write(HOST.vmcb + offset, bytes.subarray(0, length));
  }

  #layControl(): void {
    const { state, memory } = this;
    this.#put("VECTOR_3", INVLPGA);
    this.#put("VECTOR_4", SVM_INSTRUCTIONS);
    this.#put("IOPM_BASE_PA", HOST.iopm);
    this.#put("MSRPM_BASE_PA", HOST.msrpm);
    this.#put("GUEST_ASID", 1);
    this.#put("NP_ENABLE", 1);
    this.#put("N_CR3", HOST.nested);
    this.#put("G_PAT", state.view.getBigUint64(slotOffset("IA32_PAT"), true));
    (["ES", "CS", "SS", "DS"] as const).forEach((name, i) => {
      const { selector, base, limit, rights } = state.segment(name);
      const usable = (rights & RIGHTS.unusable) === 0 ? rights : rights & ~RIGHTS.present;
      const attributes = (usable & 0xff) | ((usable >> 4) & 0xf00);
      const low = BigInt(selector) | (BigInt(attributes) << 16n) | (BigInt(limit) << 32n);
      memory.write64(HOST.vmcb + 0x400 + 16 * i, low);
      memory.write64(HOST.vmcb + 0x408 + 16 * i, base);
    });
    for (const name of ["GDTR", "IDTR"] as const) {
      const { base, limit } = state.table(name);
      this.#put(`${name}_BASE`, base);
      this.#put(`${name}_LIMIT`, limit);
    }
    for (const name of ["EFER", "CR0", "CR2", "CR3", "CR4"] as const)
      this.#put(name, state.control(name));
    for (const name of ["DR6", "DR7"] as const) this.#put(name, state.debug(name));
    this.#put("CPL", state.cpl);
    this.#put("RFLAGS", state.rflags);
    this.#put("RIP", state.rip);
    this.#put("RSP", state.gpr(RSP));
    this.#put("RAX", state.gpr(RAX));
  }

  #startHost(): void {
    const { state, memory, translated } = this;
    memory.write(HOST.code, Uint8Array.of(0x0f, 0x01, 0xd8));
    const before = state.bytes().slice();
    startLongMode(state, 0);
    for (const [at, bytes] of KEPT) state.bytes().set(before.subarray(at, at + bytes), at);
    state.setControl("EFER", state.control("EFER") | EFER.SVME);
    state.setControl("CR3", BigInt(HOST.tables));
    state.rflags = 2n;
    state.rip = BigInt(HOST.code);
    state.setGpr(RAX, BigInt(HOST.vmcb));
    state.setDebug("DR7", 0x400n);
    translated.contextChanged();
  }
}
