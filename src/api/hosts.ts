/** The world of a host with guests: machines as in machines.ts, each run by the KVM module of a simulated host. */

import { connectConsole } from "../hw/boards/serial-line.ts";
import { makeProfile, type Vendor } from "../hw/cpu/cpuid/profile.ts";
import type { Ns16550a } from "../hw/chips/ns16550a.ts";
import { DiskImage } from "../hw/chips/disk-image.ts";
import type { PlacedChip } from "../hw/boards/placed-chip.ts";
import { Kvm } from "../kvm/module.ts";
import { BlockDevice } from "../linux/block/block-device.ts";
import { CachedDisk } from "../linux/block/cached-disk.ts";
import { storageOf } from "../linux/block/parameters.ts";
import { Host } from "../linux/host.ts";
import { networkOf } from "../linux/net/parameters.ts";
import { type GroupOfDisks, throttlingOf } from "../qemu/disks.ts";
import { QemuMachine } from "../qemu/machine.ts";
import { InputError } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import type { Json } from "../sim/data.ts";
import type { World } from "../sim/world.ts";
import { connect } from "./lan.ts";
import {
  boardOf,
  decoder,
  diskNames,
  imagesOf,
  loaderOf,
  type MachineConfig,
  parseConfig,
} from "./machines.ts";

export interface HostConfig {
  readonly [key: string]: Json;
  readonly host: Vendor;
  /** Physical CPUs, 1 to 16. */
  readonly cpus: number;
  /** 1 to 8. Their images are shared by name. */
  readonly guests: readonly MachineConfig[];
  /** What the tables of VMs map is compared with who owns it, at each VM exit. Changes no run. */
  readonly checks: boolean;
  /** The disk that all guests' disks are on, and their limits and shares, in the order of the guests: see `storageOf`. */
  readonly storage: Json;
  /** By guest, its throttle groups: see `throttlingOf`. */
  readonly throttling: Json;
  /** Limits, VLANs and shares of the guests' taps, in the order of the guests, and the uplink: see `networkOf`. */
  readonly network: Json;
}

const MOST_GUESTS = 8;
const MOST_CPUS = 16;
const MIB = 1 << 20;
/** For tables and the kernel's own, beside the guests' RAM. */
const KERNEL_BYTES = 64 * MIB;
const MOST_MEMORY = 3584 * MIB;
const RECORD_BYTES = 8 * MIB;

export const host: Blueprint<HostConfig> = {
  name: "host",
  version: 2,
  parse: parseHost,
  images: ({ guests }) => [...new Set(guests.flatMap(imagesOf))],
  build: (world, config) => {
    built.set(world, buildHost(world, config));
  },
  start: (world, { guests }) => {
    built.get(world)?.forEach((machine, i) => {
      startGuest(world, machine, guests[i] as MachineConfig);
    });
  },
};

/** Between build and start. */
const built = new WeakMap<World, readonly QemuMachine[]>();

function buildHost(
  world: World,
  { host: vendor, cpus, guests, checks, network, storage, throttling }: HostConfig,
): readonly QemuMachine[] {
  const made = new Host(world, {
    profile: makeProfile({ base: vendor, with: ["x2APIC", "TSC-Deadline"] }),
    decoder: decoder(),
    memoryBytes: memoryOf(guests),
    cpus,
    recordBytes: RECORD_BYTES,
  });
  const kvm = new Kvm(made, { checks });
  const disks = guests.map((config, i) => disksOf(world, config, prefixOf(guests, i)));
  const sectors = disks.flat().reduce((sum, disk) => sum + disk.sectors, 0);
  const device =
    sectors === 0
      ? null
      : new BlockDevice(
          world,
          "disk",
          storageOf(storage, guests.length, sectors, "host: storage"),
          () => {
            for (const one of machines) one.powerCut();
          },
        );
  const machines: readonly QemuMachine[] = guests.map((config, i) => {
    const prefix = prefixOf(guests, i);
    const own = disks[i] ?? [];
    const machine = new QemuMachine({
      host: made,
      kvm,
      prefix,
      board: boardOf(world, config, prefix, i, own),
      profile: kvm.profile,
      cpus: config.cpus,
      memoryBytes: config.memoryBytes,
      disks:
        device === null
          ? null
          : { device, group: i, disks: own, throttling: groupsOf(throttling, guests, i) },
    });
    if (config.reboot) machine.onReset = () => startGuest(world, machine, config);
    connectConsole(world, machine.chip("com1") as unknown as PlacedChip<Ns16550a>, prefix);
    return machine;
  });
  if (guests.some((guest) => guest.network))
    connect(world, machines, networkOf(network, machines.length, "host: network"));
  return machines;
}

const prefixOf = (guests: readonly MachineConfig[], number: number): string =>
  guests.length === 1 ? "" : `m${number}.`;

/** Disks on the disk of the host. */
function disksOf(world: World, config: MachineConfig, prefix: string): readonly CachedDisk[] {
  return diskNames(config.disks).map((name) => {
    const disk = new CachedDisk(new DiskImage(world.image(name)));
    world.registry.keeper(`${prefix}${name}.image`, disk);
    return disk;
  });
}

function groupsOf(
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

function startGuest(world: World, machine: QemuMachine, config: MachineConfig): void {
  machine.powerUp();
  machine.start(loaderOf(world, machine, config));
}

const memoryOf = (guests: readonly MachineConfig[]): number =>
  guests.reduce((sum, { memoryBytes }) => sum + memoryBytes + MIB, KERNEL_BYTES);

function parseHost(config: Json): HostConfig {
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new InputError("host: the configuration is an object");
  const given = config as { readonly [key: string]: Json };
  const {
    host: vendor,
    cpus,
    guests,
    checks = false,
    network = {},
    storage = {},
    throttling = [],
    ...rest
  } = given;
  const [other] = Object.keys(rest);
  if (other !== undefined)
    throw new InputError(
      `host: no setting is called ${other}; there is host, cpus, guests, checks, network, storage, throttling`,
    );
  if (vendor !== "intel" && vendor !== "amd")
    throw new InputError(`host: host is intel or amd, not ${JSON.stringify(vendor)}`);
  if (typeof cpus !== "number" || !Number.isInteger(cpus) || cpus < 1 || cpus > MOST_CPUS)
    throw new InputError(`host: cpus is 1 to ${MOST_CPUS}, not ${JSON.stringify(cpus)}`);
  if (!Array.isArray(guests) || guests.length < 1 || guests.length > MOST_GUESTS)
    throw new InputError(`host: guests are 1 to ${MOST_GUESTS}`);
  if (typeof checks !== "boolean")
    throw new InputError(`host: checks is true or false, not ${JSON.stringify(checks)}`);
  const parsed = guests.map((guest: Json) => ({ ...parseConfig(guest), cpu: vendor }));
  if (memoryOf(parsed) > MOST_MEMORY)
    throw new InputError("host: the guests' memory is more than 3.5 GiB in all");
  networkOf(network, parsed.length, "host: network");
  storageOf(storage, parsed.length, 1, "host: storage");
  parsed.forEach((_, i) => groupsOf(throttling, parsed, i));
  return { host: vendor, cpus, guests: parsed, checks, network, storage, throttling };
}
