import { expect, test } from "vitest";
import { multiboot } from "../guests/kernels/multiboot.ts";
import { CONSOLE } from "../hw/boards/backplane.ts";
import { ENDED } from "../hw/boards/lifecycle.ts";
import { InputError } from "../sim/assert.ts";
import type { TraceEvent } from "../sim/trace.ts";
import { World } from "../sim/world.ts";
import { host } from "./hosts.ts";
import { lan } from "./lan.ts";
import { machine } from "./machines.ts";

/** mov dx, 3F8h; mov al, 'H'; out dx, al; mov al, 'i'; out dx, al; mov al, 5; out F4h, al; hlt. */
const GREETING = [
  0x66, 0xba, 0xf8, 0x03, 0xb0, 0x48, 0xee, 0xb0, 0x69, 0xee, 0xb0, 0x05, 0xe6, 0xf4, 0xf4,
];

function runToEnd(
  world: World,
  until = 1_000_000,
): { readonly text: string; readonly ends: readonly object[] } {
  let text = "";
  const ends: object[] = [];
  world.trace.attach({
    event({ type, fields }: TraceEvent) {
      if (type.name === CONSOLE.name) text += String.fromCharCode(fields["byte"] as number);
      if (type.name === ENDED.name) ends.push(fields);
    },
  });
  world.runUntil(until);
  return { text, ends };
}

test.each(["pc", "microvm"])("a multiboot kernel prints and leaves on a %s", (board) => {
  const config = machine.parse({ board, boot: "multiboot", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { kernel: multiboot(GREETING) } });
  expect(runToEnd(world)).toEqual({ text: "Hi", ends: [{ kind: "exit", code: 11 }] });
});

test("a multiboot kernel finds its command line and its module", () => {
  // mov esi, [ebx + 16]; outsb of 12 bytes; mov esi, [ebx + 24]; mov esi, [esi]; outsb of 2 bytes; leave.
  const code = [
    0x66, 0xba, 0xf8, 0x03, 0x8b, 0x73, 0x10, 0xb9, 12, 0, 0, 0, 0xf3, 0x6e, 0x8b, 0x73, 0x18, 0x8b,
    0x36, 0xb9, 2, 0, 0, 0, 0xf3, 0x6e, 0xe6, 0xf4, 0xf4,
  ];
  const config = machine.parse({
    boot: "multiboot",
    memoryBytes: 1 << 24,
    initrd: true,
    append: "a=1 b",
  });
  const images = { kernel: multiboot(code), initrd: Uint8Array.of(0x6f, 0x6b) };
  expect(runToEnd(World.create(machine, { config, images })).text).toBe("kernel a=1 bok");
});

test("a multiboot kernel finds the x87 unit as firmware leaves it: every exception masked", () => {
  // fnstcw [200000h]; mov al, [200000h]; leave.
  const code = [0xd9, 0x3d, 0, 0, 0x20, 0, 0xa0, 0, 0, 0x20, 0, 0xe6, 0xf4, 0xf4];
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { kernel: multiboot(code) } });
  expect(runToEnd(world).ends).toEqual([{ kind: "exit", code: (0x7f << 1) | 1 }]);
});

test("walks and refused instructions of virtualisation are in the trace", () => {
  // mov dword [200000h], 83h; mov eax, 200000h; mov cr3, eax; mov eax, 10h; mov cr4, eax; mov eax, 80000011h;
  // mov cr0, eax; mov [400000h], al; vmrun, without EFER.SVME. The second page of 4 MiB is not there.
  const code = [
    0xc7, 0x05, 0, 0, 0x20, 0, 0x83, 0, 0, 0, 0xb8, 0, 0, 0x20, 0, 0x0f, 0x22, 0xd8, 0xb8, 0x10, 0,
    0, 0, 0x0f, 0x22, 0xe0, 0xb8, 0x11, 0, 0, 0x80, 0x0f, 0x22, 0xc0, 0x0f, 0x01, 0xd8,
  ];
  const config = machine.parse({
    boot: "multiboot",
    memoryBytes: 1 << 24,
    cpu: "amd",
    walks: true,
    reboot: false,
  });
  const world = World.create(machine, { config, images: { kernel: multiboot(code) } });
  const told: TraceEvent[] = [];
  world.trace.attach({ event: (event) => void told.push(event) });
  world.runUntil(1_000_000);
  const walk = told.find(({ type }) => type.name === "cpu.walked");
  expect(walk?.fields).toMatchObject({ access: "fetch", outcome: "frame 100000" });
  expect(walk?.fields["entries"]).toBe("PDE 200000=0000000000000083");
  const refused = told.find(({ type }) => type.name === "cpu.refused");
  expect(refused?.fields).toMatchObject({ outcome: "#UD", check: "EFER.SVME is set" });
});

