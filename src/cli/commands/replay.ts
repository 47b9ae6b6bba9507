/** `kvmsim replay`: runs a recording again and says whether it is still the same run, digest by digest. */

import {
  type Cycles,
  formatTime,
  InputError,
  type Recording,
  ReplayError,
  type ReplayFailure,
  runReplay,
  verifyReplay,
  type World,
} from "../../api/index.ts";
import { traceToFile } from "../../api/node.ts";
import { advance, type Outcome, outcomeOf, outcomeRows } from "../drive.ts";
import { EXIT, type Io, oneLine } from "../io.ts";
import { cyclesOf, imagesOf } from "../options.ts";
import { startProgress } from "../progress.ts";
import { checkSurplusImages, openRecording, worldOf } from "../recordings.ts";
import { count, facts, jsonText, shortened } from "../tables.ts";

export interface ReplayOptions {
  readonly image?: readonly string[];
  readonly to?: string;
  readonly trace?: string;
  readonly json?: boolean;
}

/** How a replay went: it agrees, or where it left the recording. */
type Verdict =
  | { readonly agrees: true; readonly epochs: number; readonly whole: boolean }
  | { readonly agrees: false; readonly why: string; readonly epoch: number | null };

export async function replay(path: string, options: ReplayOptions, io: Io): Promise<number> {
  const file = openRecording(path);
  const images = imagesOf(options.image);
  checkSurplusImages([file], images);
  const { recording } = file;
  const to = endOf(recording, options.to);
  const world = worldOf(file, images);
  const trace = options.trace === undefined ? null : traceToFile(world, options.trace);
  let verdict: Verdict;
  try {
    verdict = await repeat(recording, world, to, io);
    trace?.close();
  } catch (error) {
    trace?.abandon();
    throw error;
  }
  report(path, world, verdict, options, io);
  return verdict.agrees ? EXIT.ok : EXIT.found;
}

function endOf({ end }: Recording, to: string | undefined): Cycles {
  if (to === undefined) return end.time;
  const time = cyclesOf(to, "--to");
  if (time > end.time) {
    throw new InputError(`--to ${to}: the recording ends at ${formatTime(end.time)}`);
  }
  return time;
}

async function repeat(recording: Recording, world: World, to: Cycles, io: Io): Promise<Verdict> {
  const progress = startProgress(io, to);
  try {
    await advance(world, to, progress, () => firstWrongEpoch(recording, world) === null);
    const wrong = firstWrongEpoch(recording, world);
    if (wrong !== null) return failed(recording, world, wrong);
    if (to < recording.end.time) {
      return { agrees: true, epochs: world.epochDigests.length, whole: false };
    }
    runReplay(recording, world);
    const failure = verifyReplay(recording, world);
    if (failure !== null) return failed(recording, world, failure);
    return { agrees: true, epochs: recording.epochs.length, whole: true };
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    const wrong = firstWrongEpoch(recording, world);
    if (wrong !== null) return failed(recording, world, wrong);
    const epoch = world.epochDigests.length + 1;
    return { agrees: false, why: `in epoch ${epoch}: ${error.message}`, epoch };
  } finally {
    progress.stop();
  }
}

/** Among the epochs passed so far. */
function firstWrongEpoch(recording: Recording, world: World): ReplayFailure | null {
  const found = world.epochDigests;
  const at = found.findIndex((digest, i) => digest !== recording.epochs[i]);
  if (at < 0) return null;
  return { epoch: at + 1, expected: recording.epochs[at] ?? "none", found: found[at] as string };
}

function failed(recording: Recording, world: World, failure: ReplayFailure): Verdict {
  const { epoch, expected, found } = failure;
  const digests = `the digest is ${found}, recorded is ${expected}`;
  if (epoch > recording.epochs.length) {
    const { end } = recording;
    const steps =
      world.steps === end.steps
        ? digests
        : `${count(world.steps, "decision")}, recorded are ${end.steps}`;
    return { agrees: false, why: `at its end, ${formatTime(end.time)}: ${steps}`, epoch: null };
  }
  const { epochCycles } = world.setup;
  const span = `${formatTime((epoch - 1) * epochCycles)} to ${formatTime(epoch * epochCycles)}`;
  return { agrees: false, why: `in epoch ${epoch}, ${span}: ${digests}`, epoch };
}

function report(
  path: string,
  world: World,
  verdict: Verdict,
  { json, trace }: ReplayOptions,
  io: Io,
): void {
  const outcome: Outcome = outcomeOf(world);
  if (json === true) {
    io.stdout.write(jsonText({ recording: path, ...verdict, ...outcome, trace: trace ?? null }));
    return;
  }
  const { blueprint, setup } = world;
  const rows: [string, string][] = [
    ["recording", path],
    ["world", blueprint.name],
    ["seed", shortened(oneLine(setup.seed), 80)],
    ...outcomeRows(outcome),
  ];
  if (trace !== undefined) rows.push(["trace", trace]);
  io.stdout.write(facts(rows));
  io.stdout.write(`${sentence(verdict)}\n`);
}

function sentence(verdict: Verdict): string {
  if (!verdict.agrees) return `The replay leaves the recording ${verdict.why}.`;
  const epochs = count(verdict.epochs, "epoch");
  return verdict.whole
    ? `The replay is the recorded run: the digests of ${epochs} and of the end agree.`
    : `The replay is the recorded run up to here: the digests of ${epochs} agree.`;
}
