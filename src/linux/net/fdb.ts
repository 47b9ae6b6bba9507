/**
 * The forwarding database of a bridge: which port the sender of an address was last seen at. IEEE Std 802.1Q, "The
 * Filtering Database"; Linux, bridge(8), "fdb", and ip-link(8), fdb_max_learned: what is full learns nothing more until
 * something in it is old.
 */

import { CYCLES_PER_SECOND, type Cycles } from "../../sim/time.ts";

interface Learned {
  port: number;
  seen: Cycles;
}

export interface Fdb {
  /** By VLAN and address. */
  entries: Record<string, Learned>;
  count: number;
  /** Old entries were last taken out then. */
  swept: Cycles;
}

/** Linux, bridge ageing_time. */
export const AGEING: Cycles = 300 * CYCLES_PER_SECOND;
const LEARNED_MAX = 4096;

export const newFdb = (): Fdb => ({ entries: {}, count: 0, swept: 0 });

/** An address is a number of 48 bits. */
const keyOf = (vlan: number, address: number): string => `vlan ${vlan} address ${address}`;
const isOld = ({ seen }: Learned, now: Cycles): boolean => now - seen > AGEING;

/** The port of an address, or null for one that was not seen lately. */
export function portOf(
  { entries }: Fdb,
  vlan: number,
  address: number,
  now: Cycles,
): number | null {
  const found = entries[keyOf(vlan, address)];
  return found === undefined || isOld(found, now) ? null : found.port;
}

export function learn(fdb: Fdb, vlan: number, address: number, port: number, now: Cycles): void {
  const key = keyOf(vlan, address);
  const known = fdb.entries[key];
  if (known !== undefined) {
    known.port = port;
    known.seen = now;
    return;
  }
  if (fdb.count === LEARNED_MAX) sweep(fdb, now);
  if (fdb.count === LEARNED_MAX) return;
  fdb.entries[key] = { port, seen: now };
  fdb.count += 1;
}

/** At most once a second, so that who sends from many addresses does not make it slow. */
function sweep(fdb: Fdb, now: Cycles): void {
  if (now - fdb.swept < CYCLES_PER_SECOND) return;
  const kept = Object.entries(fdb.entries).filter(([, entry]) => !isOld(entry, now));
  fdb.entries = Object.fromEntries(kept);
  fdb.count = kept.length;
  fdb.swept = now;
}
