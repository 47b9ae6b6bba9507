/** What the guest is to give away: QEMU QMP Reference Manual, balloon. */

import { fieldsOf, wholeOf } from "../linux/fields.ts";
import type { Json, Plain } from "../sim/data.ts";
import { PAGE_SIZE } from "../sim/paged-memory.ts";

/** `{bytes}` is what the guest should have; what it should give of its RAM, in pages. More than it has is all of it. */
export function balloonPages(payload: Plain, place: string, ramBytes: number): number {
  const fields = fieldsOf(payload as Json, place, ["bytes"]);
  const bytes = wholeOf(fields["bytes"], `${place}: bytes`, 1, Number.MAX_SAFE_INTEGER);
  return Math.floor((ramBytes - Math.min(bytes, ramBytes)) / PAGE_SIZE);
}
