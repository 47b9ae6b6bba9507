/** Hosts with SELinux whose guests use a disk and a network all the time, what they tell of it, and what an administrator does meanwhile. */

import { CONSOLE, host, multiboot, World } from "../../src/api/index.ts";
import type { Json, TraceEvent } from "../../src/api/index.ts";
import { partsOf } from "../../src/api/hosts.ts";
import { shippedImage } from "../../src/api/node.ts";
import type { Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { type Answer, call, type CallName, type Given } from "../../src/linux/syscalls/index.ts";

export const GUESTS = 2;

const MMIO = { disk: 0xfeb0_0000, network: 0xfeb0_0200 };
/** Each queue of the guest: descriptors, and behind them the driver's and the device's area. */
const QUEUES = { disk: 0x20_0000, receive: 0x21_0000, transmit: 0x22_0000 };
const [DRIVER, DEVICE] = [0x1000, 0x2000] as const;
const [HEADER, DATA, STATUS, FRAME] = [0x23_0000, 0x23_1000, 0x23_2000, 0x23_3000] as const;
/** Buffers for frames that come. */
const FRAMES = 8;
const FRAME_BYTES = 12 + 60;

const word = (value: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
/** mov dword [address], value */
const store = (address: number, value: number): readonly number[] => [
  0xc7,
  0x05,
  ...word(address),
  ...word(value),
];

/** To the state in which it takes features, and then to work. */
const negotiate = (at: number, features: number): readonly number[] =>
  (
    [
      [0x70, 0],
      [0x70, 3],
      [0x24, 0],
      [0x20, features],
      [0x24, 1],
      [0x20, 1],
      [0x70, 11],
    ] as const
  ).flatMap(([register, value]) => store(at + register, value));

function queue(at: number, number: number, place: number): readonly number[] {
  return (
    [
      [0x30, number],
      [0x38, FRAMES],
      [0x80, place],
      [0x90, place + DRIVER],
      [0xa0, place + DEVICE],
      [0x44, 1],
    ] as const
  ).flatMap(([register, value]) => store(at + register, value));
}

function descriptor(
  place: number,
  number: number,
  address: number,
  length: number,
  flags: number,
): readonly number[] {
  const at = place + 16 * number;
  return [
    ...store(at, address),
    ...store(at + 8, length),
    ...store(at + 12, flags | ((number + 1) << 16)),
  ];
}

const [NEXT, WRITE] = [1, 2] as const;

const SETUP: readonly number[] = [
  ...negotiate(MMIO.disk, 2 ** 9),
  ...queue(MMIO.disk, 0, QUEUES.disk),
  ...store(MMIO.disk + 0x70, 15),
  ...descriptor(QUEUES.disk, 0, HEADER, 16, NEXT),
  ...descriptor(QUEUES.disk, 1, DATA, 512, NEXT | WRITE),
  ...descriptor(QUEUES.disk, 2, STATUS, 1, WRITE),
  ...negotiate(MMIO.network, 0),
  ...queue(MMIO.network, 0, QUEUES.receive),
  ...queue(MMIO.network, 1, QUEUES.transmit),
  ...store(MMIO.network + 0x70, 15),
  ...Array.from({ length: FRAMES }, (_, i) => [
    ...descriptor(QUEUES.receive, i, 0x24_0000 + 2048 * i, 2048, WRITE),
    ...(i % 2 === 0 ? store(QUEUES.receive + DRIVER + 4 + 2 * i, i | ((i + 1) << 16)) : []),
  ]).flat(),
  ...store(QUEUES.receive + DRIVER, FRAMES << 16),
  ...descriptor(QUEUES.transmit, 0, FRAME, FRAME_BYTES, 0),
  // To everybody, from 02:00:00:00:00:01.
  ...store(FRAME + 12, 0xffff_ffff),
  ...store(FRAME + 16, 0x0002_ffff),
  ...store(FRAME + 20, 0x0100_0000),
];

/** mov al, [address]; add al, base; out dx, al */
const tell = (address: number, base: number): readonly number[] => [
  0xa0,
  ...word(address),
  0x04,
  base,
  0xee,
];
const increment = (place: number): readonly number[] => [
  0x66,
  0xff,
  0x05,
  ...word(place + DRIVER + 2),
];

/** Reads and writes its first sector by turns and sends a frame each time: tells `a` or `b`, the status as a digit, and a byte. */
const ROUND: readonly number[] = [
  // mov byte [STATUS], EEh
  [0xc6, 0x05, ...word(STATUS), 0xee],
  increment(QUEUES.disk),
  store(MMIO.disk + 0x50, 0),
  // cmp byte [STATUS], EEh; je to itself
  [0x80, 0x3d, ...word(STATUS), 0xee, 0x74, 0xf7],
  // mov dx, 3F8h
  [0x66, 0xba, 0xf8, 0x03],
  tell(HEADER, 0x61),
  tell(STATUS, 0x30),
  tell(DATA, 0),
  // xor dword [HEADER], 1; xor word [flags of the second descriptor], WRITE; inc byte [DATA]
  [0x83, 0x35, ...word(HEADER), 1],
  [0x66, 0x83, 0x35, ...word(QUEUES.disk + 16 + 12), WRITE],
  [0xfe, 0x05, ...word(DATA)],
  increment(QUEUES.transmit),
  store(MMIO.network + 0x50, 1),
  // mov ax, [the index of frames that came]; add ax, FRAMES; mov [the index of buffers], ax
  [0x66, 0xa1, ...word(QUEUES.receive + DEVICE + 2)],
  [0x66, 0x05, FRAMES, 0],
  [0x66, 0xa3, ...word(QUEUES.receive + DRIVER + 2)],
].flat();

const PROGRAM = multiboot([0xfa, ...SETUP, ...ROUND, 0xe9, ...word(-(ROUND.length + 5))]);

const GUEST = {
  board: "microvm",
  boot: "multiboot",
  memoryBytes: 16 << 20,
  reboot: false,
  disks: 1,
  network: true,
};

export const SVIRT = shippedImage("svirt")?.bytes ?? new Uint8Array(0);

/** The policy with something in the place of something else. */
function changed(rule: string, other: string): Uint8Array {
  const text = new TextDecoder().decode(SVIRT);
  if (!text.includes(rule)) throw new Error(`svirt.cil has no ${rule}`);
  return new TextEncoder().encode(text.replace(rule, other));
}

const USE = "(allow svirt_domain svirt_image_t file_write)";
/** Which of them lets guests do what to their images. */
export const POLICIES = {
  svirt: SVIRT,
  nothing: changed(USE, ""),
  reading: changed(USE, "(allow svirt_domain svirt_image_t file_read)"),
  watching: changed(USE, `${USE}(auditallow svirt_domain file_type (file (open read write)))`),
} as const;
export type PolicyName = keyof typeof POLICIES;

/** A disk request of a guest, as it tells of it. */
export interface Told {
  readonly kind: "a" | "b";
  readonly status: number;
  readonly byte: number;
}

export const READ = "a";

export class SvirtHost {
  readonly world: World;
  /** All that guests and the network show, with its time. */
  readonly seen: string[] = [];
  readonly records: string[] = [];
  /** That left by the uplink. */
  frames = 0;
  readonly #console: number[][] = [[], []];

  constructor(world: World) {
    this.world = world;
    world.trace.attach({ event: (event) => this.#see(event) });
  }

  static create(vendor: Vendor, selinux: Json, seed = "0"): SvirtHost {
    const config = host.parse({
      host: vendor,
      cpus: 2 * GUESTS,
      guests: Array.from({ length: GUESTS }, () => GUEST),
      network: { bitsPerSecond: 1_000_000_000 },
      selinux,
    });
    const own = { kernel: PROGRAM, disk0: new Uint8Array(1 << 14).fill(0x30) };
    const images = Object.fromEntries(
      host.images(config).map((name) => [name, ({ ...own, ...POLICIES } as Images)[name]]),
    ) as Images;
    return new SvirtHost(World.create(host, { config, images, seed, epochCycles: 0 }));
  }

  /** What each guest has told since it was last asked. */
  take(): readonly (readonly Told[])[] {
    return this.#console.map((bytes) => {
      const whole = bytes.splice(0, bytes.length - (bytes.length % 3));
      return Array.from({ length: whole.length / 3 }, (_, i) => ({
        kind: whole[3 * i] === 0x61 ? "a" : "b",
        status: (whole[3 * i + 1] ?? 0) - 0x30,
        byte: whole[3 * i + 2] ?? 0,
      }));
    });
  }

  run(cycles: number): void {
    this.world.runUntil(this.world.now + cycles);
  }

  /** A system call of a guest's VMM. */
  call<N extends CallName>(guest: number, name: N, given: Given<N>): Answer<N> | string {
    return call(this.kernel, this.pidOf(guest), name, given);
  }

  get kernel() {
    return partsOf(this.world).host.kernel;
  }

  /** The daemon's is the first. */
  pidOf(guest: number): number {
    return guest + 2;
  }

  labelOf(path: string): string {
    const answer = call(this.kernel, 1, "getxattr", { path, name: "security.selinux" });
    return typeof answer === "string" ? answer : (answer.value ?? "");
  }

  contextOf(guest: number): string {
    const given = { pid: this.pidOf(guest), attribute: "current" } as const;
    const answer = call(this.kernel, 1, "getprocattr", given);
    return typeof answer === "string" ? answer : (answer?.value ?? "");
  }

  /** Frames that a guest was given. */
  received(guest: number): number {
    const { machines } = partsOf(this.world);
    const used = machines[guest]?.ram.read(QUEUES.receive + DEVICE + 2, 2);
    return (used?.[0] ?? 0) + 256 * (used?.[1] ?? 0);
  }

  disk(guest: number): Uint8Array {
    return this.kernel.disks.get(`m${guest}.disk0`)?.read(0, 4).slice() ?? new Uint8Array(0);
  }

  fill(guest: number, byte: number): void {
    this.kernel.disks.get(`m${guest}.disk0`)?.write(0, new Uint8Array(4 * 512).fill(byte));
  }

  #see({ type, time, source, fields }: TraceEvent): void {
    if (type.name === "audit.record") this.records.push(String(fields["text"]));
    if (type.name === CONSOLE.name) {
      this.#console[guestOf(source)]?.push(Number(fields["byte"]));
      this.seen.push(`${time} ${source} ${String(fields["byte"])}`);
    }
    if (type.name !== "network.left") return;
    const frame = String(fields["frame"]);
    this.seen.push(`${time} ${frame}`);
    this.frames += 1;
  }
}

type Images = Record<string, Uint8Array>;

const guestOf = (source: string): number => (source.startsWith("m1.") ? 1 : 0);

export const imageOf = (guest: number): string => `/var/lib/libvirt/images/m${guest}.disk0.img`;
