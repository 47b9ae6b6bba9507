/** PUSH: push onto the stack. SDM Vol. 2B, "PUSH—Push Word, Doubleword, or Quadword Onto the Stack". */

import type { AssistFunction } from "../assist.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { currentStack, Frame, setStackPointer } from "../transfer/stack.ts";
import type { SegmentName } from "../uop.ts";

/** Zero-extended to the operand size, which the manual leaves open for 32 bits. */
const pushSegment = (context: Parameters<AssistFunction>[0], name: SegmentName) => {
  const { state, decoded } = context;
  const stack = currentStack(state);
  const frame = new Frame(context, stack);
  frame.push(BigInt(state.selector(name)), decoded.operandSize / 8);
  const fault = frame.write();
  if (fault === null) setStackPointer(state, frame.pointer, stack.size);
  return fault;
};

const general = instruction("PUSH", {
  forms: [
    ["FF /6", "r/m16"],
    ["FF /6", "r/m32", { modes: "NE/V" }],
    ["FF /6", "r/m64", { default64: true, modes: "V/NE" }],
    ["50+rw", "r16"],
    ["50+rd", "r32", { modes: "NE/V" }],
    ["50+rd", "r64", { default64: true, modes: "V/NE" }],
    ["6A ib", "imm8", { sizes: [16] }],
    ["6A ib", "imm8", { sizes: [32], modes: "NE/V" }],
    ["6A ib", "imm8", { sizes: [64], default64: true, modes: "V/NE" }],
    ["68 iw", "imm16", { sizes: [16] }],
    ["68 id", "imm32", { sizes: [32], modes: "NE/V" }],
    ["68 id", "imm32", { sizes: [64], default64: true, modes: "V/NE" }],
  ],
  semantics: (u, src) => u.push(u.readSigned(src, u.variant.operandSize)),
});

const SEGMENTS: readonly (readonly [string, SegmentName])[] = [
  ["06", "ES"],
  ["0E", "CS"],
  ["16", "SS"],
  ["1E", "DS"],
  ["0F A0", "FS"],
  ["0F A8", "GS"],
];

const ofSegments = SEGMENTS.map(([opcode, name]) =>
  instruction("PUSH", {
    forms: opcode.startsWith("0F")
      ? [
          [opcode, name, { sizes: [16] }],
          [opcode, name, { sizes: [32], modes: "NE/V" }],
          [opcode, name, { sizes: [64], default64: true, modes: "V/NE" }],
        ]
      : [[opcode, name, { sizes: [16, 32], modes: "I/V" }]],
    semantics: (u) => u.assist((context) => pushSegment(context, name)),
  }),
);

export const PUSH: readonly Instruction[] = [general, ...ofSegments];
