/** LDS, LES, LFS, LGS, LSS: load a far pointer. SDM Vol. 2A, "LDS/LES/LFS/LGS/LSS—Load Far Pointer". */

import type { AssistContext } from "../assist.ts";
import type { Fault } from "../fault.ts";
import type { FormRow } from "../forms.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { loadSegment } from "../segments.ts";
import { farPointer } from "../transfer/operands.ts";
import type { SegmentName } from "../uop.ts";

/** The order of CPU and manual: LSS does not hold events back. */
function load(context: AssistContext, name: Exclude<SegmentName, "CS">): Fault | null {
  const pointer = farPointer(context, 1);
  if ("vector" in pointer) return pointer;
  const fault = loadSegment(context, name, pointer.selector);
  return fault ?? context.writeOperand(0, context.decoded.operandSize, pointer.offset);
}

const rows = (opcode: string, old: boolean): readonly FormRow[] => {
  const modes = old ? "I/V" : "V/V";
  return [
    [`${opcode} /r`, "r16, m16:16", { modes }],
    [`${opcode} /r`, "r32, m16:32", { modes }],
    ...(old ? [] : [[`REX.W + ${opcode} /r`, "r64, m16:64", { modes: "V/NE" }] as const]),
  ];
};

export const LDS: readonly Instruction[] = (
  [
    ["LDS", "C5", "DS"],
    ["LES", "C4", "ES"],
    ["LFS", "0F B4", "FS"],
    ["LGS", "0F B5", "GS"],
    ["LSS", "0F B2", "SS"],
  ] as const
).map(([mnemonic, opcode, name]) =>
  instruction(mnemonic, {
    forms: rows(opcode, opcode.length === 2),
    semantics: (u) => u.assist((context) => load(context, name)),
  }),
);