/** lidt of an empty table, and int3. */
const TRIPLE_FAULT = [0x0f, 0x01, 0x1d, 0x28, 0x00, 0x10, 0x00, 0xcc, 0, 0, 0, 0, 0, 0];

test("a guest that triple-faults ends its machine where it must not begin anew", () => {
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24, reboot: false });
  const code = TRIPLE_FAULT;
  const world = World.create(machine, { config, images: { kernel: multiboot(code) } });
  expect(runToEnd(world).ends).toEqual([{ kind: "shutdown", code: 0 }]);
});

/**
 * inc dword [200000h]; mov al, [200000h]; add al, 30h; out E9h, al; mov al, 8Fh; out 70h, al; in al, 71h; add al, 30h;
 * out E9h, al; mov al, 7; out 71h, al; rdtsc; shr eax, 19; add al, 30h; out E9h, al; cmp byte [200000h], 3; je over the
 * reset; mov al, 5; out F4h, al; hlt.
 */
const BEFORE_RESET = [
  0xff, 0x05, 0, 0, 0x20, 0, 0xa0, 0, 0, 0x20, 0, 0x04, 0x30, 0xe6, 0xe9, 0xb0, 0x8f, 0xe6, 0x70,
  0xe4, 0x71, 0x04, 0x30, 0xe6, 0xe9, 0xb0, 7, 0xe6, 0x71, 0x0f, 0x31, 0xc1, 0xe8, 19, 0x04, 0x30,
  0xe6, 0xe9, 0x80, 0x3d, 0, 0, 0x20, 0, 3, 0x74,
];
const LEAVE = [0xb0, 5, 0xe6, 0xf4, 0xf4];
const resetting = (reset: readonly number[]): readonly number[] => [
  ...BEFORE_RESET,
  reset.length,
  ...reset,
  ...LEAVE,
];

test.each([
  ["port 92h", [0xb0, 1, 0xe6, 0x92, 0xf4]],
  ["the reset control register", [0x66, 0xba, 0xf9, 0x0c, 0xb0, 6, 0xee, 0xf4]],
  ["the keyboard controller", [0xb0, 0xfe, 0xe6, 0x64, 0xf4]],
  ["a triple fault", TRIPLE_FAULT.slice(0, 8).with(3, 0).with(5, 0x20)],
])("%s starts the machine anew: RAM and CMOS stay, counters begin at 0", (_, reset) => {
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24, cpus: 2 });
  const world = World.create(machine, {
    config,
    images: { kernel: multiboot(resetting(reset)) },
  });
  const ran = { text: "100270370", ends: [{ kind: "exit", code: 11 }] };
  const start = world.snapshot();
  expect(runToEnd(world, 10_000_000)).toEqual(ran);
  const digest = world.digest();
  world.restore(start);
  world.trace.truncate();
  world.runUntil(10_000_000);
  expect(world.digest()).toBe(digest);
});

/**
 * mov dword [FEE00320h], 400EFh; TSC = 2^32; rdtsc; add eax, 80000h; IA32_TSC_DEADLINE = edx:eax; reads it until it is 0;
 * rdtsc; shr eax, 19; add al, 30h; out E9h, al; IA32_TSC_DEADLINE = 2^40; TSC = 2^40 + 2^32; reads the deadline; sete al;
 * add al, 30h; out E9h, al; leaves.
 */
