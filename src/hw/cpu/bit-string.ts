/** What BT, BTC, BTR and BTS share: rows, and the bit that an offset names (SDM Vol. 2A, "BT—Bit Test"). */

import type { FormRow } from "./forms.ts";
import type { InstructionText } from "./instruction.ts";
import type { Operand, Semantics } from "./semantics.ts";
import type { Value } from "./uop.ts";

export function bitRows(byRegister: string, digit: number): readonly FormRow[] {
  return [
    [`0F ${byRegister} /r`, "r/m16, r16"],
    [`0F ${byRegister} /r`, "r/m32, r32"],
    [`REX.W + 0F ${byRegister} /r`, "r/m64, r64"],
    [`0F BA /${digit} ib`, "r/m16, imm8"],
    [`0F BA /${digit} ib`, "r/m32, imm8"],
    [`REX.W + 0F BA /${digit} ib`, "r/m64, imm8"],
  ];
}

/** Where the bit lies: the offset of the memory unit that holds it; a register reaches beyond the operand. */
function placeOf(u: Semantics, base: Operand, offset: Operand): Value {
  const address = u.address(base);
  if (offset.place === "immediate") return address;
  const { width } = base;
  const bitsLog2 = 31 - Math.clz32(width);
  const units = u.sar(u.read(offset), u.const(width, bitsLog2));
  const bytes = u.shl(u.signExtend(units, 64), u.const(64, bitsLog2 - 3));
  return u.add(address, u.truncate(bytes, address.width));
}

/** CF becomes the bit; `change` makes the new value from the old one and the bit's mask. */
export function bitTest(
  change: ((u: Semantics, value: Value, mask: Value) => Value) | null,
): InstructionText["semantics"] {
  return (u, base, offset) => {
    const { width } = base;
    const place = base.place === "memory" ? placeOf(u, base, offset) : null;
    const value = place === null ? u.read(base) : u.load("effective", place, width);
    const index = u.and(u.resize(u.read(offset), width), u.const(width, width - 1));
    const bit = u.bit(u.shr(value, index), 0);
    if (change !== null) {
      const changed = change(u, value, u.shl(u.const(width, 1), index));
      if (place === null) u.write(base, changed);
      else u.store("effective", place, changed);
    }
    u.setFlags({ CF: bit });
  };
}
