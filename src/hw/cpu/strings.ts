/** What string instructions share: pointers, and repetition one iteration at a time (SDM Vol. 2B, "REP/REPE/REPZ/REPNE/REPNZ"). */

import { type Instruction, instruction } from "./instruction.ts";
import type { Semantics } from "./semantics.ts";
import type { OperandWidth, Value } from "./uop.ts";

/** The four instructions of an entry: the opcode for bytes and the next one for the rest. */
export function stringInstructions(
  name: string,
  opcode: number,
  repeat: "rep" | "repe",
  semantics: (u: Semantics, width: OperandWidth) => void,
): readonly Instruction[] {
  const hex = (value: number): string => value.toString(16).toUpperCase();
  const wide = hex(opcode + 1);
  return [
    instruction(`${name}B`, {
      forms: [[hex(opcode), ""]],
      repeat,
      semantics: (u) => semantics(u, 8),
    }),
    instruction(`${name}W`, {
      forms: [[wide, "", { sizes: [16] }]],
      repeat,
      semantics: (u) => semantics(u, 16),
    }),
    instruction(`${name}D`, {
      forms: [[wide, "", { sizes: [32] }]],
      repeat,
      semantics: (u) => semantics(u, 32),
    }),
    instruction(`${name}Q`, {
      forms: [[`REX.W + ${wide}`, "", { modes: "V/NE" }]],
      repeat,
      semantics: (u) => semantics(u, 64),
    }),
  ];
}

/** The offset of the element at rSI, in the effective segment, or at rDI, in ES. */
export function pointer(u: Semantics, gpr: "rSI" | "rDI"): Value {
  return u.gpr(gpr, u.variant.addressSize);
}

/** Moves pointers to the next element: upwards, or with DF set downwards. */
export function advance(
  u: Semantics,
  width: OperandWidth,
  pointers: Readonly<Partial<Record<"rSI" | "rDI", Value>>>,
): void {
  const { addressSize } = u.variant;
  const [up, down] = [u.const(addressSize, width / 8), u.const(addressSize, -width / 8)];
  const step = u.select(u.flag("DF"), down, up);
  for (const gpr of ["rSI", "rDI"] as const) {
    const value = pointers[gpr];
    if (value !== undefined) u.setGpr(gpr, u.add(value, step));
  }
}

/** One iteration: nothing when the count is 0 already; again while it is not 0 and `goesOn` holds. */
export function iterate(u: Semantics, body: () => { readonly goesOn: Value } | null): void {
  const { addressSize, repeat } = u.variant;
  if (repeat === "none") {
    body();
    return;
  }
  const count = u.gpr("rCX", addressSize);
  u.finishIf(u.isZero(count));
  const result = body();
  const left = u.sub(count, u.const(addressSize, 1));
  u.setGpr("rCX", left);
  const isLeft = u.isNotZero(left);
  u.repeatIf(result === null ? isLeft : u.and(isLeft, result.goesOn));
}

/** Whether REPE or REPNE goes on after a comparison. */
export function goesOn(u: Semantics, isEqual: Value): { readonly goesOn: Value } {
  return { goesOn: u.variant.repeat === "repne" ? u.not(isEqual) : isEqual };
}
