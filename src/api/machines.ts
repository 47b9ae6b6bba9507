/**
 * The world of one machine on its own: a board with processors, RAM and what it boots. Everything that a configuration
 * can say is checked here, in the words of the one who gave it.
 */

import { type LinuxImages, loadLinux } from "../guests/loaders/linux.ts";
import { elfClass } from "../guests/loaders/elf.ts";
import { loadMultiboot } from "../guests/loaders/multiboot.ts";
import { loadPvh } from "../guests/loaders/pvh.ts";
import type { Board, BoardHost } from "../hw/boards/board.ts";
import {
  type FirmwareHost,
  type HandedOver,
  handOver,
  type LoadedRam,
} from "../hw/boards/firmware.ts";
import { Machine } from "../hw/boards/machine.ts";
import { microvm } from "../hw/boards/microvm.ts";
import { pc } from "../hw/boards/pc.ts";
import type { Peripherals } from "../hw/boards/peripherals.ts";
import { connectConsole } from "../hw/boards/serial-line.ts";
import { DiskImage } from "../hw/chips/disk-image.ts";
import type { BlockBackend } from "../hw/chips/virtio/block.ts";
import type { Ns16550a } from "../hw/chips/ns16550a.ts";
import type { PlacedChip } from "../hw/boards/placed-chip.ts";
import { type CpuProfile, makeProfile } from "../hw/cpu/cpuid/profile.ts";
import { Decoder } from "../hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../hw/cpu/isa/index.ts";
import type { CpuState } from "../hw/cpu/state.ts";
import { InputError } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import type { Json } from "../sim/data.ts";
import type { World } from "../sim/world.ts";

export interface MachineConfig {
  readonly [key: string]: Json;
  readonly board: "pc" | "microvm";
  /** 1 to 64. */
  readonly cpus: number;
  /** A multiple of 1 MiB, 16 MiB to 3 GiB. */
  readonly memoryBytes: number;
  /** `intel` or `amd`, and features to add or leave out: `intel,-SMAP`. */
  readonly cpu: string;
  readonly boot: "linux" | "pvh" | "multiboot" | "bios";
  /** An initial RAM disk; for multiboot, a module. */
  readonly initrd: boolean;
  readonly append: string;
  /** Whether a reset, or a triple fault, starts the machine anew; otherwise it ends it. */
  readonly reboot: boolean;
  /** The device that kvm-unit-tests expect. */
  readonly testdev: boolean;
  /** The trace tells of each walk of page tables, entry by entry. */
  readonly walks: boolean;
  /** Disks, as the images disk0, disk1 and so on: virtio block devices. */
  readonly disks: number;
  readonly network: boolean;
  /** What the real-time clock shows at power-on, in seconds since the start of 1970. */
  readonly date: number;
}

const MIB = 1 << 20;
const MOST_CPUS = 64;
const [LEAST_MEMORY, MOST_MEMORY] = [16 * MIB, 3072 * MIB] as const;

/** Locally administered. */
const macOf = (number: number): readonly number[] => [0x52, 0x54, 0x00, 0x12, 0x34, 0x56 + number];
const MOST_DISKS = 16;

const BOOTS: readonly unknown[] = ["linux", "pvh", "multiboot", "bios"];

const DEFAULTS: MachineConfig = {
  board: "pc",
  cpus: 1,
  memoryBytes: 256 * MIB,
  cpu: "intel",
  boot: "linux",
  initrd: false,
  append: "console=ttyS0",
  reboot: true,
  testdev: false,
  walks: false,
  disks: 0,
  network: false,
  // The first day of 2026.
  date: 1_767_225_600,
};

export const diskNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `disk${i}`);

type MakeBoard = (
  host: BoardHost,
  config: MachineConfig,
  parts: { readonly bios: Uint8Array | null; readonly peripherals: Peripherals },
) => Board;

const BOARDS: Readonly<Record<MachineConfig["board"], MakeBoard>> = {
  pc: (host, config, parts) => pc(host, { ...config, ...parts }),
  microvm: (host, config, parts) => microvm(host, { ...config, ...parts }),
};

export const machine: Blueprint<MachineConfig> = {
  name: "machine",
  version: 2,
  parse: parseConfig,
  images: imagesOf,
  build: (world, config) => {
    machines.set(world, buildMachine(world, config));
  },
  start: (world, config) => {
    const made = machines.get(world);
    if (made !== undefined) startMachine(world, made, config);
  },
};

/** Made of the instruction tables alone, so one serves all machines. */
let sharedDecoder: Decoder | null = null;
export function decoder(): Decoder {
  sharedDecoder ??= new Decoder(INSTRUCTIONS);
  return sharedDecoder;
}

/** Between build and start. */
const machines = new WeakMap<World, Machine>();

export function imagesOf({ boot, initrd, disks }: MachineConfig): readonly string[] {
  return [boot === "bios" ? "bios" : "kernel", ...(initrd ? ["initrd"] : []), ...diskNames(disks)];
}

/** The board that a configuration asks for, with its disks and its network interface. */
export function boardOf(
  world: World,
  config: MachineConfig,
  prefix: string,
  number: number,
  disks: readonly BlockBackend[] = imagesOfDisks(world, config, prefix),
): (host: BoardHost) => Board {
  const bios = config.boot === "bios" ? world.image("bios") : null;
  const peripherals: Peripherals = {
    disks,
    mac: config.network ? macOf(number) : null,
    hasConsole: false,
    hasEntropy: true,
    hasBalloon: true,
  };
  return (host) => BOARDS[config.board](host, config, { bios, peripherals });
}

