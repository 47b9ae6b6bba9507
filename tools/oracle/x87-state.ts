/** The x87 state that the instructions of that unit are put to: every control word, stacks of every filling. */

import type { Draws } from "./draws.ts";

const MASKS = 0x3f;
const XSAVE_BYTES = 576;
const PENDING = 0x8080;
const ADDRESS_BITS = 47;

/** Into an image as FXSAVE makes it. */
export function drawStack(draws: Draws, view: DataView): void {
  const control = drawControl(draws);
  const status = drawStatus(draws, control);
  view.setUint16(0, control, true);
  view.setUint16(2, status, true);
  view.setUint8(4, drawTags(draws, (status >> 11) & 7));
  // Without an exception an AMD processor keeps no pointers when the host's kernel switches to another program.
  if ((status & PENDING) !== 0) {
    view.setUint16(6, draws.below(0x800), true);
    view.setBigUint64(8, BigInt.asUintN(ADDRESS_BITS, draws.u64()), true);
    view.setBigUint64(16, BigInt.asUintN(ADDRESS_BITS, draws.u64()), true);
  }
  for (let i = 0; i < 8; i++) {
    const { significand, signExponent } = draws.extended();
    view.setBigUint64(32 + 16 * i, significand, true);
    view.setUint16(40 + 16 * i, signExponent, true);
  }
  // Equal numbers, or those that differ in the sign alone.
  if (!draws.chance(6)) return;
  view.setBigUint64(48, view.getBigUint64(32, true), true);
  view.setUint16(56, view.getUint16(40, true) ^ (draws.below(2) << 15), true);
}

function drawControl(draws: Draws): number {
  const rounding = draws.below(4) << 10;
  const precision = draws.pick([0, 1, 2, 3, 3, 3]) << 8;
  const masks = draws.pick([MASKS, MASKS, draws.below(64), MASKS & ~(1 << draws.below(6))]);
  const infinity = draws.chance(8) ? 0x1000 : 0;
  return 0x40 | infinity | rounding | precision | masks;
}

/** Pending now and then; flags that are masked, and condition codes, as often as not. */
function drawStatus(draws: Draws, control: number): number {
  const flags = draws.chance(2) ? 0 : draws.below(128);
  const allowed = draws.chance(8) ? flags : flags & (control | 0x40);
  const conditions = draws.chance(2) ? 0 : draws.u32() & 0x4700;
  const pending = (allowed & ~control & MASKS) === 0 ? 0 : PENDING;
  return (draws.below(8) << 11) | conditions | allowed | pending;
}

/** A bit for each physical register that is not empty. */
function drawTags(draws: Draws, top: number): number {
  const rotated = (stack: number): number => ((stack << top) | (stack >> (8 - top))) & 0xff;
  switch (draws.below(8)) {
    case 0:
      return draws.below(256);
    case 1:
      return draws.pick([0, rotated(1), rotated(2)]);
    case 2:
    case 3:
      return 0xff;
    default:
      // Room for a push.
      return rotated(0x7f);
  }
}

/** An area of XSAVE with x87 and SSE state alone, mostly as an instruction would have left it. */
export function drawXsaveArea(draws: Draws, legacy: Uint8Array): Uint8Array {
  const area = new Uint8Array(XSAVE_BYTES);
  area.set(legacy);
  const view = new DataView(area.buffer);
  if (draws.chance(16)) view.setUint32(24, draws.u32(), true);
  const components = BigInt(draws.pick([0, 1, 2, 3, 3, 3]));
  const beyond = draws.chance(16) ? draws.pick([8n, 1n << 20n, 1n << 62n]) : 0n;
  view.setBigUint64(512, components | beyond, true);
  if (draws.chance(3)) {
    const compacted = draws.chance(4) ? BigInt(draws.below(4)) : 3n;
    view.setBigUint64(520, (1n << 63n) | compacted | (draws.chance(16) ? 8n : 0n), true);
  } else if (draws.chance(16)) {
    view.setBigUint64(520, draws.integer(), true);
  }
  if (draws.chance(12)) area[528 + draws.below(48)] = 1;
  return area;
}
