/** `kvmsim boot`: a machine of its own, its serial console on standard output, keys to it from standard input. */

import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import {
  bootOf,
  CONSOLE,
  type Cycles,
  CYCLES_PER_SECOND,
  DEFAULT_SETUP,
  ENDED,
  formatTime,
  host,
  type ImageAtHand,
  InputError,
  type Json,
  lan,
  type LanConfig,
  machine,
  type MachineConfig,
  NEVER,
  type TraceEvent,
  World,
} from "../../api/index.ts";
import { loadImage } from "../../api/node.ts";
import { breathe, EXIT, type Io } from "../io.ts";
import { Consoles } from "../consoles.ts";
import { cyclesOf, scheduleOf } from "../options.ts";
import { openFiles } from "../output-files.ts";
import { startStatus, type Status } from "../status-line.ts";

export interface BootOptions {
  readonly machine: string;
  readonly cpus: string;
  readonly memory: string;
  readonly cpu: string;
  readonly kernel?: string;
  readonly multiboot?: string;
  readonly bios?: string;
  /** Of `--no-reboot`. */
  readonly reboot: boolean;
  readonly testdev?: boolean;
  readonly walks?: boolean;
  readonly disk?: readonly string[];
  readonly net?: boolean;
  readonly machines?: string;
  readonly under?: string;
  readonly host: string;
  readonly hostCpus: string;
  readonly guests?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly seed?: string;
  readonly slice?: string;
  readonly schedule?: string;
  readonly epoch?: string;
  readonly until?: string;
  readonly maxCycles?: string;
  readonly record?: string;
  readonly trace?: string;
}

/** Of a run that nobody looks into more closely: slices and digests cost time. */
const ONE_CPU_SLICE = 1_000_000;
const SLICE = 10_000;
const EPOCH = 100_000_000;
const FIRST_STEP = 100_000;
const STEP_MILLISECONDS = 40;
/** What ends a session at a terminal, as in QEMU: Ctrl-A, then x. Then a digit: to which of several machines keys go. */
const ESCAPE = "\u0001";

export async function boot(options: BootOptions, io: Io): Promise<number> {
  const machines = countOf(options);
  const { world, images } = worldOf(options, machines);
  const limit =
    options.maxCycles === undefined ? NEVER : cyclesOf(options.maxCycles, "--max-cycles");
  const files = openFiles(world, options, images);
  const session = new Session(world, io, limit, machines, options.until);
  try {
    await session.run();
    for (const file of files) file.close();
  } catch (error) {
    for (const file of files) file.abandon();
    throw error;
  }
  return session.report();
}

function worldOf(
  options: BootOptions,
  machines: number,
): { readonly world: World; readonly images: readonly ImageAtHand[] } {
  const { initrd } = options;
  const { file, kind } = whatToBoot(options);
  const cpus = Number(options.cpus);
  const first = loadImage(kind === "bios" ? "bios" : "kernel", file);
  const images = [first];
  const config = {
    board: options.machine,
    cpus,
    memoryBytes: bytesOf(options.memory),
    cpu: options.cpu,
    boot: kind === "linux" ? bootOf(first.bytes) : kind,
    initrd: initrd !== undefined,
    reboot: options.reboot,
    testdev: options.testdev === true,
    walks: options.walks === true,
    disks: options.disk?.length ?? 0,
    network: options.net === true,
    ...(options.append === undefined ? {} : { append: options.append }),
  };
  if (initrd !== undefined) images.push(loadImage("initrd", initrd));
  options.disk?.forEach((path, i) => images.push(loadImage(`disk${i}`, path)));
  const isAlone = machines === 1;
  const isGuest = options.under !== undefined;
  // Who takes turns with whom: processors, or the host's.
  const runners = isGuest ? Number(options.hostCpus) : machines * cpus;
  const usual = runners === 1 ? ONE_CPU_SLICE : SLICE;
  const seed = options.seed ?? DEFAULT_SETUP.seed;
  const sliceCycles = options.slice === undefined ? usual : positive(options.slice, "--slice");
  const setup = {
    seed,
    sliceCycles,
    epochCycles: options.epoch === undefined ? EPOCH : cyclesOf(options.epoch, "--epoch"),
    schedule:
      options.schedule === undefined
        ? null
        : scheduleOf(options.schedule, seed, runners, sliceCycles),
    images: Object.fromEntries(images.map(({ name, bytes }) => [name, bytes])),
  };
  if (isGuest) {
    const guests = Array.from({ length: machines }, () => config);
    const hostConfig = host.parse({ host: options.host, cpus: runners, guests });
    return { world: World.create(host, { ...setup, config: hostConfig }), images };
  }
  const world = isAlone
    ? World.create(machine, { ...setup, config: machine.parse(config) })
    : World.create(lan, { ...setup, config: lanConfig(config, machines) });
  return { world, images };
}