/** Disks that nobody but their machine keeps. */
function imagesOfDisks(world: World, config: MachineConfig, prefix: string): readonly DiskImage[] {
  return diskNames(config.disks).map((name) => {
    const disk = new DiskImage(world.image(name));
    world.registry.keeper(`${prefix}${name}.image`, disk);
    return disk;
  });
}

/** One of several machines has a prefix of its own, and an address by its number. */
export function buildMachine(
  world: World,
  config: MachineConfig,
  prefix = "",
  number = 0,
): Machine {
  const made = new Machine(world, {
    prefix,
    board: boardOf(world, config, prefix, number),
    profiles: profilesOf(config),
    memoryBytes: config.memoryBytes,
    decoder: decoder(),
    walks: config.walks,
  });
  if (config.reboot) made.onReset = () => startMachine(world, made, config);
  connectConsole(world, made.chip("com1") as unknown as PlacedChip<Ns16550a>, prefix);
  return made;
}

export function startMachine(world: World, made: Machine, config: MachineConfig): void {
  made.powerUp();
  const load = loaderOf(world, made, config);
  const [bootstrap] = made.processors;
  if (bootstrap === undefined || load === null) return;
  load(bootstrap.state);
  bootstrap.memory.contextChanged();
}

/** What firmware and a loader leave in a machine, and in the CPU that goes on from there; null for a machine with firmware of its own. */
export function loaderOf(
  world: World,
  made: FirmwareHost,
  config: MachineConfig,
): ((state: CpuState) => void) | null {
  const { boot } = config;
  if (boot === "bios") return null;
  const handed = handOver(made);
  return (state) => LOADERS[boot](world, made.ram, state, config, handed);
}

type Load = (
  world: World,
  ram: LoadedRam,
  state: CpuState,
  config: MachineConfig,
  handed: HandedOver,
) => void;

const LOADERS: Readonly<Record<Exclude<MachineConfig["boot"], "bios">, Load>> = {
  linux: (world, ram, state, config, handed) =>
    loadLinux(ram, state, linuxImages(world, config), handed),
  pvh: (world, ram, state, config, handed) =>
    loadPvh(ram, state, linuxImages(world, config), handed),
  multiboot: (world, ram, state, { initrd, append }, { memoryMap }) =>
    loadMultiboot(
      ram,
      state,
      {
        kernel: world.image("kernel"),
        modules: initrd ? [world.image("initrd")] : [],
        commandLine: `kernel ${append}`,
      },
      memoryMap,
    ),
};

const linuxImages = (world: World, { initrd, append }: MachineConfig): LinuxImages => ({
  kernel: world.image("kernel"),
  initrd: initrd ? world.image("initrd") : null,
  commandLine: append,
});

/** How a kernel's file wants to be booted: an ELF file by PVH, anything else by Linux's own protocol. */
export const bootOf = (kernel: Uint8Array): MachineConfig["boot"] =>
  elfClass(kernel) === null ? "linux" : "pvh";

export function profilesOf({ cpu, cpus }: MachineConfig): readonly CpuProfile[] {
  const [base = "", ...changes] = cpu.split(",");
  if (base !== "intel" && base !== "amd")
    throw new InputError(`cpu ${cpu}: expected intel or amd, and then features as +NAME or -NAME`);
  for (const change of changes)
    if (!/^[+-]./.test(change))
      throw new InputError(`cpu ${cpu}: expected +NAME or -NAME, not ${change}`);
  const named = (sign: string): readonly string[] =>
    changes.filter((change) => change.startsWith(sign)).map((change) => change.slice(1));
  return Array.from({ length: cpus }, (_, apicId) =>
    makeProfile({
      base,
      apicId,
      coresPerPackage: cpus,
      with: ["x2APIC", "TSC-Deadline", ...named("+")].filter((name) => !named("-").includes(name)),
      without: named("-"),
    }),
  );
}

export function parseConfig(config: Json): MachineConfig {
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new InputError("machine: the configuration is an object");
  for (const key of Object.keys(config))
    if (!Object.hasOwn(DEFAULTS, key))
      throw new InputError(
        `machine: no setting is called ${key}; there is ${Object.keys(DEFAULTS).join(", ")}`,
      );
  const given: MachineConfig = Object.assign({}, DEFAULTS, config);
  const check = (key: keyof MachineConfig, isGood: boolean, expected: string): void => {
    if (!isGood)
      throw new InputError(`machine: ${key} is ${expected}, not ${JSON.stringify(given[key])}`);
  };
  if (given.board === "microvm") check("boot", given.boot !== "bios", "not bios on a microvm");
  check("board", given.board in BOARDS, "pc or microvm");
  check("cpus", isWithin(given.cpus, 1, MOST_CPUS), `1 to ${MOST_CPUS}`);
  check(
    "memoryBytes",
    isWithin(given.memoryBytes, LEAST_MEMORY, MOST_MEMORY) && given.memoryBytes % MIB === 0,
    "whole MiB from 16 to 3072",
  );
  check("cpu", typeof given.cpu === "string", "a name");
  check("boot", BOOTS.includes(given.boot), "linux, pvh, multiboot or bios");
  check("disks", isWithin(given.disks, 0, MOST_DISKS), `0 to ${MOST_DISKS}`);
  check("network", typeof given.network === "boolean", "true or false");
  check("reboot", typeof given.reboot === "boolean", "true or false");
  check("testdev", typeof given.testdev === "boolean", "true or false");
  check("walks", typeof given.walks === "boolean", "true or false");
  check("initrd", typeof given.initrd === "boolean", "true or false");
  check("date", isWithin(given.date, 0, 2 ** 32 - 1), "seconds since the start of 1970");
  check("append", typeof given.append === "string", "text");
  profilesOf(given);
  return given;
}

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
