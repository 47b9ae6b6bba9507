/** `kvmsim bench`: measures, and says which bars are met. */

import os from "node:os";
import process from "node:process";
import { InputError } from "../../api/index.ts";
import type { Benchmark, Figure } from "../bench/figures.ts";
import { isMet } from "../bench/figures.ts";
import { BENCHMARKS } from "../bench/index.ts";
import { breathe, colorsFor, EXIT, type Io } from "../io.ts";
import { startProgress } from "../progress.ts";
import { grouped, jsonText, table } from "../tables.ts";

export interface BenchOptions {
  readonly seconds: string;
  readonly json?: boolean;
}

const SECONDS_MAX = 600;

export async function bench(name: string, options: BenchOptions, io: Io): Promise<number> {
  const benchmark = benchmarkOf(name);
  const seconds = Number(options.seconds);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
    throw new InputError(
      `--seconds ${options.seconds}: expected a number above 0, up to ${SECONDS_MAX}`,
    );
  }
  const figures = await measureAll(benchmark, seconds, io);
  if (options.json === true) {
    const met = figures.map((one) => ({ ...one, met: isMet(one) }));
    io.stdout.write(jsonText({ benchmark: name, machine: machine(), figures: met }));
  } else {
    io.stdout.write(figuresText(figures, io));
  }
  return EXIT.ok;
}

function benchmarkOf(name: string): Benchmark {
  const benchmark = BENCHMARKS.find((one) => one.name === name);
  if (benchmark === undefined) {
    const names = BENCHMARKS.map((one) => one.name).join(", ");
    throw new InputError(`benchmark ${name}: unknown; there is ${names}`);
  }
  return benchmark;
}

async function measureAll(
  { measurements }: Benchmark,
  seconds: number,
  io: Io,
): Promise<readonly Figure[]> {
  const progress = startProgress(io, measurements.length);
  const figures: Figure[] = [];
  try {
    for (const [i, measurement] of measurements.entries()) {
      progress.update(i, measurement.what);
      await breathe();
      figures.push(...measurement.measure(seconds));
    }
  } finally {
    progress.stop();
  }
  return figures;
}

function figuresText(figures: readonly Figure[], io: Io): string {
  const colors = colorsFor(io);
  const verdict = { true: colors.green("yes"), false: colors.red("NO"), null: "" };
  const rows = figures.map((one) => [
    one.what,
    `${amount(one.median)}${range(one)}`,
    one.unit,
    one.bar === null ? "" : `${one.bar.relation} ${grouped(one.bar.value)}`,
    verdict[`${isMet(one)}`],
  ]);
  const head = ["what", "figure (least–greatest)", "unit", "bar", "met?"];
  return `${table(head, rows, ["left", "right"])}${machine()}, one core, warmed up\n`;
}

function range({ samples, least, greatest }: Figure): string {
  return samples === 1 ? "" : ` (${amount(least)}–${amount(greatest)})`;
}

function amount(value: number): string {
  return value >= 1000 ? grouped(Math.round(value / 1000) * 1000) : value.toPrecision(3);
}

function machine(): string {
  const model = os.cpus()[0]?.model ?? "an unknown CPU";
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${model}`;
}
