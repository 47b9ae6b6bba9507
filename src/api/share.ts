/**
 * The world `share`: a host whose processors, memory and uplink are divided among guests that run workloads, each in a
 * control group of its own. What was promised to each, what it received and what it may not pass is asked of the host as
 * an administrator would.
 */

import { assemble } from "../guests/assembler.ts";
import { WORKLOADS, workloadOf } from "../guests/workloads/index.ts";
import { PLACE } from "../guests/workloads/workload.ts";
import { AMD, INTEL } from "../hw/cpu/cpuid/profile.ts";
import { Kvm } from "../kvm/module.ts";
import { ROOT } from "../linux/cgroups/cgroup.ts";
import { isErrno } from "../linux/errno.ts";
import { Host } from "../linux/host.ts";
import { networkOf } from "../linux/net/parameters.ts";
import { VirtualSwitch } from "../linux/net/virtual-switch.ts";
import { assert, InputError } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import { CYCLES_PER_SECOND } from "../sim/time.ts";
import type { World } from "../sim/world.ts";
import { fairShares } from "./fair-shares.ts";
import { decoder } from "./machines.ts";
import { parseShare, type ShareConfig, type ShareGuest } from "./share-config.ts";
import { WorkloadVmm } from "./workload-vmm.ts";

/** Promised, if it wants it and all others want all they can get; received; and the most that it can have. */
export interface Share {
  readonly promised: number;
  readonly received: number;
  readonly bound: number;
}

export interface GuestShares {
  readonly name: string;
  readonly workload: string;
  readonly weight: number;
  /** Of one processor, 1 for all of its time. */
  readonly cpu: Share;
  /** Bytes, at this moment. */
  readonly memory: Share;
  /** Bits a second on the uplink. */
  readonly network: Share;
}

interface Built {
  readonly host: Host;
  readonly network: VirtualSwitch;
  readonly config: ShareConfig;
  readonly vmms: readonly WorkloadVmm[];
}

const PAGE = 4096;
const MIB = 1 << 20;
const KERNEL_BYTES = 16 * MIB;
/** Of a guest: tables, control blocks, its code. */
const GUEST_BYTES = 16 * PAGE;
const RECORD_BYTES = 1 << 20;
const PERIOD_US = 100_000;
const GATEWAY = Uint8Array.of(2, 0, 0, 0, 0xff, 1);
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);

export const share: Blueprint<ShareConfig> = {
  name: "share",
  version: 1,
  parse: parseShare,
  images: () => [],
  build: (world, config) => {
    built.set(world, build(world, config));
  },
  start: (world) => {
    const made = built.get(world);
    if (made === undefined) return;
    for (const vmm of made.vmms) vmm.start();
    // The gateway has been heard of: what is sent to it goes to the uplink alone.
    world.post(0, made.network.name, "receive", [...BROADCAST, ...GATEWAY, ...new Uint8Array(48)]);
  },
};

/** Of worlds that were made from the blueprint. */
const built = new WeakMap<World, Built>();

const nameOf = (guest: number): string => `guest${guest}`;
const macOf = (guest: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, guest >> 8, guest & 0xff);

const bytesOf = ({ workload }: ShareGuest): number =>
  PLACE.data + Math.max(PAGE, workloadOf(workload).dataBytes);

function build(world: World, config: ShareConfig): Built {
  const { host: vendor, cpus, guests, bitsPerSecond } = config;
  const memory = guests.reduce((sum, guest) => sum + bytesOf(guest) + GUEST_BYTES, 0);
  const host = new Host(world, {
    profile: vendor === "amd" ? AMD : INTEL,
    decoder: decoder(),
    memoryBytes: Math.ceil((KERNEL_BYTES + memory) / PAGE) * PAGE,
    cpus,
    recordBytes: RECORD_BYTES,
    swapBytes: memory,
  });
  const kvm = new Kvm(host);
  const taps = guests.map(({ weight }) => ({ weight }));
  const parameters = networkOf({ bitsPerSecond, taps }, guests.length, "share");
  const network = new VirtualSwitch(world, "switch", parameters, () => undefined);
  const codes = new Map(
    WORKLOADS.map(({ name, source }) => [name, assemble(source, BigInt(PLACE.code)).bytes]),
  );
  const vmms = guests.map(
    (guest, i) =>
      new WorkloadVmm({
        host,
        kvm,
        name: nameOf(i),
        code: codes.get(guest.workload) ?? new Uint8Array(0),
        memoryBytes: bytesOf(guest),
        mac: macOf(i),
        gateway: GATEWAY,
        send: (frame) => network.transmit(i, frame),
        group: groupOf(host, i, guest),
      }),
  );
  return { host, network, config, vmms };
}

/** A group of its own, as an administrator makes it. */
function groupOf(host: Host, i: number, guest: ShareGuest): number {
  const group = host.cgroups.create(ROOT, nameOf(i));
  assert(!isErrno(group), "guests have names of their own");
  const files: [string, string][] = [["cpu.weight", `${guest.weight}`]];
  if (guest.cpuMaxUs !== null) files.push(["cpu.max", `${guest.cpuMaxUs} ${PERIOD_US}`]);
  if (guest.memoryMax !== null) files.push(["memory.max", `${guest.memoryMax}`]);
  for (const [file, value] of files)
    assert(host.cgroups.write(group, file, value) === null, "the configuration has been checked");
  return group;
}

/** What each guest of such a world was promised and has had from its beginning to now. */
export function sharesOf(world: World): readonly GuestShares[] {
  const made = built.get(world);
  if (made === undefined) throw new InputError("shares: the world is none of the kind `share`");
  const { config, network } = made;
  const { guests, cpus, bitsPerSecond } = config;
  const elapsed = Math.max(1, world.now);
  const mostCpu = guests.map(({ cpuMaxUs }) => Math.min(1, (cpuMaxUs ?? PERIOD_US) / PERIOD_US));
  const promisedCpu = fairShares(
    cpus,
    guests.map(({ weight }, i) => ({ weight, most: mostCpu[i] as number })),
  );
  const promisedBits = fairShares(
    bitsPerSecond,
    guests.map(({ weight }) => ({ weight, most: bitsPerSecond })),
  );
  return guests.map((guest, i) => {
    const memoryMost = Math.min(guest.memoryMax ?? Infinity, bytesOf(guest));
    return {
      name: nameOf(i),
      workload: guest.workload,
      weight: guest.weight,
      cpu: {
        promised: promisedCpu[i] as number,
        received: (keyed(made, i, "cpu.stat", "usage_usec") * 1000) / elapsed,
        bound: mostCpu[i] as number,
      },
      memory: {
        promised: memoryMost,
        received: Number(text(made, i, "memory.current")),
        bound: memoryMost,
      },
      network: {
        promised: promisedBits[i] as number,
        received: (network.uplinkBytes(i) * 8 * CYCLES_PER_SECOND) / elapsed,
        bound: bitsPerSecond,
      },
    };
  });
}

function text({ host }: Built, guest: number, file: string): string {
  const group = host.cgroups.find(nameOf(guest));
  assert(!isErrno(group), "nobody takes groups of guests away");
  const found = host.cgroups.read(group, file);
  assert(!isErrno(found), `groups have a file ${file}`);
  return found.text;
}

function keyed(made: Built, guest: number, file: string, key: string): number {
  const line = text(made, guest, file)
    .split("\n")
    .find((one) => one.startsWith(`${key} `));
  return Number(line?.slice(key.length + 1) ?? 0);
}
