/** What the instructions that save and restore state are to find in registers and memory. */

import type { Instruction } from "../../src/hw/cpu/instruction.ts";
import type { Draws } from "./draws.ts";
import type { InputHints, MemoryHint, RegisterHint } from "./inputs.ts";

const IMAGE = /^FX(SAVE|RSTOR)(64)?$/;
const AREA = /^X(SAVE|SAVEOPT|SAVEC|RSTOR)(64)?$/;
const [RAX, RCX, RDX] = [0, 1, 2];

export const isXsaveForm = ({ mnemonic }: Instruction): boolean =>
  IMAGE.test(mnemonic) || AREA.test(mnemonic) || /^X[GS]ETBV$/.test(mnemonic);

/** Components that this CPU has and the model has not are not asked for, nor XCR0, which tells of them. */
export function xsaveRegisters({ mnemonic }: Instruction): readonly RegisterHint[] {
  if (mnemonic === "XGETBV") return [{ register: RCX, min: 2, max: 9 }];
  if (!AREA.test(mnemonic)) return [];
  return [
    { register: RAX, min: 0, max: 3 },
    { register: RDX, min: 0, max: 0 },
  ];
}

export function xsaveHints(draws: Draws): InputHints {
  // Now and then the initial configuration of either.
  return {
    ...(draws.chance(6) ? {} : { x87: "stack" as const }),
    ...(draws.chance(6) ? {} : { sse: "mixed" as const }),
  };
}

export function xsaveContents({
  mnemonic,
}: Instruction): Pick<MemoryHint, "bytes" | "align" | "content"> | null {
  if (IMAGE.test(mnemonic)) return { bytes: 512, align: 16, content: "fxsave" };
  return AREA.test(mnemonic) ? { bytes: 576, align: 64, content: "xsave" } : null;
}
