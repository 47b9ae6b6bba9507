/**
 * The whole image of x87 and SSE state, as a kernel keeps it for those that do not run: SDM Vol. 1, "Standard Form of
 * XSAVE", "Standard Form of XRSTOR".
 */

import type { CpuState } from "../state.ts";
import { fromBytes, toBytes } from "./execution.ts";
import {
  type ImageForm,
  initializeX87,
  initializeXmm,
  LEGACY_BYTES,
  loadX87,
  loadXmm,
  MXCSR_INITIAL,
  MXCSR_MASK,
  mxcsrIn,
  mxcsrPart,
  x87Parts,
  xmmPart,
} from "./legacy-region.ts";
import { COMPONENT, HEADER_BYTES, savedInUse } from "./xsave.ts";

/** With wide pointers, whether an exception is pending or not, and with all XMM registers. */
const formOf = (state: CpuState): ImageForm => ({
  state,
  isWide: true,
  showsPointers: true,
  xmmCount: 16,
});

/** As FXSAVE makes it. */
export function legacyImage(state: CpuState): Uint8Array {
  const form = formOf(state);
  const image = new Uint8Array(LEGACY_BYTES);
  for (const { at, bytes } of [...x87Parts(form), mxcsrPart(form), xmmPart(form)])
    image.set(bytes, at);
  return image;
}

/** All but MXCSR. */
export function loadLegacyImage(state: CpuState, image: Uint8Array): void {
  const form = formOf(state);
  loadX87(form, image);
  loadXmm(form, image);
}

/** As XSAVE makes it. */
export function xsaveImage(state: CpuState): Uint8Array {
  const image = new Uint8Array(LEGACY_BYTES + HEADER_BYTES);
  image.set(legacyImage(state));
  image.set(toBytes(savedInUse(state, "XSAVEC"), 8), LEGACY_BYTES);
  return image;
}

/** Loads one; false, and nothing has changed, where XRSTOR with these components would be #GP(0). */
export function loadXsaveImage(state: CpuState, image: Uint8Array, components: bigint): boolean {
  const header = image.subarray(LEGACY_BYTES, LEGACY_BYTES + HEADER_BYTES);
  const found = fromBytes(header.subarray(0, 8));
  if ((found & ~components) !== 0n || header.subarray(8).some((byte) => byte !== 0)) return false;
  const mxcsr = mxcsrIn(image);
  if (found !== 0n && (mxcsr & ~MXCSR_MASK) !== 0) return false;
  const form = formOf(state);
  if ((found & COMPONENT.x87) === 0n) initializeX87(form);
  else loadX87(form, image);
  if ((found & COMPONENT.sse) === 0n) initializeXmm(form);
  else loadXmm(form, image);
  state.mxcsr = (found & COMPONENT.sse) === 0n ? MXCSR_INITIAL : mxcsr;
  return true;
}
