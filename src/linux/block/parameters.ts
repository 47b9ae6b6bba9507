/** What a configuration says of a host's disk, checked: Linux, Documentation/block/. */

import { InputError } from "../../sim/assert.ts";
import type { Json } from "../../sim/data.ts";
import { fieldsOf } from "../fields.ts";
import type { DiskParameters } from "./disk.ts";

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

/** `{kind}`: an SSD where nothing is said. */
export function storageOf(given: Json, sectors: number, place: string): DiskParameters {
  const { kind = "ssd" } = fieldsOf(given, place, ["kind"]);
  if (kind !== "ssd" && kind !== "hdd")
    throw new InputError(`${place}: kind is ssd or hdd, not ${JSON.stringify(kind)}`);
  return kind === "ssd" ? SSD : turning(Math.max(1, sectors));
}
