/** POP: pop from the stack. SDM Vol. 2B, "POP—Pop a Value From the Stack". */

import type { AssistFunction } from "../assist.ts";
import type { Fault } from "../fault.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { loadSegment } from "../segments.ts";
import { BLOCKING } from "../state.ts";
import { currentStack, peek, setStackPointer } from "../transfer/stack.ts";
import type { SegmentName } from "../uop.ts";

type Loaded = Exclude<SegmentName, "CS">;

/** Only the selector's 16 bits are read. POP SS holds events back as MOV SS does. */
function popSegment(context: Parameters<AssistFunction>[0], name: Loaded): Fault | null {
  const { state, decoded } = context;
  const values = peek(context, 1, 2);
  if (!Array.isArray(values)) return values;
  const { pointer, size } = currentStack(state);
  const fault = loadSegment(context, name, Number(values[0]));
  if (fault !== null) return fault;
  setStackPointer(state, pointer + BigInt(decoded.operandSize / 8), size);
  if (name === "SS") state.blocking |= BLOCKING.movSs;
  return null;
}

const general = instruction("POP", {
  forms: [
    ["8F /0", "r/m16", { popsFirst: true }],
    ["8F /0", "r/m32", { popsFirst: true, modes: "NE/V" }],
    ["8F /0", "r/m64", { popsFirst: true, default64: true, modes: "V/NE" }],
    ["58+rw", "r16"],
    ["58+rd", "r32", { modes: "NE/V" }],
    ["58+rd", "r64", { default64: true, modes: "V/NE" }],
  ],
  semantics: (u, dst) => {
    const value = u.top(dst.width);
    if (dst.place === "memory") {
      u.write(dst, value);
      u.drop(dst.width / 8);
    } else {
      // POP rSP leaves what was popped.
      u.drop(dst.width / 8);
      u.write(dst, value);
    }
  },
});

const SEGMENTS: readonly (readonly [string, Loaded])[] = [
  ["1F", "DS"],
  ["07", "ES"],
  ["17", "SS"],
  ["0F A1", "FS"],
  ["0F A9", "GS"],
];

const ofSegments = SEGMENTS.map(([opcode, name]) =>
  instruction("POP", {
    forms: opcode.startsWith("0F")
      ? [
          [opcode, name, { sizes: [16] }],
          [opcode, name, { sizes: [32], modes: "NE/V" }],
          [opcode, name, { sizes: [64], default64: true, modes: "V/NE" }],
        ]
      : [[opcode, name, { sizes: [16, 32], modes: "I/V" }]],
    semantics: (u) => u.assist((context) => popSegment(context, name)),
  }),
);

export const POP: readonly Instruction[] = [general, ...ofSegments];
