/** What a configuration of the world `share` may say. */

import { workloadOf } from "../guests/workloads/index.ts";
import type { Vendor } from "../hw/cpu/cpuid/profile.ts";
import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";
import { fieldsOf, wholeOf } from "../linux/fields.ts";

export interface ShareGuest {
  readonly [key: string]: Json;
  readonly workload: string;
  /** cpu.weight, and the share of the uplink. */
  readonly weight: number;
  /** cpu.max: microseconds of 100,000; null for no limit. */
  readonly cpuMaxUs: number | null;
  /** memory.max in bytes; null for no limit. */
  readonly memoryMax: number | null;
}

export interface ShareConfig {
  readonly [key: string]: Json;
  readonly host: Vendor;
  readonly cpus: number;
  readonly bitsPerSecond: number;
  readonly guests: readonly ShareGuest[];
}

const MOST_CPUS = 64;
const MOST_GUESTS = 4000;
const MOST_WEIGHT = 1000;
const GIGABIT = 1_000_000_000;
const PERIOD_US = 100_000;

export function parseShare(given: Json): ShareConfig {
  const fields = fieldsOf(given, "share", ["host", "cpus", "bitsPerSecond", "guests"]);
  const { host = "amd", cpus = 1, bitsPerSecond = GIGABIT, guests = [] } = fields;
  if (host !== "intel" && host !== "amd")
    throw new InputError(`share: host is intel or amd, not ${JSON.stringify(host)}`);
  if (!Array.isArray(guests) || guests.length < 1 || guests.length > MOST_GUESTS)
    throw new InputError(`share: guests are 1 to ${MOST_GUESTS}`);
  return {
    host,
    cpus: wholeOf(cpus, "share: cpus", 1, MOST_CPUS),
    bitsPerSecond: wholeOf(bitsPerSecond, "share: bitsPerSecond", 1000, 1000 * GIGABIT),
    guests: guests.map((guest: Json, i) => guestOf(guest, `share: guest ${i}`)),
  };
}

function guestOf(given: Json, place: string): ShareGuest {
  const fields = fieldsOf(given, place, ["workload", "weight", "cpuMaxUs", "memoryMax"]);
  const { workload = "compute", weight = 100, cpuMaxUs = null, memoryMax = null } = fields;
  if (typeof workload !== "string") throw new InputError(`${place}: workload is a name`);
  workloadOf(workload);
  const optional = (value: Json, key: string, least: number, most: number): number | null =>
    value === null ? null : wholeOf(value, `${place}: ${key}`, least, most);
  return {
    workload,
    weight: wholeOf(weight, `${place}: weight`, 1, MOST_WEIGHT),
    cpuMaxUs: optional(cpuMaxUs, "cpuMaxUs", 1000, 64 * PERIOD_US),
    memoryMax: optional(memoryMax, "memoryMax", 0, 2 ** 40),
  };
}