const DEADLINES = [
  0xc7, 0x05, 0x20, 0x03, 0xe0, 0xfe, 0xef, 0, 4, 0, 0xb9, 0x10, 0, 0, 0, 0x31, 0xc0, 0xba, 1, 0, 0,
  0, 0x0f, 0x30, 0x0f, 0x31, 0x05, 0, 0, 8, 0, 0xb9, 0xe0, 6, 0, 0, 0x0f, 0x30, 0x0f, 0x32, 0x09,
  0xd0, 0x75, 0xfa, 0x0f, 0x31, 0xc1, 0xe8, 0x13, 0x04, 0x30, 0xe6, 0xe9, 0x31, 0xc0, 0xba, 0, 1, 0,
  0, 0x0f, 0x30, 0xb9, 0x10, 0, 0, 0, 0xba, 1, 1, 0, 0, 0x0f, 0x30, 0xb9, 0xe0, 6, 0, 0, 0x0f, 0x32,
  0x09, 0xd0, 0x0f, 0x94, 0xc0, 0x04, 0x30, 0xe6, 0xe9, 0xb0, 5, 0xe6, 0xf4, 0xf4,
];

test("deadlines of the APIC timer are those of a time-stamp counter that was written", () => {
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { kernel: multiboot(DEADLINES) } });
  expect(runToEnd(world, 10_000_000)).toEqual({ text: "11", ends: [{ kind: "exit", code: 11 }] });
});

test("a bzImage is entered in 64-bit mode with the zero page in RSI", () => {
  const kernel = new Uint8Array(0x2000);
  const view = new DataView(kernel.buffer);
  kernel[0x1f1] = 1;
  kernel[0x201] = 0x66;
  view.setUint32(0x202, 0x5372_6448, true);
  view.setUint16(0x206, 0x20f, true);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint16(0x236, 1, true);
  view.setUint32(0x238, 2047, true);
  view.setBigUint64(0x258, 0x10_0000n, true);
  view.setUint32(0x260, 0x1_0000, true);
  // 2^64 / 2; mov cr8, 3.
  // mov dx, 3F8h; mov esi, [rsi + 228h]; mov ecx, 5; rep outsb; mov rax, cr0 (REX.W must be one); out F4h, al.
  kernel.set(
    [
      0xba, 1, 0, 0, 0, 0x31, 0xc0, 0xb9, 2, 0, 0, 0, 0x48, 0xf7, 0xf1, 0xb8, 3, 0, 0, 0, 0x44,
      0x0f, 0x22, 0xc0, 0x66, 0xba, 0xf8, 0x03, 0x8b, 0xb6, 0x28, 0x02, 0, 0, 0xb9, 5, 0, 0, 0,
      0xf3, 0x6e, 0x48, 0xc7, 0xc0, 7, 0, 0, 0, 0xe6, 0xf4, 0xf4,
    ],
    0x600,
  );
  const config = machine.parse({ memoryBytes: 1 << 24, append: "hello" });
  const ran = runToEnd(World.create(machine, { config, images: { kernel } }));
  expect(ran).toEqual({ text: "hello", ends: [{ kind: "exit", code: 15 }] });
});

test("what is typed reaches the guest, in its order", () => {
  // Polls LSR, reads a byte, sends it back plus one, until it was zero.
  const echo = [
    0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 1, 0x74, 0xfb, 0x66, 0xba, 0xf8, 0x03, 0xec, 0xfe, 0xc0,
    0xee, 0xeb, 0xed,
  ];
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { kernel: multiboot(echo) } });
  world.runUntil(1000);
  world.input("console", "receive", "HAL");
  expect(runToEnd(world).text).toBe("IBM");
});

/**
 * Starts CPU 1 with INIT and a startup IPI, whose code prints A; goes to x2APIC mode, writes its TPR and prints its ID; asks
 * for a random number; reads QEMU's signature by DMA and prints its Q; gives commands to the keyboard controller; writes an
 * MSR; calls through a gate, where it prints G; lets the timer's interrupt in, whose handler prints I; leaves with 5.
 */
