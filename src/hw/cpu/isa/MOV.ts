/** MOV: move between general registers, memory, immediates and segment registers. SDM Vol. 2B, "MOV—Move". */

import type { AssistFunction } from "../assist.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { isFault } from "../mmu.ts";
import { loadSegment } from "../segments.ts";
import { BLOCKING } from "../state.ts";
import { SEGMENT_NAMES, type SegmentName } from "../uop.ts";

const fromSegment: AssistFunction = (context) => {
  const { state, decoded } = context;
  const selector = BigInt(state.selector(SEGMENT_NAMES[context.register(1)] as SegmentName));
  const width = context.operand(0).is === "memory" ? 16 : decoded.operandSize;
  return context.writeOperand(0, width, selector);
};

/** A load of SS holds interrupts and debug exceptions back for one instruction. */
const toSegment: AssistFunction = (context) => {
  const name = SEGMENT_NAMES[context.register(0)] as Exclude<SegmentName, "CS">;
  const selector = context.readOperand(1, 16);
  if (isFault(selector)) return selector;
  const fault = loadSegment(context, name, Number(selector));
  if (fault === null && name === "SS") context.state.blocking |= BLOCKING.movSs;
  return fault;
};

const general = instruction("MOV", {
  forms: [
    ["88 /r", "r/m8, r8"],
    ["89 /r", "r/m16, r16"],
    ["89 /r", "r/m32, r32"],
    ["REX.W + 89 /r", "r/m64, r64"],
    ["8A /r", "r8, r/m8"],
    ["8B /r", "r16, r/m16"],
    ["8B /r", "r32, r/m32"],
    ["REX.W + 8B /r", "r64, r/m64"],
    ["A0", "AL, moffs8"],
    ["A1", "AX, moffs16"],
    ["A1", "EAX, moffs32"],
    ["REX.W + A1", "RAX, moffs64"],
    ["A2", "moffs8, AL"],
    ["A3", "moffs16, AX"],
    ["A3", "moffs32, EAX"],
    ["REX.W + A3", "moffs64, RAX"],
    ["B0+rb ib", "r8, imm8"],
    ["B8+rw iw", "r16, imm16"],
    ["B8+rd id", "r32, imm32"],
    ["REX.W + B8+rd io", "r64, imm64"],
    ["C6 /0 ib", "r/m8, imm8"],
    ["C7 /0 iw", "r/m16, imm16"],
    ["C7 /0 id", "r/m32, imm32"],
    ["REX.W + C7 /0 id", "r/m64, imm32"],
  ],
  semantics: (u, dst, src) => u.write(dst, u.readSigned(src, dst.width)),
});

const storesSegment = instruction("MOV", {
  forms: [
    ["8C /r", "r/m16, Sreg"],
    ["8C /r", "r32/m16, Sreg"],
    ["REX.W + 8C /r", "r64/m16, Sreg"],
  ],
  semantics: (u) => u.assist(fromSegment),
});

const loadsSegment = instruction("MOV", {
  forms: [["8E /r", "Sreg, r/m16", { sizes: [null] }]],
  semantics: (u) => u.assist(toSegment),
});

export const MOV: readonly Instruction[] = [general, storesSegment, loadsSegment];