/** How many machines there are, each with a console. */
function countOf({ under, machines, guests }: BootOptions): number {
  if (under !== undefined && under !== "kvm")
    throw new InputError(`--under ${under}: expected kvm`);
  if (under === undefined && guests !== undefined)
    throw new InputError("--guests: goes with --under kvm");
  if (under !== undefined && machines !== undefined)
    throw new InputError("--machines: goes without --under; expected --guests");
  return Number(machines ?? guests ?? 1);
}

function lanConfig(config: Json, machines: number): LanConfig {
  if (!Number.isInteger(machines) || machines < 1 || machines > 8)
    throw new InputError("--machines: expected 1 to 8");
  return lan.parse({ machines: Array.from({ length: machines }, () => config) });
}

/** What the machine starts with, and how. */
function whatToBoot({ kernel, multiboot, bios, initrd }: BootOptions): {
  readonly file: string;
  readonly kind: MachineConfig["boot"];
} {
  const given = (
    [
      { file: kernel, kind: "linux" },
      { file: multiboot, kind: "multiboot" },
      { file: bios, kind: "bios" },
    ] as const
  ).filter((way) => way.file !== undefined);
  const [way] = given;
  if (given.length !== 1 || way?.file === undefined)
    throw new InputError("expected one of --kernel FILE, --multiboot FILE and --bios FILE");
  if (way.kind === "bios" && initrd !== undefined)
    throw new InputError("--initrd: goes with --kernel or --multiboot");
  return { file: way.file, kind: way.kind };
}

function positive(text: string, option: string): Cycles {
  const cycles = cyclesOf(text, option);
  if (cycles === 0) throw new InputError(`${option} ${text}: expected at least 1 cycle`);
  return cycles;
}

const BYTES_OF_UNIT: Readonly<Record<string, number>> = { M: 2 ** 20, G: 2 ** 30 };

function bytesOf(text: string): number {
  const [, digits, unit = "M"] = /^(\d{1,6})([MG])?$/.exec(text) ?? [];
  if (digits === undefined) throw new InputError(`--memory ${text}: expected a size as 256M or 1G`);
  return Number(digits) * (BYTES_OF_UNIT[unit] as number);
}

/** Why a run is over. */
type End = Ended | { readonly kind: "seen" | "limit" | "asleep" | "left" };

interface Ended {
  readonly kind: "off" | "reset" | "shutdown" | "exit";
  readonly code: number;
}

/** Of several machines: a triple fault, or else the highest code. */
function worst(ended: readonly Ended[]): Ended {
  const fallen = ended.find(({ kind }) => kind === "shutdown");
  return fallen ?? ended.reduce((a, b) => (b.code > a.code ? b : a));
}

/** Machines that run while somebody watches their consoles and types. */
class Session {
  readonly #world: World;
  readonly #io: Io;
  readonly #limit: Cycles;
  readonly #until: string | undefined;
  readonly #consoles: Consoles;
  /** What names of a machine's parts begin with. */
  readonly #prefixes: readonly string[];
  readonly #status: Status;
  /** The last of each console's output, to look for the text in. */
  readonly #tails = new Map<string, string>();
  readonly #ended: Ended[] = [];
  #typed = "";
  /** Whose keyboard it is. */
  #typedTo = 0;
  #isEscaped = false;
  #end: End | null = null;

