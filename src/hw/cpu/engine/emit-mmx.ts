/** Micro-ops on MMX registers and the x87 state around them, in emitted code. */

import { CR0, controlOffset, OFFSET } from "../state.ts";
import type { MmxMicroOp } from "../vector.ts";
import { ES, TOP, WIRES } from "../x87/unit.ts";
import { CPU } from "./emit-control.ts";
import type { VectorEmitter } from "./emit-vector.ts";

/** Where the sign and exponent lie behind the significand. */
const SIGN_EXPONENT = 8;

export function emitMmx(micro: MmxMicroOp, to: VectorEmitter): void {
  const { body, locals } = to;
  switch (micro.op) {
    case "readMmx":
      to.registerAddress(micro.operand).memory("i64.load");
      return;
    case "writeMmx":
      to.registerAddress(micro.operand)
        .get(locals[micro.value] as number)
        .memory("i64.store");
      to.registerAddress(micro.operand).i64(0xffffn).memory("i64.store16", SIGN_EXPONENT);
      return;
    case "enterMmx":
      body.get(CPU).get(CPU).memory("i64.load16_u", OFFSET.x87Status);
      body
        .i64(BigInt(0xffff & ~TOP))
        .op("i64.and")
        .memory("i64.store16", OFFSET.x87Status);
      body.get(CPU).i64(0n).memory("i64.store16", OFFSET.x87Tag);
      return;
    case "x87Waits":
      // An exception is summarized, and CR0.NE is set or IGNNE# is not.
      body.get(CPU).memory("i64.load16_u", OFFSET.x87Status).i64(BigInt(ES)).op("i64.and");
      body.i64(0n).op("i64.ne");
      body.get(CPU).memory("i64.load", controlOffset("CR0")).i64(CR0.NE).op("i64.and");
      body.get(CPU).memory("i64.load8_u", OFFSET.x87Wires).i64(BigInt(WIRES.IGNNE));
      body.op("i64.and", "i64.eqz").op("i64.extend_i32_u", "i64.or").i64(0n);
      body.op("i64.ne", "i32.and");
      return;
  }
}
