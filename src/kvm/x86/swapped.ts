/**
 * Registers that neither VMX nor SVM moves: software loads them before an entry, and saves them behind an exit. SDM
 * Vol. 3, "Differences in VMX Support"; APM Vol. 2, "VMRUN Instruction" ("Other Guest State").
 */

import { type SlotName, slotOffset } from "../../hw/cpu/msr/slots.ts";
import { type CpuState, OFFSET } from "../../hw/cpu/state.ts";

type Range = readonly [at: number, bytes: number];

const COMMON: readonly Range[] = [
  [OFFSET.gpr, 128],
  [OFFSET.xcr0, 8],
  [slotOffset("IA32_TSC_AUX"), 8],
];
/** From XMM0 to DR3: what XSAVE covers, and debug registers. */
const EXTENDED: Range = [OFFSET.xmm, OFFSET.debug - OFFSET.xmm + 4 * 8];

/** The block of a CPU or of a vCPU. Views are made once: to make one takes longer than to move what it shows. */
export class SwappedBlock {
  readonly words: Int32Array;
  readonly extended: Int32Array;

  constructor({ words }: CpuState) {
    const [at, bytes] = EXTENDED;
    this.words = words;
    this.extended = words.subarray(at / 4, (at + bytes) / 4);
  }
}

export class SwappedRegisters {
  readonly #places: Int32Array;

  /** Beside those of both vendors: these MSRs, and other ranges. */
  constructor(msrs: readonly SlotName[], others: readonly Range[]) {
    const ofMsrs = msrs.map((name) => [slotOffset(name), 8] as const);
    this.#places = Int32Array.from(
      [...COMMON, ...ofMsrs, ...others].flatMap(([at, bytes]) =>
        Array.from({ length: bytes / 4 }, (_, i) => at / 4 + i),
      ),
    );
  }

  copy(from: SwappedBlock, to: SwappedBlock): void {
    const { length } = this.#places;
    for (let i = 0; i < length; i += 1) {
      const at = this.#places[i] as number;
      to.words[at] = from.words[at] as number;
    }
    to.extended.set(from.extended);
  }
}
