/** How trees reach memory: by the caches over the TLB alone. */

import { PAGE_MASK } from "./emit.ts";
import { CPU } from "./emit-control.ts";
import { type FunctionBody, I32 } from "./wasm.ts";

/** The local with the place in linear memory; a page that is not in the cache at `table` is for the handler. */
export function pagePlace(
  body: FunctionBody,
  table: number,
  linear: number,
  bytes: number,
  giveUp: () => void,
): number {
  const [slot, page, place] = [body.local(I32), body.local(I32), body.local(I32)];
  body.get(linear).i64(12n).op("i64.shr_u", "i32.wrap_i64").tee(page);
  body.get(page).i32(8).op("i32.shr_u", "i32.add").i32(255).op("i32.and").i32(4).op("i32.shl");
  body.get(CPU).op("i32.add").tee(slot).memory("i64.load", table);
  body.get(linear);
  if (bytes > 1) body.i64(BigInt(bytes - 1)).op("i64.add");
  body.i64(PAGE_MASK).op("i64.and", "i64.ne").if();
  giveUp();
  body.op("end");
  body.get(slot).memory("i32.load", table + 8);
  body.get(linear).op("i32.wrap_i64", "i32.add").set(place);
  return place;
}
