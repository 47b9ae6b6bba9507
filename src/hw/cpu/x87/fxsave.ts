/** FXSAVE and FXRSTOR: SDM Vol. 1, "FXSAVE and FXRSTOR Instructions". Not modelled: EFER.FFXSR. */

import { isCanonical, segmentFault } from "../addressing.ts";
import type { AssistContext } from "../assist.ts";
import { type Fault, GP0, plainFault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { is64Bit } from "../mode.ts";
import { BIT } from "../state.ts";
import {
  formOf,
  LEGACY_BYTES,
  loadX87,
  loadXmm,
  MXCSR_MASK,
  mxcsrIn,
  mxcsrPart,
  storeParts,
  x87Parts,
  xmmPart,
} from "./legacy-region.ts";

const IMAGE_ALIGNMENT = 16n;

/** Where the image lies, or #UD, #NM or the fault of its alignment. */
function imageOf(context: AssistContext): bigint | Fault {
  if (context.state.has("CR0", BIT.CR0.EM)) return plainFault("#UD");
  if (context.state.has("CR0", BIT.CR0.TS)) return plainFault("#NM");
  const offset = context.offset(0);
  const linear = context.linear("effective", offset);
  // #SS(0) comes before #GP(0) for the alignment, unlike for XSAVE: as in AMD's processors.
  if (is64Bit(context.state) && !isCanonical(linear)) return segmentFault(context.decoded.segment);
  return linear % IMAGE_ALIGNMENT === 0n ? offset : GP0;
}

/** Without it, SSE state stays where it is. */
const hasSse = ({ state }: AssistContext): boolean => state.has("CR4", BIT.CR4.OSFXSR);

export function fxsave(context: AssistContext): Fault | null {
  const offset = imageOf(context);
  if (isFault(offset)) return offset;
  const tried = context.tryStore("effective", offset, LEGACY_BYTES);
  if (tried !== null) return tried;
  const form = formOf(context);
  const sse = hasSse(context) ? [mxcsrPart(form), xmmPart(form)] : [];
  return storeParts(context, offset, [...x87Parts(form), ...sse]);
}

export function fxrstor(context: AssistContext): Fault | null {
  const offset = imageOf(context);
  if (isFault(offset)) return offset;
  const image = context.loadBytes("effective", offset, LEGACY_BYTES);
  if (isFault(image)) return image;
  const form = formOf(context);
  if (hasSse(context)) {
    const mxcsr = mxcsrIn(image);
    if ((mxcsr & ~MXCSR_MASK) !== 0) return GP0;
    context.state.mxcsr = mxcsr;
    loadXmm(form, image);
  }
  loadX87(form, image);
  return null;
}