const PROCESSORS = `
  bc 00 00 09 00 c7 05 00 80 00 00 b0 41 ba f8 c7 05 04 80 00 00 03 ee f4 eb c7 05 08 80
  00 00 fd 90 90 90 c7 05 10 03 e0 fe 00 00 00 01 c7 05 00 03 e0 fe 00 45 00 00 c7 05 00
  03 e0 fe 08 46 00 00 b9 30 75 00 00 e2 fe b9 1b 00 00 00 0f 32 0d 00 0c 00 00 0f 30 b9
  08 08 00 00 31 c0 31 d2 0f 30 b9 02 08 00 00 0f 32 04 30 66 ba f8 03 ee 0f c7 f0 c7 05
  00 90 00 00 00 00 00 0a c7 05 04 90 00 00 00 00 00 04 c7 05 08 90 00 00 00 00 00 00 c7
  05 0c 90 00 00 00 00 91 00 66 ba 14 05 31 c0 ef 66 ba 18 05 b8 00 00 90 00 ef a0 00 91
  00 00 66 ba f8 03 ee b0 a8 e6 64 b0 a9 e6 64 b0 c0 e6 64 b9 MSR 31 c0 31 d2 0f 30 0f 01
  15 88 01 10 00 0f 01 1d 8e 01 10 00 9a 00 00 00 00 18 00 fb f4 b0 05 e6 f4 f4 b0 49 66
  ba f8 03 ee b0 20 e6 20 cf b0 47 66 ba f8 03 ee cb 90 90 90 90 00 00 00 00 00 00 00 00
  ff ff 00 00 00 9b cf 00 ff ff 00 00 00 93 cf 00 14 01 08 00 00 8c 10 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 08 01 08 00 00 8e 10 00 1f 00 20 01 10 00 47 00 40 01 10 00
`;

const processorsWith = (msr: string): readonly number[] =>
  PROCESSORS.replace("MSR", msr)
    .trim()
    .split(/\s+/u)
    .map((byte) => Number.parseInt(byte, 16));
/** IA32_BIOS_UPDT_TRIG and PATCH_LOADER: both take anything. */
test.each([
  ["intel", processorsWith("79 00 00 00")],
  ["amd", processorsWith("20 00 01 c0")],
])("processors of %s start each other and use what is around them", (cpu, code) => {
  const config = machine.parse({
    cpu,
    cpus: 2,
    boot: "multiboot",
    memoryBytes: 1 << 24,
    testdev: true,
  });
  const world = World.create(machine, { config, images: { kernel: multiboot(code) } });
  const ran = { text: "A0QGI", ends: [{ kind: "exit", code: 11 }] };
  expect(runToEnd(world, 100_000_000)).toEqual(ran);
});

test("a frame that nobody has room for is lost, and its machine goes on", () => {
  const one = { boot: "multiboot", memoryBytes: 1 << 24, network: true };
  const config = host.parse({ host: "intel", cpus: 1, guests: [one, one] });
  const world = World.create(host, { config, images: { kernel: multiboot(GREETING) } });
  world.input(
    "switch",
    "receive",
    Array.from({ length: 60 }, () => 0),
  );
  expect(runToEnd(world, 100_000_000).ends).toHaveLength(2);
});

/** Shows the first byte of the F segment, opens its shadow RAM for writes, writes an A there, opens it for reads, and shows it. */
const SHADOWING = [
  0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0xba, 0xfb, 0x03, 0xb0, 0x03, 0xee, 0xba, 0xf8, 0x03, 0xa0, 0, 0,
  0xee, 0x66, 0xb8, 0x58, 0, 0, 0x80, 0xba, 0xf8, 0x0c, 0x66, 0xef, 0xba, 0xfd, 0x0c, 0xb0, 0x20,
  0xee, 0xc6, 0x06, 0, 0, 0x41, 0xb0, 0x30, 0xee, 0xba, 0xf8, 0x03, 0xa0, 0, 0, 0xee, 0xb0, 0, 0xe6,
  0xf4, 0xf4,
];

