/** A local APIC as user space saves and loads it: the first 400h bytes of its page. KVM API, "KVM_GET_LAPIC". */

import { isX2apic, type Lapic, LAPIC_VERSION, LVT_BITS, xapicId } from "../../hw/chips/lapic.ts";
import { currentCount, restoreCount } from "../../hw/chips/lapic-timer.ts";
import type { Cycles } from "../../sim/time.ts";

const BYTES = 0x400;
const [ID, TPR, LDR, DFR, SVR, ESR, ICR_LOW, ICR_HIGH] = [
  0x20, 0x80, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310,
] as const;
const [VERSION_AT, INITIAL, CURRENT, DIVIDE] = [0x30, 0x380, 0x390, 0x3e0] as const;
const SETS = [
  ["isr", 0x100],
  ["tmr", 0x180],
  ["irr", 0x200],
] as const;
const ENTRIES = [
  ["lvtTimer", 0x320],
  ["lvtThermal", 0x330],
  ["lvtPerformance", 0x340],
  ["lvtLint0", 0x350],
  ["lvtLint1", 0x360],
  ["lvtError", 0x370],
] as const;
const MASKED = 0x1_0000;
const REMOTE_IRR = 0x4000;

export function lapicPage(s: Readonly<Lapic>, now: Cycles): readonly number[] {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: number): void => view.setUint32(at, value, true);
  put(ID, isX2apic(s) ? s.id : xapicId(s) * 0x100_0000);
  put(VERSION_AT, LAPIC_VERSION);
  put(TPR, s.tpr);
  put(LDR, s.ldr);
  put(DFR, s.dfr);
  put(SVR, s.svr);
  put(ESR, s.esr);
  put(ICR_LOW, s.icrLow);
  put(ICR_HIGH, s.icrHigh);
  for (const [name, at] of SETS) s[name].forEach((word, i) => put(at + 16 * i, word));
  for (const [name, at] of ENTRIES) put(at, s[name]);
  put(INITIAL, s.initialCount);
  put(CURRENT, currentCount(s, now));
  put(DIVIDE, s.divideConfiguration);
  return [...bytes];
}

/** The timer goes on from its current count; errors that ESR does not show yet are in no page. */
export function setLapicPage(s: Lapic, bytes: readonly number[], now: Cycles): void {
  const view = new DataView(Uint8Array.from(bytes).buffer);
  const get = (at: number): number => view.getUint32(at, true);
  if (!isX2apic(s)) s.xapicId = get(ID) >>> 24;
  s.tpr = get(TPR) & 0xff;
  s.ldr = (get(LDR) & 0xff00_0000) >>> 0;
  s.dfr = (get(DFR) | 0x0fff_ffff) >>> 0;
  s.svr = get(SVR) & 0x13ff;
  s.esr = get(ESR) & 0xff;
  s.errors = 0;
  s.icrLow = get(ICR_LOW);
  s.icrHigh = get(ICR_HIGH);
  // There are no vectors below 16.
  for (const [name, at] of SETS)
    s[name] = Array.from(
      { length: 8 },
      (_, i) => (get(at + 16 * i) & (i === 0 ? ~0xffff : ~0)) >>> 0,
    );
  for (const [name, at] of ENTRIES) s[name] = get(at) & (LVT_BITS[name] | MASKED | REMOTE_IRR);
  s.divideConfiguration = get(DIVIDE) & 0xb;
  restoreCount(s, { initial: get(INITIAL), current: get(CURRENT) }, now);
}
