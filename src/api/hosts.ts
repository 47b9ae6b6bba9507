/** The world of a host with guests: machines as in machines.ts, each run by the KVM module of a simulated host. */

import { connectConsole } from "../hw/boards/serial-line.ts";
import { makeProfile } from "../hw/cpu/cpuid/profile.ts";
import type { Ns16550a } from "../hw/chips/ns16550a.ts";
import { DiskImage } from "../hw/chips/disk-image.ts";
import type { PlacedChip } from "../hw/boards/placed-chip.ts";
import { Kvm } from "../kvm/module.ts";
import { BlockDevice } from "../linux/block/block-device.ts";
import { CachedDisk } from "../linux/block/cached-disk.ts";
import { storeImage } from "../linux/block/stored-image.ts";
import { storageOf } from "../linux/block/parameters.ts";
import { type GroupFiles, makeGroup, writeFile } from "../linux/cgroups/administration.ts";
import { Host } from "../linux/host.ts";
import { NO_MODULE } from "../linux/security/security.ts";
import { networkOf } from "../linux/net/parameters.ts";
import { evenTopology } from "../linux/sched/topology.ts";
import { QemuMachine } from "../qemu/machine.ts";
import { assert } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import type { World } from "../sim/world.ts";
import { type HostConfig, ksmdOf, memoryOf, parseHost, throttleGroupsOf } from "./host-config.ts";
import { HostSecurity } from "./host-security.ts";
import { connect } from "./lan.ts";
import { boardOf, decoder, diskNames, imagesOf, loaderOf, type MachineConfig } from "./machines.ts";
import { policiesOf, selinuxOf } from "./selinux-config.ts";

const RECORD_BYTES = 8 << 20;
/** What names of the host's own state begin with. */
const PREFIX = "host.";

export const host: Blueprint<HostConfig> = {
  name: "host",
  version: 5,
  parse: parseHost,
  images: ({ guests, selinux }) => [
    ...new Set([...guests.flatMap(imagesOf), ...policiesOf(selinuxOf(selinux, guests.length))]),
  ],
  build: (world, config) => {
    built.set(world, buildHost(world, config));
  },
  start: (world, { guests }) => {
    built.get(world)?.machines.forEach((machine, i) => {
      startGuest(world, machine, guests[i] as MachineConfig);
    });
  },
};

interface Built {
  readonly host: Host;
  readonly machines: readonly QemuMachine[];
}

/** Of worlds that were made from the blueprint. */
const built = new WeakMap<World, Built>();

/** What a world of this kind is made of. */
export function partsOf(world: World): Built {
  const made = built.get(world);
  assert(made !== undefined, "the world is a host's");
  return made;
}

function buildHost(world: World, config: HostConfig): Built {
  const { cpus, nodes, swapBytes, guests, checks, haltPollNs, network } = config;
  const selinux = selinuxOf(config.selinux, guests.length);
  const security = selinux === null ? null : new HostSecurity(world, PREFIX, selinux);
  const made = new Host(world, {
    prefix: PREFIX,
    security: security?.module ?? NO_MODULE,
    profile: makeProfile({ base: config.host, with: ["x2APIC", "TSC-Deadline"] }),
    decoder: decoder(),
    memoryBytes: memoryOf(guests),
    cpus,
    topology: evenTopology(nodes, cpus / nodes),
    swapBytes,
    recordBytes: RECORD_BYTES,
  });
  const kvm = new Kvm(made, { checks, haltPollNs });
  const ksm = ksmdOf(config.ksm);
  if (ksm !== null) made.memory.ksm.set(ksm);
  const disks = guests.map((guest, i) => disksOf(world, guest, prefixOf(guests, i)));
  const device = diskOf(made, config, disks.flat(), () => {
    for (const one of machines) one.powerCut();
  });
  const images = disks.map((own, i) =>
    own.map((disk, number) => storeImage(made.kernel, `${prefixOf(guests, i)}disk${number}`, disk)),
  );
  security?.begin(made);
  const machines: readonly QemuMachine[] = guests.map((guest, i) => {
    const prefix = prefixOf(guests, i);
    const own = images[i] ?? [];
    const name = nameOf(prefix);
    const group = groupOf(made, name, config.groups[i] ?? {});
    const throttling = throttleGroupsOf(config.throttling, guests, i);
    const tap = guest.network ? `tap${i}` : null;
    const parts = {
      host: made,
      prefix,
      board: boardOf(world, guest, prefix, i, disks[i]),
      profile: kvm.profile,
      cpus: guest.cpus,
      memoryBytes: guest.memoryBytes,
      memMerge: ksm !== null,
      disks: device === null ? null : { device, images: own, throttling },
    };
    const machine =
      security === null
        ? new QemuMachine({ ...parts, task: made.newTask(group), tap: null })
        : security.started(
            { name, number: i, images: own, tap },
            (vmm) => new QemuMachine({ ...parts, task: made.taskOf(vmm.pid, group), tap: vmm.tap }),
          );
    if (guest.reboot) machine.onReset = () => startGuest(world, machine, guest);
    connectConsole(world, machine.chip("com1") as unknown as PlacedChip<Ns16550a>, prefix);
    return machine;
  });
  if (guests.some((guest) => guest.network))
    connect(world, machines, networkOf(network, machines.length, "host: network"));
  return { host: made, machines };
}

const prefixOf = (guests: readonly MachineConfig[], number: number): string =>
  guests.length === 1 ? "" : `m${number}.`;

const nameOf = (prefix: string): string => (prefix === "" ? "guest" : prefix.slice(0, -1));

/** The control group of a guest's VMM, as an administrator makes it. */
function groupOf({ cgroups }: Host, name: string, files: GroupFiles): number {
  const path = `/machine/${name}`;
  const group = makeGroup(cgroups, path);
  for (const [file, text] of Object.entries(files)) writeFile(cgroups, path, file, text);
  return group;
}

/** The disk that all these are on; null when there are none. */
function diskOf(
  { world, io }: Host,
  { storage }: HostConfig,
  disks: readonly CachedDisk[],
  onPowerCut: () => void,
): BlockDevice | null {
  if (disks.length === 0) return null;
  const sectors = disks.reduce((sum, disk) => sum + disk.sectors, 0);
  const disk = storageOf(storage, sectors, "host: storage");
  return new BlockDevice(world, "disk", { disk, io }, onPowerCut);
}

/** Disks on the disk of the host. */
function disksOf(world: World, config: MachineConfig, prefix: string): readonly CachedDisk[] {
  return diskNames(config.disks).map((name) => {
    const disk = new CachedDisk(new DiskImage(world.image(name)));
    world.registry.keeper(`${prefix}${name}.image`, disk);
    return disk;
  });
}

function startGuest(world: World, machine: QemuMachine, config: MachineConfig): void {
  machine.powerUp();
  machine.start(loaderOf(world, machine, config));
}
