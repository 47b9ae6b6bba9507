/**
 * Machines for system instructions: a CPU of any profile in any mode and at CPL 0 or 3, with paging where the mode has
 * it, ports that answer, and a random stream. One instruction at a time, in either engine.
 */

import fc from "fast-check";
import type { CpuProfile } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../../src/hw/cpu/environment.ts";
import type { Fault } from "../../src/hw/cpu/fault.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { PhysicalMemory } from "../../src/hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { powerUp, startLongMode } from "../../src/hw/cpu/start.ts";
import { CR0, CpuState, RFLAGS, RIGHTS } from "../../src/hw/cpu/state.ts";
import type { Mode } from "../../src/hw/cpu/mode.ts";
import { Tlb } from "../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../src/hw/cpu/translated-memory.ts";
import { SEGMENT_NAMES } from "../../src/hw/cpu/uop.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import { RandomStreams } from "../../src/sim/random.ts";

const PAGES = 16;
const RECORD_BYTES = 1 << 17;

/** Linear and physical addresses; tables of 4-level paging fill pages 0 to 3. */
export const PLACES = { code: 0x4000, data: 0x5000, tss: 0x6000, gdt: 0x7000 } as const;

export type EngineName = "reference" | "interpreter";
export const ENGINES: readonly EngineName[] = ["reference", "interpreter"];

export interface SystemCase {
  readonly profile: CpuProfile;
  readonly mode: Mode;
  readonly cpl: 0 | 3;
  readonly code: readonly number[];
  /** By number; the others are zero. */
  readonly gpr?: Readonly<Record<number, bigint>>;
  readonly data?: Uint8Array;
  readonly seed?: string;
  /** What is different from the state that the mode starts with. */
  readonly change?: (state: CpuState) => void;
}

/** Ports that answer with what was asked, and remember. */
class Ports extends BareEnvironment {
  readonly log: string[] = [];

  override readPort(port: number, size: number): number {
    this.log.push(`in ${port} ${size}`);
    return (port * 0x0101_0101 + size) % 2 ** (8 * size);
  }

  override writePort(port: number, size: number, value: number): void {
    this.log.push(`out ${port} ${size} ${value}`);
  }
}

const decoders = new Map<CpuProfile, Decoder>();

function decoderOf(profile: CpuProfile): Decoder {
  const decoder = decoders.get(profile) ?? new Decoder(INSTRUCTIONS, profile.features);
  decoders.set(profile, decoder);
  return decoder;
}

export class SystemMachine {
  readonly state: CpuState;
  readonly memory: PagedMemory;
  readonly translated: TranslatedMemory;
  readonly environment: Ports;
  readonly #tlbs = [new Tlb(64), new Tlb(64)] as const;
  readonly #step: (limit: number) => Fault | null;

  constructor(of: SystemCase, engine: EngineName) {
    const { profile, seed = "1" } = of;
    this.memory = new PagedMemory(PAGES * PAGE_SIZE, CPU_BYTES + RECORD_BYTES);
    this.state = new CpuState(this.memory.wasm.buffer, 0);
    this.environment = new Ports(profile, new RandomStreams(seed).stream("cpu"));
    this.#lay(of);
    const { state, environment, memory } = this;
    this.translated = new TranslatedMemory(
      state,
      new PhysicalMemory(memory),
      ...this.#tlbs,
      profile,
    );
    const parts = { state, environment, memory: this.translated, decoder: decoderOf(profile) };
    if (engine === "reference") {
      const cpu = new ReferenceCpu(parts);
      this.#step = () => cpu.step();
    } else {
      const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
      const cpu = new Interpreter(memory.wasm, parts, area);
      this.#step = (limit) => cpu.run(limit);
    }
  }

  /** Executes one instruction, or one iteration of a repeated one. */
  step(): Fault | null {
    return this.#step(this.state.cycles + 1);
  }

  /** Everything: registers, memory, TLBs, and what the ports have seen. */
  look(): string {
    const { buffer, byteOffset, length } = this.memory.bytes;
    const tlbs = this.#tlbs.map(({ words }) => Buffer.from(words.buffer).toString("hex"));
    const bytes = Buffer.from(buffer, byteOffset, length).toString("hex");
    return [
      Buffer.from(this.state.bytes()).toString("hex"),
      ...tlbs,
      bytes,
      this.environment.log.join(),
    ].join(" ");
  }

  #lay({ mode, cpl, code, gpr = {}, data, change }: SystemCase): void {
    const { state, memory } = this;
    for (const level of [0, 1, 2])
      memory.write64(level * PAGE_SIZE, BigInt((level + 1) * PAGE_SIZE + 7));
    for (let page = 0; page < PAGES; page += 1)
      memory.write64(3 * PAGE_SIZE + 8 * page, BigInt(page * PAGE_SIZE + 7));
    memory.write(PLACES.code, Uint8Array.from(code));
    if (data !== undefined) memory.write(PLACES.data, data);
    powerUp(state, this.environment);
    enterMode(state, mode, cpl);
    for (const [number, value] of Object.entries(gpr)) state.setGpr(Number(number), value);
    state.rip = BigInt(PLACES.code);
    change?.(state);
  }
}

/** Flat segments, or those of the 8086 at 0. */
function enterMode(state: CpuState, mode: Mode, cpl: 0 | 3): void {
  state.setTable("GDTR", { base: BigInt(PLACES.gdt), limit: 0xff });
  if (mode === "64-bit" || mode === "compatibility") {
    startLongMode(state, cpl);
    if (mode === "compatibility") {
      const cs = state.segment("CS");
      state.setSegment("CS", { ...cs, rights: (cs.rights & ~RIGHTS.long) | RIGHTS.big });
    }
  } else if (mode === "protected") {
    state.setControl("CR0", CR0.PE | CR0.ET | CR0.NE);
    for (const name of SEGMENT_NAMES) {
      const rights = (name === "CS" ? 0x9b : 0x93) | (cpl << 5) | 0xc000;
      state.setSegment(name, { selector: 8 | cpl, base: 0n, limit: 0xffff_ffff, rights });
    }
  } else {
    const isVirtual = mode === "virtual-8086";
    state.setControl("CR0", CR0.ET | (isVirtual ? CR0.PE : 0n));
    if (isVirtual) state.rflags |= RFLAGS.VM;
    for (const name of SEGMENT_NAMES) {
      const rights = isVirtual ? 0xf3 : name === "CS" ? 0x9b : 0x93;
      state.setSegment(name, { selector: 0, base: 0n, limit: 0xffff, rights });
    }
  }
  const tss = { selector: 0x28, base: BigInt(PLACES.tss), limit: 0x87, rights: 0x8b };
  state.setSystemSegment("TR", tss);
}

/** Modes with the CPLs that they have. */
export const MODES: readonly (readonly [Mode, 0 | 3])[] = [
  ["real", 0],
  ["protected", 0],
  ["protected", 3],
  ["virtual-8086", 3],
  ["compatibility", 0],
  ["compatibility", 3],
  ["64-bit", 0],
  ["64-bit", 3],
];

export const anyMode = (): fc.Arbitrary<readonly [Mode, 0 | 3]> => fc.constantFrom(...MODES);
