/** `kvmsim check`: checks the laws, shows progress, and prints what breaks them with a way to see it again. */

import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import "../../../properties/index.ts";
import {
  DEFAULT_SEED,
  type Effort,
  type Law,
  statedLaws,
} from "../../../properties/support/law.ts";
import { InputError, mutantCalled } from "../../api/index.ts";
import {
  type Checked,
  closingText,
  failureText,
  jsonOfCheck,
  listText,
  summaryTable,
} from "../check-report.ts";
import { colorsFor, EXIT, type Io, oneLine } from "../io.ts";
import { checkAll } from "../laws/check-all.ts";
import { type Checker, inThisProcess, inWorkers } from "../laws/checkers.ts";
import { keepFailures, stillFallen } from "../laws/failures.ts";
import { isPath } from "../laws/run.ts";
import { wholeOf } from "../options.ts";
import { count, jsonText } from "../tables.ts";

export interface CheckOptions {
  readonly seed?: string;
  readonly factor: string;
  readonly jobs?: string;
  readonly law?: readonly string[];
  readonly path?: string;
  readonly mutant?: readonly string[];
  readonly list?: boolean;
  readonly json?: boolean;
}

/** More than any machine gains by. */
const MOST_JOBS = 64;

export async function check(options: CheckOptions, io: Io): Promise<number> {
  const laws = chosenLaws(options.law);
  if (options.list === true) {
    io.stdout.write(listText(laws, options.json === true));
    return EXIT.ok;
  }
  const effort = effortOf(options, laws, io);
  const checker = checkerOf(options, laws, io);
  if (options.json !== true) {
    io.stdout.write(
      `Checking ${count(laws.length, "law")}, seed ${effort.seed}, factor ${effort.factor}\n`,
    );
  }
  const started = performance.now();
  const checked = await checkEach(laws, effort, checker, options, io);
  const milliseconds = performance.now() - started;
  if (options.json === true) {
    io.stdout.write(jsonText(jsonOfCheck(checked, effort, milliseconds)));
  } else {
    const colors = colorsFor(io);
    io.stdout.write(summaryTable(checked, colors));
    for (const one of checked) io.stdout.write(failureText(one, effort, repeating(io), colors));
    io.stdout.write(closingText(checked, effort, milliseconds, colors));
  }
  return checked.every(({ result }) => result.failure === null) ? EXIT.ok : EXIT.found;
}

/** Cases that failed before come first; a law that they break is not checked further. */
async function checkEach(
  laws: readonly Law[],
  effort: Effort,
  checker: Checker,
  { json: quiet = false }: CheckOptions,
  io: Io,
): Promise<readonly Checked[]> {
  // What is run again by its path was asked for, and says nothing about the rest of its law; mutants are to fail.
  const isPlain = effort.path === undefined && effort.mutants?.length === 0;
  const folder = isPlain ? io.failures : undefined;
  const fallen = folder === undefined ? [] : stillFallen(folder, laws, effort);
  if (fallen.length > 0 && !quiet) {
    io.stdout.write(`${count(fallen.length, "law")} fell as before, with the case that was kept\n`);
  }
  const others = laws.filter((law) => fallen.every((one) => one.law !== law));
  const checked = await checkAll(others, effort, checker, quiet, io);
  const complaint = folder === undefined ? null : keepFailures(folder, checked);
  if (complaint !== null) io.stderr.write(`kvmsim: failures are not kept: ${oneLine(complaint)}\n`);
  return [...fallen, ...checked].toSorted((a, b) => laws.indexOf(a.law) - laws.indexOf(b.law));
}

/** In the order in which they are stated. */
function chosenLaws(given: readonly string[] = []): readonly Law[] {
  const laws = statedLaws();
  const names = given.flatMap((list) => list.split(","));
  const unknown = names.find((name) => laws.every((law) => law.name !== name));
  if (unknown !== undefined) {
    throw new InputError(`--law ${unknown}: no law has that name; see kvmsim check --list`);
  }
  return names.length === 0 ? laws : laws.filter(({ name }) => names.includes(name));
}

function effortOf(options: CheckOptions, laws: readonly Law[], io: Io): Effort {
  const seed = seedOf(options.seed, io);
  const factor = Number(options.factor);
  if (!(factor > 0 && factor <= 1e6)) {
    throw new InputError(`--factor ${options.factor}: expected a number above 0, up to 1000000`);
  }
  const { path, mutant: mutants = [] } = options;
  mutants.forEach(mutantCalled);
  if (path === undefined) return { seed, factor, mutants };
  if (laws.length !== 1) throw new InputError(`--path ${path}: expected one --law with it`);
  if (!isPath(path)) {
    throw new InputError(`--path ${path}: expected numbers joined by colons, as a failure prints`);
  }
  return { seed, factor, mutants, path };
}

/** From the option, else from KVMSIM_SEED, else the seed that is the same for everyone. */
function seedOf(option: string | undefined, io: Io): number {
  if (option === "random") return randomInt(2 ** 31);
  const variable = io.env["KVMSIM_SEED"];
  const [text, origin] = option === undefined ? [variable, "KVMSIM_SEED"] : [option, "--seed"];
  if (text === undefined || text === "") return DEFAULT_SEED;
  const seed = Number(text);
  if (!/^-?\d{1,10}$/.test(text) || seed < -(2 ** 31) || seed >= 2 ** 32) {
    throw new InputError(`${origin} ${text}: expected a whole number below 2^32, or random`);
  }
  return seed | 0;
}

/** As many workers as there are cores, unless told otherwise; no more than laws. */
function checkerOf({ jobs }: CheckOptions, laws: readonly Law[], io: Io): Checker {
  const wanted = jobs === undefined ? availableParallelism() : wholeOf(jobs, "--jobs");
  if (wanted < 1 || wanted > MOST_JOBS) {
    throw new InputError(`--jobs ${jobs}: expected 1 to ${MOST_JOBS}`);
  }
  const useful = Math.min(wanted, laws.length);
  return useful <= 1 || io.lawWorker === undefined
    ? inThisProcess
    : inWorkers(io.lawWorker, useful);
}

/** How the command was started, so that the line printed after a failure can be pasted. */
function repeating(io: Io): string {
  return io.env["npm_lifecycle_event"] === "start" ? "npm start --" : "kvmsim check";
}
