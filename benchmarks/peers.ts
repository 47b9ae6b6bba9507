/**
 * Measures Bochs, QEMU's TCG and our interpreter on the same machine code: the kernels of src/guests. CPU time of each,
 * without what starting and turning off costs, taken in turns. `node dist/benchmarks/peers.js [seconds] [kernels...]`;
 * see README.md beside this.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type Kernel, KERNELS, ProgramMachine } from "../src/api/index.ts";
import { bootImage, DISK_CYLINDERS } from "./boot-image.ts";

const ROUNDS = 3;
const SECONDS = 4;
const TIMEOUT_SECONDS = 60;
const ATTEMPTS = 3;
/** What a shell makes of a child that was killed. */
const TIMED_OUT = 137;
const SLICE_CYCLES = 2_000_000;
const MEGABYTES = 64;

const folder = mkdtempSync(path.join(os.tmpdir(), "kvmsim-peers-"));
const image = path.join(folder, "disk.img");

interface Peer {
  readonly name: string;
  readonly version: readonly string[];
  /** To choose how often a kernel is run. */
  readonly expectedMips: number;
  readonly command: () => readonly string[];
}

function bochsCommand(): readonly string[] {
  const settings = path.join(folder, "bochsrc");
  writeFileSync(
    settings,
    `megs: ${MEGABYTES}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=${image}, mode=flat, cylinders=${DISK_CYLINDERS}, heads=16, spt=63
boot: disk
display_library: sdl2
port_e9_hack: enabled=1
clock: sync=none
log: ${path.join(folder, "bochs.log")}
panic: action=fatal
error: action=ignore
info: action=ignore
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
`,
  );
  // Debian's Bochs has the debugger built in, which waits to be told to go on.
  const debugging = path.join(folder, "commands");
  writeFileSync(debugging, "continue\n");
  return ["bochs", "-q", "-f", settings, "-rc", debugging];
}

const qemuCommand = (): readonly string[] =>
  [
    `qemu-system-x86_64 -accel tcg -cpu max -m ${MEGABYTES} -drive file=${image},format=raw,if=ide`,
    "-nodefaults -nographic -no-reboot -debugcon stdio -device isa-debug-exit,iobase=0xf4,iosize=4",
  ].flatMap((line) => line.split(" "));

const PEERS: readonly Peer[] = [
  { name: "Bochs", version: ["bochs", "--help"], expectedMips: 50, command: bochsCommand },
  {
    name: "QEMU TCG",
    version: ["qemu-system-x86_64", "--version"],
    expectedMips: 1500,
    command: qemuCommand,
  },
];

interface Run {
  readonly cpuSeconds: number;
  readonly output: Buffer;
}

/** The shell's `time` reads what the kernel counted for the child: user and system time. */
function timed(command: readonly string[]): Run {
  const script = 'TIMEFORMAT="cpu %3U %3S"; time "$@"';
  const limited = ["timeout", "--signal=KILL", String(TIMEOUT_SECONDS), ...command];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const ended = spawnSync("bash", ["-c", script, "bash", ...limited], {
      input: "",
      env: { ...process.env, SDL_VIDEODRIVER: "dummy" },
    });
    // Of a Bochs that was killed.
    rmSync(`${image}.lock`, { force: true });
    const said = ended.stderr.toString("utf8");
    const found = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(said);
    if (found === null) throw new Error(`${command.join(" ")}: ${said}`);
    if (ended.status !== TIMED_OUT) {
      return { cpuSeconds: Number(found[1]) + Number(found[2]), output: ended.stdout };
    }
  }
  throw new Error(`${command.join(" ")}: took more than ${TIMEOUT_SECONDS} s, ${ATTEMPTS} times`);
}

/** What the instructions of one whole run of the kernel come to, and its answer. */
function wholeRun(machine: ProgramMachine, kernel: Kernel): { count: number; answer: bigint } {
  machine.loadKernel(kernel, Math.max(1, Math.floor(kernel.work / 10)));
  let sample = 0;
  while (sample < 100_000 && machine.step() === null) sample += 1;
  const perCycle = sample / machine.state.cycles;
  machine.loadKernel(kernel, kernel.work);
  while (machine.run(machine.state.cycles + SLICE_CYCLES) === null);
  return { count: machine.state.cycles * perCycle, answer: machine.state.gpr(0) };
}

