/** `kvmsim boot` and `kvmsim replay` of what it recorded, with a kernel that echoes what it reads. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { kvmsim } from "../../properties/support/command.ts";
import { pvhKernel } from "../../properties/support/elf.ts";
import { multiboot } from "../api/index.ts";
import type { Input, Io } from "./io.ts";
import { main } from "./kvmsim.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "kvmsim-boot-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function kernelFile(name: string, code: readonly number[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, multiboot(code));
  return file;
}

/** mov dx, 3F8h; mov al, 'H'; out dx, al; mov al, 'i'; out dx, al; mov al, 5; out F4h, al; hlt. */
const GREETING = [
  0x66, 0xba, 0xf8, 0x03, 0xb0, 0x48, 0xee, 0xb0, 0x69, 0xee, 0xb0, 0x05, 0xe6, 0xf4, 0xf4,
];
const greeting = kernelFile("greeting", GREETING);
/** Polls LSR, reads a byte, sends it back plus one; leaves with 0 after a 'Z'. */
const echo = kernelFile(
  "echo",
  [
    0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 1, 0x74, 0xfb, 0x66, 0xba, 0xf8, 0x03, 0xec, 0xfe, 0xc0,
    0xee, 0x3c, 0x5b, 0x75, 0xeb, 0x30, 0xc0, 0xe6, 0xf4, 0xf4,
  ],
);
/** cli; hlt. */
const silent = kernelFile("silent", [0xfa, 0xf4, 0xeb, 0xfd]);
/** lidt of nothing; int3. */
const faulty = kernelFile("faulty", [0x0f, 0x01, 0x1d, 0x28, 0, 0x10, 0, 0xcc, 0, 0, 0, 0, 0, 0]);

const SMALL = ["--memory", "16M"];

