/** Which ports and MSRs are intercepted: APM Vol. 2, "IOIO Intercepts", "MSR Intercepts". */

import type { AssistContext } from "../assist.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import { SEGMENT_NAMES } from "../uop.ts";
import type { PortAccess } from "../virtualization.ts";
import { IOIO } from "./intercepts.ts";

/** First MSR of each range of the map, and how many there are; each range has 2 KiB. */
const RANGES = [0, 0xc000_0000, 0xc001_0000] as const;
const RANGE_MSRS = 0x2000;
const RANGE_BYTES = 0x800;

/** MSRs that the map does not cover are intercepted. */
export function isMsrIntercepted(
  physical: PhysicalMemory,
  map: number,
  number: number,
  write: boolean,
): boolean {
  const range = RANGES.findIndex((first) => number >= first && number - first < RANGE_MSRS);
  if (range < 0) return true;
  const bit = 2 * (number - (RANGES[range] as number)) + (write ? 1 : 0);
  const byte = physical.read8(map + RANGE_BYTES * range + (bit >> 3));
  return ((byte >> (bit & 7)) & 1) !== 0;
}

/** One bit a port: any of those that an access touches. */
export function isPortIntercepted(
  physical: PhysicalMemory,
  map: number,
  { port, size }: PortAccess,
): boolean {
  for (let at = port; at < port + size; at += 1)
    if (((physical.read8(map + (at >> 3)) >> (at & 7)) & 1) !== 0) return true;
  return false;
}

export function ioioInfo({ decoded }: AssistContext, access: PortAccess): bigint {
  const { port, size, input, string } = access;
  const { addressSize, repeat, segment } = decoded;
  let info = (port << IOIO.portShift) | (size << IOIO.sizeShift);
  info |= (addressSize / 16) << IOIO.addressSizeShift;
  if (input) info |= IOIO.input;
  if (string) info |= IOIO.string;
  if (repeat !== "none") info |= IOIO.repeated;
  // ES is where INS writes, whatever prefixes say.
  const named = input ? "ES" : (segment ?? "DS");
  if (string) info |= SEGMENT_NAMES.indexOf(named) << IOIO.segmentShift;
  return BigInt(info >>> 0);
}
