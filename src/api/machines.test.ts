import { expect, test } from "vitest";
import { CONSOLE, ENDED } from "../hw/boards/machine.ts";
import { InputError } from "../sim/assert.ts";
import type { TraceEvent } from "../sim/trace.ts";
import { World } from "../sim/world.ts";
import { lan } from "./lan.ts";
import { machine } from "./machines.ts";

/** Multiboot with addresses in the header: loaded at 1 MiB, entered behind the header. */
function multiboot(code: readonly number[]): Uint8Array {
  const image = new Uint8Array(32 + code.length);
  const view = new DataView(image.buffer);
  const at = 0x10_0000;
  const flags = 0x1_0000;
  [0x1bad_b002, flags, -(0x1bad_b002 + flags), at, at, 0, 0, at + 32].forEach((word, i) => {
    view.setUint32(4 * i, word >>> 0, true);
  });
  image.set(code, 32);
  return image;
}

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

test("a guest that triple-faults ends its machine", () => {
  // lidt of an empty table, and int3.
  const code = [0x0f, 0x01, 0x1d, 0x28, 0x00, 0x10, 0x00, 0xcc, 0, 0, 0, 0, 0, 0];
  const config = machine.parse({ boot: "multiboot", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { kernel: multiboot(code) } });
  expect(runToEnd(world).ends).toEqual([{ kind: "shutdown", code: 0 }]);
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
  // mov dx, 3F8h; mov esi, [rsi + 228h]; mov ecx, 5; rep outsb; mov rax, cr0 (REX.W must be one); out F4h, al.
  kernel.set(
    [
      0x66, 0xba, 0xf8, 0x03, 0x8b, 0xb6, 0x28, 0x02, 0, 0, 0xb9, 5, 0, 0, 0, 0xf3, 0x6e, 0x48,
      0xc7, 0xc0, 7, 0, 0, 0, 0xe6, 0xf4, 0xf4,
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
 * for a random number; lets the timer's interrupt in, whose handler prints I; leaves with 5.
 */
const PROCESSORS = [
  0xbc, 0, 0, 9, 0, 0xc7, 5, 0, 0x80, 0, 0, 0xb0, 0x41, 0xba, 0xf8, 0xc7, 5, 4, 0x80, 0, 0, 3, 0xee,
  0xf4, 0xeb, 0xc7, 5, 8, 0x80, 0, 0, 0xfd, 0x90, 0x90, 0x90, 0xc7, 5, 0x10, 3, 0xe0, 0xfe, 0, 0, 0,
  1, 0xc7, 5, 0, 3, 0xe0, 0xfe, 0, 0x45, 0, 0, 0xc7, 5, 0, 3, 0xe0, 0xfe, 8, 0x46, 0, 0, 0xb9, 0x30,
  0x75, 0, 0, 0xe2, 0xfe, 0xb9, 0x1b, 0, 0, 0, 0x0f, 0x32, 0x0d, 0, 0x0c, 0, 0, 0x0f, 0x30, 0xb9, 8,
  8, 0, 0, 0x31, 0xc0, 0x31, 0xd2, 0x0f, 0x30, 0xb9, 2, 8, 0, 0, 0x0f, 0x32, 4, 0x30, 0x66, 0xba,
  0xf8, 3, 0xee, 0x0f, 0xc7, 0xf0, 0x0f, 1, 0x15, 0x18, 1, 0x10, 0, 0x0f, 1, 0x1d, 0x1e, 1, 0x10, 0,
  0xfb, 0xf4, 0xb0, 5, 0xe6, 0xf4, 0xf4, 0xb0, 0x49, 0x66, 0xba, 0xf8, 3, 0xee, 0xb0, 0x20, 0xe6,
  0x20, 0xcf, 0x90, 0x90, 0x90, 0x90, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf,
  0, 0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa7, 0, 8, 0, 0, 0x8e, 0x10, 0, 0x17, 0, 0xb8, 0, 0x10, 0, 0x47,
  0, 0xd0, 0, 0x10, 0,
];

test.each(["intel", "amd"])("processors of %s start each other and take interrupts", (cpu) => {
  const config = machine.parse({ cpu, cpus: 2, boot: "multiboot", memoryBytes: 1 << 24 });
  const world = World.create(machine, { config, images: { kernel: multiboot(PROCESSORS) } });
  expect(runToEnd(world, 100_000_000)).toEqual({ text: "A0I", ends: [{ kind: "exit", code: 11 }] });
});

test("a frame that nobody has room for is lost, and its machine goes on", () => {
  const one = { boot: "multiboot", memoryBytes: 1 << 24 };
  const config = lan.parse({ machines: [one, one] });
  expect(lan.images(config)).toEqual(["kernel"]);
  const world = World.create(lan, { config, images: { kernel: multiboot(GREETING) } });
  world.post(500, "switch", "deliver", { port: 1, frame: new Uint8Array(60) });
  expect(runToEnd(world).ends).toHaveLength(2);
});

/** Shows the first byte of the F segment, opens its shadow RAM, writes an A there, and shows it again. */
const SHADOWING = [
  0xb8, 0x00, 0xf0, 0x8e, 0xd8, 0xba, 0xfb, 0x03, 0xb0, 0x03, 0xee, 0xba, 0xf8, 0x03, 0xa0, 0, 0,
  0xee, 0x66, 0xb8, 0x58, 0, 0, 0x80, 0xba, 0xf8, 0x0c, 0x66, 0xef, 0xba, 0xfd, 0x0c, 0xb0, 0x30,
  0xee, 0xc6, 0x06, 0, 0, 0x41, 0xba, 0xf8, 0x03, 0xa0, 0, 0, 0xee, 0xb0, 0, 0xe6, 0xf4, 0xf4,
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
  [{ boot: "floppy" }, 'machine: boot is linux, multiboot or bios, not "floppy"'],
  [{ board: "microvm", boot: "bios" }, 'machine: boot is not bios on a microvm, not "bios"'],
  [[], "machine: the configuration is an object"],
])("the configuration %j is refused", (config, message) => {
  expect(() => machine.parse(config)).toThrow(new InputError(message));
});

test("a network has two machines or more", () => {
  expect(() => lan.parse({ machines: [{}] })).toThrow(
    new InputError("lan: machines are 2 to 8, not 1"),
  );
  expect(() => lan.parse(null)).toThrow(
    new InputError("lan: the configuration is {machines: [...]}"),
  );
});
