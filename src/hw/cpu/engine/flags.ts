/** RFLAGS to and from the form in which the interpreter keeps the status flags; see SCRATCH in layout.ts. */

import { OFFSET } from "../state.ts";
import { SCRATCH } from "./layout.ts";

const CF = 1;
const PF = 4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;
const STATUS = CF | PF | AF | ZF | SF | OF;

/** At entry: from RFLAGS. `view` begins at the CPU's block. */
export function unpackFlags(view: DataView): void {
  const flags = view.getUint32(OFFSET.rflags, true);
  const carry = flags & CF;
  const carryXorOverflow = carry ^ ((flags & OF) === 0 ? 0 : 1);
  const inverted = ((flags & SF) === 0 ? 0 : 1) | ((flags & PF) === 0 ? 2 : 0);
  view.setUint32(SCRATCH.flagResult, (flags & ZF) === 0 ? 256 : 0, true);
  view.setUint32(SCRATCH.flagResult + 4, 0, true);
  view.setUint32(SCRATCH.flagAux, ((flags & AF) === 0 ? 0 : 8) | inverted, true);
  view.setUint32(SCRATCH.flagAux + 4, ((carry << 31) | (carryXorOverflow << 30)) >>> 0, true);
}

/** At exit: to RFLAGS. */
export function packFlags(view: DataView): void {
  const low = view.getUint32(SCRATCH.flagResult, true);
  const high = view.getUint32(SCRATCH.flagResult + 4, true);
  const aux = view.getUint32(SCRATCH.flagAux, true);
  const carries = view.getUint32(SCRATCH.flagAux + 4, true);
  let parity = low & 0xff;
  parity ^= parity >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  let flags = carries >>> 31 === 1 ? CF : 0;
  if (((carries >>> 31) ^ (carries >>> 30)) & 1) flags |= OF;
  if ((aux & 8) !== 0) flags |= AF;
  if ((low | high) === 0) flags |= ZF;
  if (((high >>> 31) ^ aux) & 1) flags |= SF;
  if (((parity ^ (aux >> 1)) & 1) === 0) flags |= PF;
  const others = view.getUint32(OFFSET.rflags, true) & ~STATUS;
  view.setUint32(OFFSET.rflags, (others | flags) >>> 0, true);
}
