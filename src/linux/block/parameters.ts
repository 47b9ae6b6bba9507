/** What a configuration or an administrator says of a host's disk, checked: Linux, Documentation/admin-guide/cgroup-v2.rst, "IO Interface Files". */

import { InputError } from "../../sim/assert.ts";
import type { Json } from "../../sim/data.ts";
import { NEVER } from "../../sim/time.ts";
import { fieldsOf, wholeOf } from "../fields.ts";
import type { GroupParameters } from "./block-layer.ts";
import type { DiskParameters } from "./disk.ts";
import type { IoMax } from "./io-max.ts";

export interface StorageParameters {
  readonly disk: DiskParameters;
  readonly groups: readonly GroupParameters[];
}

const RATE_MAX = 2 ** 40;
const WEIGHT_MAX = 10_000;
/** "The default weight is 100." */
const WEIGHT = 100;
const IO_MAX_KEYS = ["rbps", "wbps", "riops", "wiops"] as const;

/** As NVMe disks of a server are. */
const SSD: DiskParameters = {
  depth: 32,
  fixed: { read: 80_000, write: 20_000, discard: 10_000, flush: 200_000 },
  bytesPerSecond: 3_000_000_000,
  seek: null,
};

/** 7200 turns in a minute: half a turn is a part of each transfer. */
const HALF_TURN = 4_166_667;

const turning = (sectors: number): DiskParameters => ({
  depth: 1,
  fixed: { read: HALF_TURN, write: HALF_TURN, discard: 10_000, flush: HALF_TURN },
  bytesPerSecond: 200_000_000,
  seek: { shortest: 500_000, longest: 16_000_000, sectors },
});

/** `{kind, groups: [...]}`: what is not said is an SSD without limits, shared alike by so many groups. */
export function storageOf(
  given: Json,
  groupCount: number,
  sectors: number,
  place: string,
): StorageParameters {
  const { kind = "ssd", groups = [] } = fieldsOf(given, place, ["kind", "groups"]);
  if (kind !== "ssd" && kind !== "hdd")
    throw new InputError(`${place}: kind is ssd or hdd, not ${JSON.stringify(kind)}`);
  if (!Array.isArray(groups) || groups.length > groupCount)
    throw new InputError(`${place}: groups is a list of at most ${groupCount}`);
  return {
    disk: kind === "ssd" ? SSD : turning(Math.max(1, sectors)),
    groups: Array.from({ length: groupCount }, (_, i) =>
      groupOf((groups as readonly Json[])[i] ?? {}, `${place}: group ${i}`),
    ),
  };
}

function groupOf(given: Json, place: string): GroupParameters {
  const { weight = WEIGHT, max = {} } = fieldsOf(given, place, ["weight", "max"]);
  return { weight: ioWeightOf(weight, place), max: ioMaxOf(max, place) };
}

export const ioWeightOf = (given: Json | undefined, place: string): number =>
  wholeOf(given, `${place}: weight`, 1, WEIGHT_MAX);

/** What is not named, or "max", has no limit. */
export function ioMaxOf(given: Json | undefined, place: string): IoMax {
  const fields = fieldsOf(given ?? null, `${place}: max`, IO_MAX_KEYS);
  const rate = (key: (typeof IO_MAX_KEYS)[number]): number => {
    const value = fields[key] ?? "max";
    return value === "max" ? NEVER : wholeOf(value, `${place}: ${key}`, 1, RATE_MAX);
  };
  return { rbps: rate("rbps"), wbps: rate("wbps"), riops: rate("riops"), wiops: rate("wiops") };
}