test("firmware shadows its ROM, and does so again after the machine went back", () => {
  const bios = new Uint8Array(0x2_0000);
  bios[0x1_0000] = 0x52;
  bios.set(SHADOWING, 0x1_ff00);
  bios.set([0xe9, 0x0d, 0xff], 0x1_fff0);
  const config = machine.parse({ boot: "bios", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { bios } });
  const start = world.snapshot();
  const ran = { text: "RA", ends: [{ kind: "exit", code: 1 }] };
  expect(runToEnd(world)).toEqual(ran);
  world.restore(start);
  world.trace.truncate();
  expect(runToEnd(world)).toEqual(ran);
});

/** inc byte [600h]; mov al, [600h]; add al, 30h; out E9h, al; cmp byte [600h], 2; je 5; mov al, 1; out 92h, al; hlt; out F4h, al. */
const RESETTING_FIRMWARE = [
  0xfe, 0x06, 0, 6, 0xa0, 0, 6, 0x04, 0x30, 0xe6, 0xe9, 0x80, 0x3e, 0, 6, 2, 0x74, 5, 0xb0, 1, 0xe6,
  0x92, 0xf4, 0xe6, 0xf4,
];

test("a reset leads back to the reset vector", () => {
  const bios = new Uint8Array(0x2_0000);
  bios.set(RESETTING_FIRMWARE, 0x1_ff00);
  bios.set([0xe9, 0x0d, 0xff], 0x1_fff0);
  const config = machine.parse({ boot: "bios", memoryBytes: 1 << 24 });
  const ran = runToEnd(World.create(machine, { config, images: { bios } }), 5_000_000);
  expect(ran).toEqual({ text: "12", ends: [{ kind: "exit", code: 101 }] });
});

const cut = multiboot(GREETING);
const wrongAddresses = multiboot(GREETING);
new DataView(wrongAddresses.buffer).setUint32(16, 0x20_0000, true);
const noAddresses = multiboot(GREETING);
new DataView(noAddresses.buffer).setUint32(4, 0, true);
new DataView(noAddresses.buffer).setUint32(8, -0x1bad_b002 >>> 0, true);
const demanding = multiboot(GREETING);
new DataView(demanding.buffer).setUint32(4, 0x1_0008, true);
new DataView(demanding.buffer).setUint32(8, -(0x1bad_b002 + 0x1_0008) >>> 0, true);

test("what needs more memory than there is is refused", () => {
  const kernel = new Uint8Array(0x2000);
  const view = new DataView(kernel.buffer);
  view.setUint32(0x202, 0x5372_6448, true);
  view.setUint16(0x206, 0x20f, true);
  view.setUint16(0x236, 1, true);
  view.setBigUint64(0x258, 0x100_0000n, true);
  view.setUint32(0x260, 0x400_0000, true);
  const config = machine.parse({ memoryBytes: 1 << 24 });
  expect(() => World.create(machine, { config, images: { kernel } })).toThrow(
    new InputError("kernel: needs memory up to 80 MiB, and there is 16 MiB"),
  );
  expect(() => World.create(machine, { config, images: { kernel: new Uint8Array(10) } })).toThrow(
    new InputError("kernel: no bzImage; expected HdrS at 0x202"),
  );
});

test.each([
  ["multiboot: no header of version 1 in the first 8 KiB", new Uint8Array(100)],
  ["multiboot: the header is cut off", cut.subarray(0, 20)],
  ["multiboot: the addresses of the header do not fit the file", wrongAddresses],
  ["multiboot: no ELF file of 32 bits, and no addresses in the header", noAddresses],
  ["multiboot: the header asks for 0x8", demanding],
])("%s", (message, kernel) => {
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24 });
  expect(() => World.create(machine, { config, images: { kernel } })).toThrow(
    new InputError(message),
  );
});

