/** INVLPG: invalidate TLB entries. SDM Vol. 2A, "INVLPG—Invalidate TLB Entries". An address that is not canonical invalidates nothing. */

import { isCanonical } from "../../addressing.ts";
import { privilegedInstruction } from "../../system.ts";

export const INVLPG = privilegedInstruction("INVLPG", { forms: [["0F 01 /7", "m"]] }, (context) => {
  const intercepted = context.intercepted("INVLPG");
  if (intercepted !== null) return intercepted;
  const linear = context.linear("effective", context.offset(0));
  if (isCanonical(linear)) context.memory.invalidatePage(linear);
  return null;
});