/** MIPS of our interpreter, warm. */
function ours(machine: ProgramMachine, kernel: Kernel, count: number, seconds: number): number {
  let [runs, spent] = [0, 0];
  while (spent < seconds) {
    machine.loadKernel(kernel, kernel.work);
    const before = process.cpuUsage();
    while (machine.run(machine.state.cycles + SLICE_CYCLES) === null);
    const { user, system } = process.cpuUsage(before);
    spent += (user + system) / 1e6;
    runs += 1;
  }
  return (runs * count) / spent / 1e6;
}

function peerMips(peer: Peer, kernel: Kernel, whole: ReturnType<typeof wholeRun>, seconds: number) {
  const runs = Math.max(1, Math.round((peer.expectedMips * 1e6 * seconds) / whole.count));
  writeFileSync(image, bootImage(kernel, 0));
  const empty = timed(peer.command());
  writeFileSync(image, bootImage(kernel, runs));
  const full = timed(peer.command());
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(whole.answer);
  if (!full.output.includes(bytes)) {
    const said = full.output.subarray(-200).toString("latin1");
    throw new Error(`${peer.name}, ${kernel.name}: no answer ${whole.answer} in ${said}`);
  }
  return (runs * whole.count) / (full.cpuSeconds - empty.cpuSeconds) / 1e6;
}

const median = (samples: readonly number[]): number =>
  samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] as number;

const geometricMean = (samples: readonly number[]): number =>
  Math.exp(samples.reduce((sum, one) => sum + Math.log(one), 0) / samples.length);

const versionOf = ({ name, version: [program = "", ...rest] }: Peer): string => {
  const { stdout, stderr } = spawnSync(program, rest, { encoding: "utf8" });
  const found = /(?:Emulator|version) (\d+(?:\.\d+)+)/.exec(`${stdout}${stderr}`);
  return `${name} ${found?.[1] ?? "?"}`;
};

const isThere = ({ version: [program = "", ...rest] }: Peer): boolean =>
  spawnSync(program, rest).error === undefined;

/** Medians of our MIPS and of each peer's. */
function measure(kernel: Kernel, peers: readonly Peer[], seconds: number): readonly number[] {
  const machine = new ProgramMachine();
  const whole = wholeRun(machine, kernel);
  ours(machine, kernel, whole.count, seconds / 4);
  const samples: number[][] = [[], ...peers.map((): number[] => [])];
  for (let round = 0; round < ROUNDS; round += 1) {
    samples[0]?.push(ours(machine, kernel, whole.count, seconds / 2));
    peers.forEach((peer, i) => samples[i + 1]?.push(peerMips(peer, kernel, whole, seconds)));
  }
  return samples.map(median);
}

function main(): void {
  const seconds = Number(process.argv[2] ?? SECONDS);
  const names = process.argv.slice(3);
  const peers = PEERS.filter(isThere);
  const kernels = KERNELS.filter(({ name }) => names.length === 0 || names.includes(name));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const model = os.cpus()[0]?.model ?? "an unknown CPU";
  say(
    `Node ${process.version}, ${peers.map(versionOf).join(", ")}; ${model}, load ${os.loadavg()[0]}\n`,
  );
  say(
    `| kernel | kvmsim MIPS |${peers.map(({ name }) => ` ${name} MIPS | kvmsim / ${name} |`).join("")}`,
  );
  say(`| --- | --- |${peers.map(() => " --- | --- |").join("")}`);
  const ratios: number[][] = peers.map(() => []);
  for (const kernel of kernels) {
    const [mine = 0, ...theirs] = measure(kernel, peers, seconds);
    theirs.forEach((mips, i) => ratios[i]?.push(mine / mips));
    const cells = theirs.map((mips) => ` ${mips.toFixed(0)} | ${(mine / mips).toFixed(2)} |`);
    say(`| ${kernel.name} | ${mine.toFixed(0)} |${cells.join("")}`);
  }
  const means = ratios.map((each) => `  | ${geometricMean(each).toFixed(2)} |`);
  say(`| geometric mean | |${means.join("")}`);
}

try {
  main();
} finally {
  rmSync(folder, { recursive: true });
}
