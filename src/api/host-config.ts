/** What a configuration of the world `host` may say. */

import type { Vendor } from "../hw/cpu/cpuid/profile.ts";
import { storageOf } from "../linux/block/parameters.ts";
import type { GroupFiles } from "../linux/cgroups/administration.ts";
import { fieldsOf, wholeOf } from "../linux/fields.ts";
import { KSM_DEFAULTS, type KsmSettings, ksmOf } from "../linux/mm/ksm-settings.ts";
import { networkOf } from "../linux/net/parameters.ts";
import { type GroupOfDisks, throttlingOf } from "../qemu/disks.ts";
import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";
import { type MachineConfig, parseConfig } from "./machines.ts";
import { selinuxOf } from "./selinux-config.ts";

export interface HostConfig {
  readonly [key: string]: Json;
  readonly host: Vendor;
  /** Physical CPUs, 1 to 16. */
  readonly cpus: number;
  /** NUMA nodes that the CPUs are divided into. */
  readonly nodes: number;
  /** 1 to 8. Their images are shared by name. */
  readonly guests: readonly MachineConfig[];
  /** By guest, what is written to the files of its control group: `/machine/guest` if it is alone, or `/machine/m0` and so on. */
  readonly groups: readonly GroupFiles[];
  /** Of the swap device. */
  readonly swapBytes: number;
  /** What is said of ksmd, which then may merge the guests' RAM: see `ksmdOf`. */
  readonly ksm: Json;
  /** How long KVM waits for a vCPU that halts, at most. */
  readonly haltPollNs: number;
  /** What the tables of VMs map is compared with who owns it, at each VM exit. Changes no run. */
  readonly checks: boolean;
  /** The disk that all guests' disks are on: see `storageOf`. */
  readonly storage: Json;
  /** By guest, its throttle groups: see `throttlingOf`. */
  readonly throttling: Json;
  /** Limits, VLANs and shares of the guests' taps, in the order of the guests, and the uplink: see `networkOf`. */
  readonly network: Json;
  /** Null without: see `selinuxOf`. */
  readonly selinux: Json;
}

const SETTINGS = [
  "host",
  "cpus",
  "nodes",
  "guests",
  "groups",
  "swapBytes",
  "ksm",
  "haltPollNs",
  "checks",
  "network",
  "storage",
  "throttling",
  "selinux",
];
const MOST_GUESTS = 8;
const MOST_CPUS = 16;
const MIB = 1 << 20;
/** For tables and the kernel's own, beside the guests' RAM. */
const KERNEL_BYTES = 64 * MIB;
const MOST_MEMORY = 3584 * MIB;
const MOST_SWAP = 4096 * MIB;
const SECOND = 1_000_000_000;

export function parseHost(config: Json): HostConfig {
  const given = fieldsOf(config, "host", SETTINGS);
  const { host: vendor, checks = false, network = {}, storage = {}, throttling = [] } = given;
  const { groups = [], ksm = null, selinux = null } = given;
  if (vendor !== "intel" && vendor !== "amd")
    throw new InputError(`host: host is intel or amd, not ${JSON.stringify(vendor)}`);
  const cpus = wholeOf(given["cpus"], "host: cpus", 1, MOST_CPUS);
  const nodes = wholeOf(given["nodes"] ?? 1, "host: nodes", 1, cpus);
  if (cpus % nodes !== 0)
    throw new InputError(`host: nodes divides the ${cpus} CPUs alike, not ${nodes}`);
  if (typeof checks !== "boolean")
    throw new InputError(`host: checks is true or false, not ${JSON.stringify(checks)}`);
  const guests = guestsOf(given["guests"], vendor);
  networkOf(network, guests.length, "host: network");
  storageOf(storage, 1, "host: storage");
  guests.forEach((_, i) => throttleGroupsOf(throttling, guests, i));
  ksmdOf(ksm);
  selinuxOf(selinux, guests.length);
  return {
    host: vendor,
    cpus,
    nodes,
    guests,
    groups: filesOf(groups, guests.length),
    swapBytes: wholeOf(given["swapBytes"] ?? 0, "host: swapBytes", 0, MOST_SWAP),
    ksm,
    haltPollNs: wholeOf(given["haltPollNs"] ?? 0, "host: haltPollNs", 0, SECOND),
    checks,
    network,
    storage,
    throttling,
    selinux,
  };
}

export const memoryOf = (guests: readonly MachineConfig[]): number =>
  guests.reduce((sum, { memoryBytes }) => sum + memoryBytes + MIB, KERNEL_BYTES);

export function throttleGroupsOf(
  throttling: Json,
  guests: readonly MachineConfig[],
  number: number,
): readonly GroupOfDisks[] {
  if (!Array.isArray(throttling) || throttling.length > guests.length)
    throw new InputError("host: throttling is a list of the guests' throttle groups");
  const given = (throttling as readonly Json[])[number] ?? [];
  const place = `host: throttling of guest ${number}`;
  return throttlingOf(given, guests[number]?.disks ?? 0, place);
}

/** It runs unless it is said that it does not; null when nothing is said at all. */
export const ksmdOf = (given: Json): KsmSettings | null =>
  given === null ? null : ksmOf(given, "host: ksm", { ...KSM_DEFAULTS, run: true });

function guestsOf(guests: Json | undefined, cpu: Vendor): readonly MachineConfig[] {
  if (!Array.isArray(guests) || guests.length < 1 || guests.length > MOST_GUESTS)
    throw new InputError(`host: guests are 1 to ${MOST_GUESTS}`);
  const parsed = guests.map((guest: Json) => ({ ...parseConfig(guest), cpu }));
  if (memoryOf(parsed) > MOST_MEMORY)
    throw new InputError("host: the guests' memory is more than 3.5 GiB in all");
  return parsed;
}

function filesOf(groups: Json, most: number): readonly GroupFiles[] {
  if (!Array.isArray(groups) || groups.length > most)
    throw new InputError("host: groups is a list of what is written to the guests' control groups");
  return groups.map((files: Json, i) => {
    const place = `host: groups of guest ${i}`;
    if (typeof files !== "object" || files === null || Array.isArray(files))
      throw new InputError(`${place}: expected interface files by name`);
    for (const [file, text] of Object.entries(files))
      if (typeof text !== "string")
        throw new InputError(`${place}: ${file} is text, not ${JSON.stringify(text)}`);
    return files as GroupFiles;
  });
}
