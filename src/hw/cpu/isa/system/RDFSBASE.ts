/** RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE: read and write the bases of FS and GS. SDM Vol. 2B, "RDFSBASE/RDGSBASE—Read FS/GS Segment Base"; Vol. 2D, "WRFSBASE/WRGSBASE—Write FS/GS Segment Base". */

import { isCanonical } from "../../addressing.ts";
import type { AssistContext, AssistFunction } from "../../assist.ts";
import { GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { BIT } from "../../state.ts";
import { systemInstruction, UD } from "../../system.ts";

/** A prefix for 16 bits means nothing. */
const widthOf = ({ decoded }: AssistContext): 32 | 64 => (decoded.operandSize === 64 ? 64 : 32);

const read =
  (segment: "FS" | "GS"): AssistFunction =>
  (context) => {
    const { state } = context;
    if (!state.has("CR4", BIT.CR4.FSGSBASE)) return UD;
    return context.writeOperand(0, widthOf(context), state.segmentBase(segment));
  };

const write =
  (segment: "FS" | "GS"): AssistFunction =>
  (context) => {
    const { state } = context;
    if (!state.has("CR4", BIT.CR4.FSGSBASE)) return UD;
    const base = BigInt.asUintN(widthOf(context), state.gpr(context.register(0)));
    if (!isCanonical(base)) return GP0;
    state.setSegment(segment, { ...state.segment(segment), base });
    return null;
  };

const base = (name: string, digit: number, run: AssistFunction): Instruction =>
  systemInstruction(
    name,
    {
      feature: "FSGSBASE",
      forms: [
        [`F3 0F AE /${digit}`, "r32", { sizes: [16, 32], modes: "V/I" }],
        [`F3 REX.W 0F AE /${digit}`, "r64", { modes: "V/I" }],
      ],
    },
    run,
  );

export const RDFSBASE: readonly Instruction[] = [
  base("RDFSBASE", 0, read("FS")),
  base("RDGSBASE", 1, read("GS")),
  base("WRFSBASE", 2, write("FS")),
  base("WRGSBASE", 3, write("GS")),
];