  constructor(world: World, io: Io, limit: Cycles, machines: number, until: string | undefined) {
    this.#world = world;
    this.#consoles = new Consoles(machines);
    this.#prefixes = machines === 1 ? [""] : Array.from({ length: machines }, (_, i) => `m${i}.`);
    this.#io = io;
    this.#limit = limit;
    this.#until = until;
    this.#status = startStatus(io);
    world.trace.attach({ event: (event) => this.#see(event) });
  }

  async run(): Promise<void> {
    const stop = this.#io.stdin?.listen((text) => this.#type(text));
    try {
      await this.#advance();
    } finally {
      stop?.();
      this.#status.stop();
      this.#flush(true);
    }
  }

  /** Says how it ended; the exit code. */
  report(): number {
    const { stderr } = this.#io;
    const at = formatTime(this.#world.now);
    const end = this.#end ?? { kind: "left" };
    switch (end.kind) {
      case "exit":
        return end.code;
      case "limit":
        stderr.write(`kvmsim: stopped at ${at}, the limit of --max-cycles\n`);
        return EXIT.found;
      case "asleep":
        stderr.write(`kvmsim: nothing can wake the machine any more, at ${at}\n`);
        break;
      case "shutdown":
        stderr.write(`kvmsim: a processor has shut down after a triple fault, at ${at}\n`);
        return EXIT.found;
      default:
    }
    return this.#until === undefined || end.kind === "seen" ? EXIT.ok : EXIT.found;
  }

  async #advance(): Promise<void> {
    const world = this.#world;
    const started = performance.now();
    const isPaced = this.#io.stdin?.isTerminal === true;
    let step = FIRST_STEP;
    while (this.#end === null) {
      if (world.now >= this.#limit) {
        this.#end = { kind: "limit" };
        return;
      }
      if (world.nextTime === NEVER && this.#io.stdin?.isTerminal !== true) {
        this.#end = { kind: "asleep" };
        return;
      }
      const before = performance.now();
      world.runUntil(Math.min(world.now + step, this.#limit));
      const elapsed = performance.now() - before;
      if (elapsed < STEP_MILLISECONDS / 2) step *= 2;
      else if (elapsed > STEP_MILLISECONDS * 2) step = Math.max(1, Math.floor(step / 2));
      this.#flush();
      this.#status.update(world.now);
      await breathe();
      this.#send();
      // At a terminal, time goes no faster than the clock on the wall.
      const ahead = (world.now / CYCLES_PER_SECOND) * 1000 - (performance.now() - started);
      if (isPaced && ahead > 0) {
        await sleep(Math.min(ahead, STEP_MILLISECONDS));
        step = Math.min(step, FIRST_STEP * 1000);
      }
    }
  }

  #see({ type, source, fields }: TraceEvent): void {
    if (type.name === CONSOLE.name) {
      const character = String.fromCharCode(fields["byte"] as number);
      this.#consoles.add(source, character);
      if (this.#until === undefined) return;
      const tail = ((this.#tails.get(source) ?? "") + character).slice(-this.#until.length);
      this.#tails.set(source, tail);
      if (tail === this.#until) this.#end ??= { kind: "seen" };
    } else if (type.name === ENDED.name) {
      this.#ended.push({ kind: fields["kind"], code: fields["code"] } as Ended);
      if (this.#ended.length === this.#prefixes.length) this.#end ??= worst(this.#ended);
    }
  }

  #flush(isEnd = false): void {
    const text = this.#consoles.take(isEnd);
    if (text !== "") this.#io.stdout.write(Buffer.from(text, "latin1").toString("utf8"));
  }

  #type(text: string): void {
    if (this.#io.stdin?.isTerminal !== true) {
      this.#typed += text;
      return;
    }
    for (const key of text) {
      if (this.#isEscaped && (key === "x" || key === "X")) this.#end ??= { kind: "left" };
      else if (this.#isEscaped && this.#isNumber(key)) this.#choose(Number(key));
      else if (key === ESCAPE && !this.#isEscaped) {
        this.#isEscaped = true;
        continue;
      } else this.#typed += key;
      this.#isEscaped = false;
    }
  }

  /** Of one of several machines. */
  #isNumber(key: string): boolean {
    return /^[0-7]$/u.test(key) && this.#prefixes.length > 1 && Number(key) < this.#prefixes.length;
  }

  /** What was typed before goes where it was meant to. */
  #choose(number: number): void {
    this.#send();
    this.#typedTo = number;
  }

  #send(): void {
    if (this.#typed === "" || this.#end !== null) return;
    this.#world.input(`${this.#prefixes[this.#typedTo]}console`, "receive", this.#typed);
    this.#typed = "";
  }
}
