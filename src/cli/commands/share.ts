/** `kvmsim share`: guests divide a host's processors, memory and uplink; what each was promised, received and may not pass. */

import {
  formatTime,
  type GuestShares,
  type Json,
  share,
  type ShareGuest,
  sharesOf,
  World,
} from "../../api/index.ts";
import { bar } from "../bars.ts";
import { advance } from "../drive.ts";
import { EXIT, type Io } from "../io.ts";
import { cyclesOf, listOf, wholeOf } from "../options.ts";
import { openFiles } from "../output-files.ts";
import { startProgress } from "../progress.ts";
import { count, grouped, jsonText, table } from "../tables.ts";

export interface ShareOptions {
  readonly guests: string;
  readonly workloads: string;
  readonly weights: string;
  readonly cpuMax?: string;
  readonly memoryMax?: string;
  readonly host: string;
  readonly cpus: string;
  readonly bandwidth: string;
  readonly until: string;
  readonly seed?: string;
  readonly record?: string;
  readonly trace?: string;
  readonly json?: boolean;
}

const SLICE = 10_000;
const EPOCH = 100_000_000;
const KIB = 1024;
const MEGABIT = 1_000_000;
const BAR_WIDTH = 30;

export async function shareCommand(options: ShareOptions, io: Io): Promise<number> {
  const config = share.parse(configOf(options));
  const until = cyclesOf(options.until, "--until");
  const { seed = "0" } = options;
  const setup = { seed, config, epochCycles: EPOCH, sliceCycles: SLICE };
  const world = World.create(share, setup);
  const files = openFiles(world, options, []);
  const progress = startProgress(io, until);
  try {
    await advance(world, until, progress);
    for (const file of files) file.close();
  } catch (error) {
    for (const file of files) file.abandon();
    throw error;
  } finally {
    progress.stop();
  }
  const shares = sharesOf(world);
  if (options.json === true) {
    io.stdout.write(
      jsonText({ seed, config, timeCycles: world.now, digest: world.digest(), shares }),
    );
  } else {
    io.stdout.write(tableOf(shares));
    io.stdout.write(chartOf(shares));
    io.stdout.write(
      `${formatTime(world.now)} on ${count(config.cpus, "CPU")}, seed ${seed}, digest ${world.digest()}\n`,
    );
  }
  return EXIT.ok;
}

function configOf(options: ShareOptions): Json {
  const guestCount = wholeOf(options.guests, "--guests");
  const workloads = listOf(options.workloads, "--workloads");
  const weights = listOf(options.weights, "--weights").map((text) => wholeOf(text, "--weights"));
  const each = (text: string | undefined, option: string): number | null =>
    text === undefined ? null : wholeOf(text, option);
  const guests = Array.from(
    { length: guestCount },
    (_, i): ShareGuest => ({
      workload: workloads[i % workloads.length] as string,
      weight: weights[i % weights.length] as number,
      cpuMaxUs: each(options.cpuMax, "--cpu-max"),
      memoryMax: each(options.memoryMax, "--memory-max"),
    }),
  );
  return {
    host: options.host,
    cpus: wholeOf(options.cpus, "--cpus"),
    bitsPerSecond: wholeOf(options.bandwidth, "--bandwidth"),
    guests,
  };
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
const megabits = (bits: number): string => (bits / MEGABIT).toFixed(1);
const kibibytes = (bytes: number): string => grouped(Math.round(bytes / KIB));

const HEAD = [
  "guest",
  "workload",
  "weight",
  "CPU promised",
  "received",
  "at most",
  "KiB received",
  "at most",
  "Mbit/s promised",
  "received",
  "at most",
] as const;

function tableOf(shares: readonly GuestShares[]): string {
  const rows = shares.map(({ name, workload, weight, cpu, memory, network }) => [
    name,
    workload,
    weight,
    percent(cpu.promised),
    percent(cpu.received),
    percent(cpu.bound),
    kibibytes(memory.received),
    kibibytes(memory.bound),
    megabits(network.promised),
    megabits(network.received),
    megabits(network.bound),
  ]);
  return table(HEAD, rows, ["left", "left", ...HEAD.slice(2).map(() => "right" as const)]);
}

/** Time of processors: what was received, and a mark at what was promised. */
function chartOf(shares: readonly GuestShares[]): string {
  const most = Math.max(...shares.map(({ cpu }) => Math.max(cpu.received, cpu.promised)));
  const width = Math.max(...shares.map(({ name }) => name.length));
  const lines = shares.map(
    ({ name, cpu }) =>
      `${name.padEnd(width)} ${bar(cpu.received / most, cpu.promised / most, BAR_WIDTH)} ${percent(cpu.received)}`,
  );
  return `CPU time received (| what was promised)\n${lines.join("\n")}\n`;
}
