/** How emitted code goes from one instruction to the next, and the handlers that belong to none. */

import { OFFSET } from "../state.ts";
import { CACHES, EXIT, type Level, RECORD, SCRATCH } from "./layout.ts";
import { FunctionBody, I32, I64 } from "./wasm.ts";

/** Parameters of a handler: the address of the CPU's block and that of the record. */
export const CPU = 0;
export const REC = 1;
/** The type of a handler in its module. */
export const HANDLER_TYPE = 0;

/** Goes to the block at the address in local `rip`, or returns to the host. */
export function emitGoto(body: FunctionBody, rip: number, level: Level): void {
  const { jumps } = CACHES[level];
  const slot = body.local(I32);
  const target = body.local(I32);
  const left = body.local(I32);
  body.get(rip).op("i32.wrap_i64").tee(slot).get(slot).i32(10).op("i32.shr_u", "i32.xor");
  body.i32(1023).op("i32.and").i32(4).op("i32.shl").get(CPU).op("i32.add").tee(slot);
  body.memory("i64.load", jumps).get(rip).op("i64.ne").if();
  body.get(CPU).get(rip).memory("i64.store", OFFSET.rip);
  body.i32(EXIT.lookup).op("return", "end");
  body
    .get(slot)
    .memory("i32.load", jumps + 8)
    .set(target);
  body.get(CPU).memory("i32.load", SCRATCH.budget);
  body
    .get(target)
    .memory("i32.load", RECORD.blockCycles)
    .op("i32.sub")
    .tee(left)
    .i32(0)
    .op("i32.lt_s")
    .if();
  body.get(CPU).get(rip).memory("i64.store", OFFSET.rip);
  body.i32(EXIT.budget).op("return", "end");
  body.get(CPU).get(left).memory("i32.store", SCRATCH.budget);
  body
    .get(CPU)
    .get(target)
    .get(target)
    .memory("i32.load", RECORD.handler)
    .tailCallIndirect(HANDLER_TYPE);
}

/** The handler after the last record of a block: goes to the instruction that follows. */
export function emitBlockEnd(level: Level): FunctionBody {
  const body = new FunctionBody(2);
  const rip = body.local(I64);
  body.get(REC).memory("i64.load", RECORD.nextRip).set(rip);
  emitGoto(body, rip, level);
  return body;
}

/** The handler of a record that must not be executed any more. */
export function emitStale(): FunctionBody {
  const body = new FunctionBody(2);
  body.get(CPU).get(REC).memory("i32.store", SCRATCH.record);
  return body.i32(EXIT.leave).op("return");
}