test.each([
  [{ cpus: 65 }, "machine: cpus is 1 to 64, not 65"],
  [{ memoryBytes: 5 }, "machine: memoryBytes is whole MiB from 16 to 3072, not 5"],
  [{ board: "q35" }, 'machine: board is pc or microvm, not "q35"'],
  [{ cpu: "vax" }, "cpu vax: expected intel or amd, and then features as +NAME or -NAME"],
  [{ cpu: "intel,SMAP" }, "cpu intel,SMAP: expected +NAME or -NAME, not SMAP"],
  [{ boot: "floppy" }, 'machine: boot is linux, pvh, multiboot or bios, not "floppy"'],
  [{ reboot: 1 }, "machine: reboot is true or false, not 1"],
  [{ board: "microvm", boot: "bios" }, 'machine: boot is not bios on a microvm, not "bios"'],
  [[], "machine: the configuration is an object"],
])("the configuration %j is refused", (config, message) => {
  expect(() => machine.parse(config)).toThrow(new InputError(message));
});

test("a host that loses power ends its guests", () => {
  const guest = { boot: "multiboot", memoryBytes: 1 << 24, disks: 1, reboot: false };
  const config = host.parse({
    host: "amd",
    cpus: 1,
    guests: [guest],
    storage: { kind: "hdd" },
    groups: [{ "io.weight": "50", "io.max": "8:0 wbps=1000" }],
    throttling: [[{ disks: [0], limits: { "iops-total": { avg: 10, max: 20, length: 2 } } }]],
  });
  expect(host.images(config)).toEqual(["kernel", "disk0"]);
  // jmp to itself.
  const images = { kernel: multiboot([0xeb, 0xfe]), disk0: new Uint8Array(5000) };
  const faults = [{ time: 500_000, target: "disk", kind: "power-cut" }];
  const world = World.create(host, { config, images, faults });
  expect(runToEnd(world, 10_000_000).ends).toEqual([{ kind: "power-cut", code: 0 }]);
});

test.each([
  [{ network: { taps: [{}, {}] } }, "host: network: taps is a list of at most 1"],
  [
    { network: { taps: [{ inbound: { bytesPerSecond: 1, burstBytes: 1, limitBytes: 1 } }] } },
    "host: network: tap 0: inbound: burstBytes is a whole number from 1518 to 4194304, not 1",
  ],
  [
    { network: { vlans: { tagged: [4095] } } },
    "host: network: vlans: tagged is a whole number from 1 to 4094, not 4095",
  ],
  [{ network: { vlans: { tagged: 1 } } }, "host: network: vlans: tagged is a list of VLANs"],
  [{ storage: { kind: "tape" } }, 'host: storage: kind is ssd or hdd, not "tape"'],
  [{ throttling: [[], []] }, "host: throttling is a list of the guests' throttle groups"],
  [{ throttling: [1] }, "host: throttling of guest 0: expected a list of throttle groups"],
  [
    { throttling: [[{ disks: 1 }]] },
    "host: throttling of guest 0: group 0: disks is a list of numbers",
  ],
  [
    { throttling: [[{ disks: [0, 0] }]] },
    "host: throttling of guest 0: group 0: disk 0 is in a group already",
  ],
  [
    { throttling: [[{ limits: { "bps-read": { avg: 5, max: 4 } } }]] },
    "host: throttling of guest 0: group 0: bps-read: max is not below avg",
  ],
  [
    { throttling: [[{ limits: { all: {} } }]] },
    "host: throttling of guest 0: group 0: nothing is called all; there is bps-total, bps-read, bps-write, iops-total, iops-read, iops-write",
  ],
])("a host says what is wrong with its limits: %j", (given, message) => {
  const guest = { boot: "multiboot", memoryBytes: 1 << 24, disks: 1 };
  expect(() => host.parse({ host: "intel", cpus: 1, guests: [guest], ...given })).toThrow(
    new InputError(message),
  );
});

test("a network has two machines or more", () => {
  expect(() => lan.parse({ machines: [{}] })).toThrow(
    new InputError("lan: machines are 2 to 8, not 1"),
  );
  expect(() => lan.parse(null)).toThrow(
    new InputError("lan: the configuration is {machines: [...]}"),
  );
});
