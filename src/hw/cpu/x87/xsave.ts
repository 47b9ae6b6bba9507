/**
 * What XSAVE and XRSTOR do, in their standard and compacted forms: SDM Vol. 1, "Managing State Using the XSAVE Feature
 * Set". Not modelled: components beyond x87 and SSE; the modified optimization, which an implementation may leave out.
 */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0, plainFault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { BIT, type CpuState } from "../state.ts";
import { fromBytes, toBytes } from "./execution.ts";
import {
  formOf,
  initializeX87,
  initializeXmm,
  LEGACY_BYTES,
  loadX87,
  loadXmm,
  MXCSR_INITIAL,
  MXCSR_MASK,
  mxcsrIn,
  mxcsrPart,
  type Part,
  storeParts,
  x87Parts,
  xmmPart,
} from "./legacy-region.ts";
import { X87Unit } from "./unit.ts";

/** State components, by their bits in XCR0. */
export const COMPONENT = { x87: 1n, sse: 2n, avx: 4n } as const;
/** Those that XSETBV may enable. */
export const SUPPORTED = COMPONENT.x87 | COMPONENT.sse;
/** Of XCOMP_BV. */
const COMPACTED = 1n << 63n;
const AREA_ALIGNMENT = 64n;
export const HEADER_BYTES = 64;
const XCOMP_BV_AT = 8;
const [RAX, RDX] = [0, 2];
/** MXCSR goes with either of these in the standard form. */
const WITH_MXCSR = COMPONENT.sse | COMPONENT.avx;

export type SaveKind = "XSAVE" | "XSAVEOPT" | "XSAVEC";

/** XINUSE: components that are not in their initial configuration. MXCSR is not asked. */
export function inUse(state: CpuState): bigint {
  let xmm = 0n;
  for (let i = 0; i < 16; i += 1) xmm |= state.xmm(i);
  return (new X87Unit(state).isInitial ? 0n : COMPONENT.x87) | (xmm === 0n ? 0n : COMPONENT.sse);
}

/** #UD, #NM, and the area's alignment; or where it lies. */
function areaOf(context: AssistContext): bigint | Fault {
  const { state } = context;
  if (!state.has("CR4", BIT.CR4.OSXSAVE)) return plainFault("#UD");
  if (state.has("CR0", BIT.CR0.TS)) return plainFault("#NM");
  const offset = context.offset(0);
  return context.linear("effective", offset) % AREA_ALIGNMENT === 0n ? offset : GP0;
}

/** The requested-feature bitmap: EDX:EAX and XCR0. */
function requested({ state }: AssistContext): bigint {
  const low = BigInt.asUintN(32, state.gpr(RAX));
  const high = BigInt.asUintN(32, state.gpr(RDX));
  return ((high << 32n) | low) & state.xcr0;
}

export function save(context: AssistContext, kind: SaveKind): Fault | null {
  const offset = areaOf(context);
  if (isFault(offset)) return offset;
  // Legacy region and header have to be there, whatever is asked for: as in AMD's processors.
  const tried = context.tryStore("effective", offset, LEGACY_BYTES + HEADER_BYTES);
  if (tried !== null) return tried;
  const before = context.load("effective", offset + BigInt(LEGACY_BYTES), 8);
  if (isFault(before)) return before;
  const asked = requested(context);
  const parts = partsToSave(context, asked, kind);
  parts.push({ at: LEGACY_BYTES, bytes: headerOf(context, asked, before, kind) });
  return storeParts(context, offset, parts);
}

function partsToSave(context: AssistContext, asked: bigint, kind: SaveKind): Part[] {
  const form = formOf(context);
  const saved = kind === "XSAVE" ? asked : asked & savedInUse(context.state, kind);
  const parts: Part[] = [];
  if ((saved & COMPONENT.x87) !== 0n) parts.push(...x87Parts(form));
  const withMxcsr = kind === "XSAVEC" ? saved & COMPONENT.sse : asked & WITH_MXCSR;
  if (withMxcsr !== 0n) parts.push(mxcsrPart(form));
  if ((saved & COMPONENT.sse) !== 0n) parts.push(xmmPart(form));
  return parts;
}

/** XSAVEC counts SSE state as in use for MXCSR's sake too (Vol. 2D, "XSAVEC"). */
export function savedInUse(state: CpuState, kind: SaveKind): bigint {
  const forMxcsr = kind === "XSAVEC" && state.mxcsr !== MXCSR_INITIAL ? COMPONENT.sse : 0n;
  return inUse(state) | forMxcsr;
}

/** XSTATE_BV, of which XSAVE and XSAVEOPT keep what was not asked for; XSAVEC writes XCOMP_BV too. */
function headerOf(
  context: AssistContext,
  asked: bigint,
  before: bigint,
  kind: SaveKind,
): Uint8Array {
  const now = asked & savedInUse(context.state, kind);
  if (kind === "XSAVEC") return toBytes(((COMPACTED | asked) << 64n) | now, 16);
  return toBytes((before & ~asked) | now, 8);
}

export function restore(context: AssistContext): Fault | null {
  const offset = areaOf(context);
  if (isFault(offset)) return offset;
  const area = context.loadBytes("effective", offset, LEGACY_BYTES + HEADER_BYTES);
  if (isFault(area)) return area;
  const [image, header] = [area.subarray(0, LEGACY_BYTES), area.subarray(LEGACY_BYTES)];
  const found = fromBytes(header.subarray(0, XCOMP_BV_AT));
  const isCompacted = isCompactedIn(header);
  if (!isValid(header, found, context.state.xcr0)) return GP0;
  const form = formOf(context);
  const asked = requested(context);
  const loaded = asked & found;
  const sse = isCompacted ? loaded & COMPONENT.sse : asked & WITH_MXCSR;
  const mxcsr = sse === 0n ? null : mxcsrIn(image);
  if (mxcsr !== null && (mxcsr & ~MXCSR_MASK) !== 0) return GP0;
  if (mxcsr !== null) context.state.mxcsr = mxcsr;
  else if (isCompacted && (asked & COMPONENT.sse) !== 0n) context.state.mxcsr = MXCSR_INITIAL;
  if ((loaded & COMPONENT.x87) !== 0n) loadX87(form, image);
  else if ((asked & COMPONENT.x87) !== 0n) initializeX87(form);
  if ((loaded & COMPONENT.sse) !== 0n) loadXmm(form, image);
  else if ((asked & COMPONENT.sse) !== 0n) initializeXmm(form);
  return null;
}

const isCompactedIn = (header: Uint8Array): boolean =>
  ((header[XCOMP_BV_AT + 7] as number) & 0x80) !== 0;

/** SDM Vol. 1, "Standard Form of XRSTOR" and "Compacted Form of XRSTOR". */
function isValid(header: Uint8Array, found: bigint, xcr0: bigint): boolean {
  const isZero = (from: number, to: number): boolean =>
    header.subarray(from, to).every((byte) => byte === 0);
  if (!isCompactedIn(header)) return (found & ~xcr0) === 0n && isZero(XCOMP_BV_AT, 24);
  const compacted = fromBytes(header.subarray(XCOMP_BV_AT, 16)) & ~COMPACTED;
  return (compacted & ~xcr0) === 0n && (found & ~compacted) === 0n && isZero(16, HEADER_BYTES);
}
