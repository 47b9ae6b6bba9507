/** Runs machines of the public door to their end or to a word on their console. Debian's files come by apt, for once. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Blueprint,
  CONSOLE,
  ENDED,
  host,
  type Json,
  lan,
  machine,
  type TraceEvent,
  World,
} from "../../src/api/index.ts";

export interface LinuxFiles {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
}

export interface DebianLinux {
  readonly files: LinuxFiles;
  /** The same with KVM's modules and tools/guests/kvm-vm.c in the RAM disk. */
  readonly host: LinuxFiles;
}

/** Debian's cloud kernel, and an initial RAM disk as the script beside makes it today. */
export function debianLinux(): DebianLinux {
  const folder = mkdtempSync(path.join(os.tmpdir(), "kvmsim-debian-linux-"));
  const script = fileURLToPath(new URL("../guests/debian-linux.sh", import.meta.url));
  execFileSync("bash", [script, folder], { stdio: ["ignore", "ignore", "inherit"] });
  const file = (name: string): Uint8Array => new Uint8Array(readFileSync(path.join(folder, name)));
  const [kernel, initrd, kvm] = [file("kernel"), file("initrd"), file("initrd-kvm")];
  rmSync(folder, { recursive: true });
  const both = Uint8Array.from([...initrd, ...kvm]);
  return { files: { kernel, initrd }, host: { kernel, initrd: both } };
}

/** Debian's SeaBIOS. */
export function seabios(): Uint8Array {
  const installed = "/usr/share/seabios/bios.bin";
  if (existsSync(installed)) return new Uint8Array(readFileSync(installed));
  const folder = mkdtempSync(path.join(os.tmpdir(), "kvmsim-seabios-"));
  const unpack =
    "{ apt-cache show seabios >/dev/null 2>&1 || apt-get update >&2; } && apt-get download seabios && dpkg-deb -x ./seabios*.deb .";
  execFileSync("bash", ["-c", unpack], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return new Uint8Array(readFileSync(path.join(folder, installed)));
}

export interface Ran {
  readonly world: World;
  /** By source, as `com1`. */
  readonly consoles: Readonly<Record<string, string>>;
  /** What machines ended with, in the order of time. */
  readonly ends: readonly string[];
}

interface Start {
  readonly config: Json;
  readonly images: Readonly<Record<string, Uint8Array>>;
  readonly seed?: string;
  readonly sliceCycles?: number;
}

const STEP = 50_000_000;

function run(
  blueprint: Blueprint,
  { config, sliceCycles = 1_000_000, ...setup }: Start,
  until: number,
  ends: number,
): Ran {
  const world = World.create(blueprint, {
    ...setup,
    config: blueprint.parse(config),
    epochCycles: 0,
    sliceCycles,
  });
  const consoles: Record<string, string> = {};
  const ended: string[] = [];
  world.trace.attach({
    event({ type, source, fields }: TraceEvent) {
      if (type.name === CONSOLE.name)
        consoles[source] = (consoles[source] ?? "") + String.fromCharCode(fields["byte"] as number);
      if (type.name === ENDED.name)
        ended.push(`${source} ${String(fields["kind"])} ${String(fields["code"])}`);
    },
  });
  while (world.now < until && ended.length < ends)
    world.runUntil(Math.min(until, world.now + STEP));
  return { world, consoles, ends: ended };
}

/** One machine, until it ends or virtual time is over. */
export const runMachine = (start: Start, until: number): Ran => run(machine, start, until, 1);

/** Guests of a simulated host. */
export const runHost = (start: Start, until: number, guests: number): Ran =>
  run(host, start, until, guests);

export const runLan = (start: Start, until: number, machines: number): Ran =>
  run(lan, start, until, machines);
