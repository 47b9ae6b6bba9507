/** ENTER: make a stack frame. SDM Vol. 2A, "ENTER—Make Stack Frame for Procedure Parameters". */

import { linearAddress } from "../addressing.ts";
import type { AssistContext } from "../assist.ts";
import type { Fault } from "../fault.ts";
import { instruction } from "../instruction.ts";
import { isFault } from "../mmu.ts";
import { currentStack, Frame, setStackPointer } from "../transfer/stack.ts";

const RBP = 5;

function enter(context: AssistContext): Fault | null {
  const { state, memory, decoded } = context;
  const [allocated, nesting] = decoded.operands.map((operand) =>
    operand.is === "immediate" ? Number(operand.value) : 0,
  ) as [number, number];
  const level = nesting % 32;
  const bytes = decoded.operandSize / 8;
  const stack = currentStack(state);
  const frame = new Frame(context, stack);
  const base = state.gpr(RBP);
  frame.push(base, bytes);
  const pointer = frame.pointer;
  for (let i = 1; i < level; i += 1) {
    const at = BigInt.asUintN(stack.size, base - BigInt(i * bytes));
    const linear = linearAddress(state, "SS", at, bytes, false);
    if (isFault(linear)) return linear;
    const saved = memory.read(linear, bytes, "read");
    if (isFault(saved)) return saved;
    frame.push(saved, bytes);
  }
  if (level > 0) frame.push(pointer, bytes);
  const top = BigInt.asUintN(stack.size, frame.pointer - BigInt(allocated));
  const written = frame.check() ?? tried(context, top, bytes) ?? frame.write();
  if (written !== null) return written;
  const kept = bytes === 2 ? base & ~0xffffn : 0n;
  state.setGpr(RBP, kept | BigInt.asUintN(8 * bytes, pointer));
  setStackPointer(state, top, stack.size);
  return null;
}

/** The place of the next push has to be writable. */
function tried({ state, memory }: AssistContext, top: bigint, bytes: number): Fault | null {
  const linear = linearAddress(state, "SS", top, bytes, true);
  if (isFault(linear)) return linear;
  const found = memory.read(linear, bytes, "modify");
  return isFault(found) ? found : null;
}

export const ENTER = instruction("ENTER", {
  forms: [
    ["C8 iw ib", "imm16, imm8", { sizes: [16] }],
    ["C8 iw ib", "imm16, imm8", { sizes: [32], modes: "NE/V" }],
    ["C8 iw ib", "imm16, imm8", { sizes: [64], default64: true, modes: "V/NE" }],
  ],
  semantics: (u) => u.assist(enter),
});
