/**
 * Accesses of 16 bytes: two of 8, where nothing is written unless all can be. SDM Vol. 1, "Memory Alignment
 * Requirements"; Vol. 2, "Exception Conditions of Legacy SIMD Instructions Operating on MMX Registers" and its
 * neighbours.
 */

import { isCanonical } from "./addressing.ts";
import { type Fault, GP0 } from "./fault.ts";
import { isFault, type LinearMemory } from "./mmu.ts";

/** The fault of an address that is not canonical is that of its segment. */
interface Place {
  readonly linear: bigint;
  readonly aligned: boolean;
  readonly notCanonical: Fault;
}

/** As far as it has to be. */
export const isAligned = ({ linear, aligned }: Pick<Place, "linear" | "aligned">): boolean =>
  !aligned || (linear & 15n) === 0n;

function check(place: Place): Fault | null {
  const { linear, notCanonical } = place;
  // #GP(0) even where the address is not canonical and in the stack segment: as an AMD processor does.
  if (!isAligned(place)) return GP0;
  if (!isCanonical(linear)) return notCanonical;
  return isCanonical(BigInt.asUintN(64, linear + 8n)) ? null : notCanonical;
}

function readHalves(memory: LinearMemory, place: Place, access: "read" | "modify"): bigint | Fault {
  const fault = check(place);
  if (fault !== null) return fault;
  const low = memory.read(place.linear, 8, access);
  if (isFault(low)) return low;
  const high = memory.read(BigInt.asUintN(64, place.linear + 8n), 8, access);
  return isFault(high) ? high : (high << 64n) | low;
}

export function readVector(memory: LinearMemory, place: Place): bigint | Fault {
  return readHalves(memory, place, "read");
}

export function writeVector(memory: LinearMemory, place: Place, value: bigint): Fault | null {
  const tried = readHalves(memory, place, "modify");
  if (isFault(tried)) return tried;
  const low = memory.write(place.linear, 8, BigInt.asUintN(64, value));
  return low ?? memory.write(BigInt.asUintN(64, place.linear + 8n), 8, value >> 64n);
}