/** Types `text` at once, on a terminal or not. */
function typing(text: string, isTerminal: boolean): { io: Io; seen: { out: string; err: string } } {
  const seen = { out: "", err: "" };
  const stdin: Input = {
    isTerminal,
    listen(take) {
      take(text);
      return () => {};
    },
    readAll: () => Promise.resolve(text),
  };
  const stream = {
    rows: 24,
    columns: 80,
    isTTY: true,
    write: (piece: string) => {
      seen.out += piece;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  const terminal = isTerminal ? stream : null;
  const io: Io = {
    stdin,
    stdout: { write: (piece) => void (seen.out += piece), terminal },
    stderr: { write: (piece) => void (seen.err += piece), terminal },
    env: {},
  };
  return { io, seen };
}

test("shows the console and leaves with what the guest says", async () => {
  const ran = await kvmsim("boot", "--multiboot", greeting, ...SMALL);
  expect(ran).toEqual({ code: 11, stdout: "Hi", stderr: "" });
});

test("an ELF file is entered by its note", async () => {
  const file = path.join(folder, "vmlinux");
  writeFileSync(file, pvhKernel(GREETING));
  const ran = await kvmsim("boot", "--kernel", file, "--initrd", file, ...SMALL);
  expect(ran).toEqual({ code: 11, stdout: "Hi", stderr: "" });
});

test("a guest gets its module, its words and its disks", async () => {
  const more = [
    "--initrd",
    silent,
    "--append",
    "a b",
    "--disk",
    silent,
    "--cpus",
    "2",
    "--seed",
    "7",
  ];
  const ran = await kvmsim("boot", "--multiboot", greeting, "--memory", "32M", ...more);
  expect(ran.code).toBe(11);
  // The last 16 bytes of firmware lie at the reset vector: these leave, too.
  const bios = await kvmsim("boot", "--bios", greeting, ...SMALL, "--max-cycles", "1ms");
  expect(bios.code).toBe(11);
});

test("stops at a text", async () => {
  const ran = await kvmsim("boot", "--multiboot", greeting, ...SMALL, "--until", "H");
  expect(ran.code).toBe(0);
});

test("stops at the limit, and when nothing can happen any more", async () => {
  const limit = await kvmsim("boot", "--multiboot", echo, ...SMALL, "--max-cycles", "1ms");
  expect(limit.code).toBe(1);
  expect(limit.stderr).toContain("the limit of --max-cycles");
  const shut = await kvmsim("boot", "--multiboot", faulty, ...SMALL, "--no-reboot");
  expect(shut.code).toBe(1);
  expect(shut.stderr).toContain("triple fault");
  const until = await kvmsim(
    "boot",
    "--multiboot",
    silent,
    ...SMALL,
    "--until",
    "x",
    "--max-cycles",
    "2ms",
  );
  expect(until.code).toBe(1);
  // It is reset again and again.
  const anew = await kvmsim("boot", "--multiboot", faulty, ...SMALL, "--max-cycles", "5ms");
  expect(anew.stderr).toContain("the limit of --max-cycles");
});

test("what is sent reaches the guest, and the recording replays it", async () => {
  const { io, seen } = typing("HALZ", false);
  const recording = path.join(folder, "echo.rec");
  const trace = path.join(folder, "echo.jsonl");
  const args = ["boot", "--multiboot", echo, ...SMALL, "--epoch", "1ms", "--slice", "5us"];
  expect(await main([...args, "--record", recording, "--trace", trace], io)).toBe(1);
  expect(seen.out).toBe("IBM[");
  const again = await kvmsim("replay", recording, "--image", `kernel=${echo}`);
  expect(again.stderr).toBe("");
  expect(again.stdout).toContain("The replay is the recorded run");
});

test("machines on one switch: their consoles line by line, the highest code", async () => {
  const ran = await kvmsim("boot", "--multiboot", greeting, ...SMALL, "--machines", "2", "--net");
  expect(ran).toEqual({ code: 11, stdout: "m0| Hi\nm1| Hi", stderr: "" });
  const fallen = ["--multiboot", faulty, ...SMALL, "--machines", "3", "--no-reboot"];
  const shut = await kvmsim("boot", ...fallen);
  expect(shut.stderr).toContain("triple fault");
});

test.each(["intel", "amd"])("guests of a simulated host of %s", async (vendor) => {
  const under = ["--under", "kvm", "--host", vendor, "--multiboot", greeting, ...SMALL];
  const alone = await kvmsim("boot", ...under);
  expect(alone).toEqual({ code: 11, stdout: "Hi", stderr: "" });
  const two = await kvmsim("boot", ...under, "--guests", "2", "--host-cpus", "2", "--net");
  expect(two).toEqual({ code: 11, stdout: "m0| Hi\nm1| Hi", stderr: "" });
  const fallen = ["--under", "kvm", "--host", vendor, "--multiboot", faulty, ...SMALL];
  const shut = await kvmsim("boot", ...fallen, "--no-reboot");
  expect(shut.stderr).toContain("triple fault");
});

test("a host with guests is replayed", async () => {
  const recording = path.join(folder, "host.rec");
  const given = ["--guests", "2", "--epoch", "1us", "--record", recording];
  const under = ["--under", "kvm", "--multiboot", greeting, ...SMALL, ...given];
  expect((await kvmsim("boot", ...under)).code).toBe(11);
  const again = await kvmsim("replay", recording, "--image", `kernel=${greeting}`);
  expect(again.stdout).toContain("The replay is the recorded run");
});

test("keys go to the machine that was chosen", async () => {
  const { io, seen } = typing("HA\u00011LZ\u00010Z", true);
  expect(await main(["boot", "--multiboot", echo, ...SMALL, "--machines", "2"], io)).toBe(1);
  expect(seen.out).toContain("m0| IB");
  expect(seen.out).toContain("m1| M[");
});

test("of several machines the highest code counts", async () => {
  // Polls LSR, reads a byte, leaves with it.
  const code = [0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 1, 0x74, 0xfb, 0x66, 0xba, 0xf8, 0x03, 0xec];
  const leaving = kernelFile("leaving", [...code, 0xe6, 0xf4, 0xf4]);
  const { io } = typing("A\u00011B", true);
  const args = ["boot", "--multiboot", leaving, ...SMALL, "--machines", "2"];
  expect(await main(args, io)).toBe(0x85);
});

test.each(["pct:3", "file"])("a schedule that is disturbed is replayed: %s", async (given) => {
  const plan = path.join(folder, "plan.json");
  writeFileSync(plan, '{"priorities":[1,2],"changePoints":[3],"windowCycles":50000}');
  const recording = path.join(folder, "disturbed.rec");
  const schedule = ["--schedule", given === "file" ? plan : given, "--record", recording];
  const started = ["--machines", "2", "--multiboot", greeting, ...SMALL, "--epoch", "1us"];
  expect((await kvmsim("boot", ...started, ...schedule)).code).toBe(11);
  const window = given === "file" ? 50_000 : 1_000_000;
  expect(readFileSync(recording, "latin1")).toContain(`"windowCycles":${window}`);
  const again = await kvmsim("replay", recording, "--image", `kernel=${greeting}`);
  expect(again.stdout).toContain("The replay is the recorded run");
});

test("at a terminal there is a status line, and Ctrl-A x leaves", async () => {
  const { io, seen } = typing("H\u0001\u0001\u0001x", true);
  expect(await main(["boot", "--multiboot", echo, ...SMALL], io)).toBe(0);
  expect(seen.out).toContain("\u001b[1;23r");
  expect(seen.out).toContain("\u001b[r");
});

test("a terminal sees how far virtual time has come", async () => {
  const { io, seen } = typing("", true);
  const args = ["boot", "--multiboot", echo, ...SMALL, "--max-cycles", "40ms"];
  expect(await main(args, io)).toBe(1);
  expect(seen.out).toMatch(/0\.\d+ s · \d+ million cycles a second/u);
});

test.each([
  [[], "expected one of --kernel FILE, --multiboot FILE and --bios FILE"],
  [["--kernel", greeting, ...SMALL], "kernel: no bzImage; expected HdrS at 0x202"],
  [["--bios", greeting, "--initrd", greeting], "--initrd: goes with --kernel or --multiboot"],
  [["--multiboot", greeting, "--memory", "much"], "--memory much: expected a size as 256M or 1G"],
  [["--multiboot", greeting, "--cpus", "x"], "machine: cpus is 1 to 64, not null"],
  [["--multiboot", greeting, "--machines", "9"], "--machines: expected 1 to 8"],
  [["--multiboot", greeting, "--guests", "2"], "--guests: goes with --under kvm"],
  [["--multiboot", greeting, "--under", "xen"], "--under xen: expected kvm"],
  [
    ["--multiboot", greeting, "--under", "kvm", "--machines", "2"],
    "--machines: goes without --under; expected --guests",
  ],
  [["--multiboot", greeting, "--under", "kvm", "--guests", "9"], "host: guests are 1 to 8"],
  [
    ["--multiboot", greeting, "--under", "kvm", "--host-cpus", "x"],
    "host: cpus is a whole number from 1 to 16, not null",
  ],
  [
    ["--multiboot", greeting, "--under", "kvm", "--host", "via"],
    'host: host is intel or amd, not "via"',
  ],
  [
    ["--multiboot", greeting, "--under", "kvm", "--guests", "8", "--memory", "1G"],
    "host: the guests' memory is more than 3.5 GiB in all",
  ],
  [["--multiboot", greeting, "--schedule", "pct:0"], "pct:0: no such file or folder"],
  [["--multiboot", greeting, "--slice", "0"], "--slice 0: expected at least 1 cycle"],
  [
    ["--multiboot", path.join(folder, "none")],
    `${path.join(folder, "none")}: no such file or folder`,
  ],
  [
    ["--multiboot", greeting, ...SMALL, "--record", "one", "--trace", "one"],
    "one: named as recording and as trace",
  ],
  [
    ["--multiboot", greeting, ...SMALL, "--record", path.join(folder, "no", "a.rec")],
    `${path.join(folder, "no", "a.rec")}: no such file or folder`,
  ],
])("boot %j is refused", async (args, message) => {
  const ran = await kvmsim("boot", ...args);
  expect(ran).toEqual({ code: 2, stdout: "", stderr: `kvmsim: ${message}\n` });
});
