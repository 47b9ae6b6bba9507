/** `kvmsim run`: makes a world by name and runs it, recorded and traced if asked. */

import {
  blueprintOf,
  DEFAULT_SETUP,
  type ImageAtHand,
  InputError,
  type Json,
  type Setup,
  World,
} from "../../api/index.ts";
import { readFaults, readSchedule, shippedImage } from "../../api/node.ts";
import { advance, outcomeOf, outcomeRows } from "../drive.ts";
import { EXIT, type Io, oneLine } from "../io.ts";
import { cyclesOf, type GivenInput, imagesOf, inputsOf, settingsOf } from "../options.ts";
import { openFiles } from "../output-files.ts";
import { startProgress } from "../progress.ts";
import { facts, jsonText, shortened } from "../tables.ts";

export interface RunOptions {
  readonly seed?: string;
  readonly until: string;
  readonly set?: readonly string[];
  readonly image?: readonly string[];
  readonly epoch?: string;
  readonly slice?: string;
  readonly faults?: string;
  readonly schedule?: string;
  readonly mutant?: readonly string[];
  readonly input?: readonly string[];
  readonly record?: string;
  readonly trace?: string;
  readonly json?: boolean;
}

export async function run(name: string, options: RunOptions, io: Io): Promise<number> {
  const blueprint = blueprintOf(name);
  const config = blueprint.parse(settingsOf(options.set));
  const images = imagesFor(blueprint.images(config), imagesOf(options.image));
  const setup = setupOf(options, config, images);
  const until = cyclesOf(options.until, "--until");
  const inputs = inputsOf(options.input);
  const world = World.create(blueprint, setup);
  checkInputs(world, inputs, until);
  const files = openFiles(world, options, images);
  try {
    await runWithInputs(world, inputs, until, io);
    for (const file of files) file.close();
  } catch (error) {
    for (const file of files) file.abandon();
    throw error;
  }
  report(world, options, io);
  return EXIT.ok;
}

function setupOf(options: RunOptions, config: Json, images: readonly ImageAtHand[]): Setup {
  const sliceCycles =
    options.slice === undefined ? DEFAULT_SETUP.sliceCycles : cyclesOf(options.slice, "--slice");
  if (sliceCycles === 0) throw new InputError("--slice 0: expected at least 1 cycle");
  return {
    config,
    seed: options.seed ?? DEFAULT_SETUP.seed,
    epochCycles:
      options.epoch === undefined ? DEFAULT_SETUP.epochCycles : cyclesOf(options.epoch, "--epoch"),
    sliceCycles,
    faults: options.faults === undefined ? [] : readFaults(options.faults),
    schedule: options.schedule === undefined ? null : readSchedule(options.schedule),
    mutants: options.mutant ?? [],
    images: Object.fromEntries(images.map(({ name, bytes }) => [name, bytes])),
  };
}

/** Exactly the images that the world asks for; what comes with the package need not be given. */
function imagesFor(
  names: readonly string[],
  given: readonly ImageAtHand[],
): readonly ImageAtHand[] {
  const surplus = given.find(({ name }, i) => !names.includes(name) || nameTaken(given, i));
  if (surplus !== undefined) {
    const asked = names.length === 0 ? "none" : names.join(", ");
    throw new InputError(`--image ${surplus.name}: the world asks for ${asked}, once each`);
  }
  const others = names.filter((name) => given.every((image) => image.name !== name));
  const shipped = others.map((name) => {
    const image = shippedImage(name);
    if (image === null)
      throw new InputError(`image ${name}: not given; expected --image ${name}=FILE`);
    return image;
  });
  return [...given, ...shipped];
}

const nameTaken = (given: readonly ImageAtHand[], index: number): boolean =>
  given.findIndex(({ name }) => name === given[index]?.name) < index;

/** Before anything runs: each input has a taker and lies in the run. */
function checkInputs(world: World, inputs: readonly GivenInput[], until: number): void {
  const late = inputs.find(({ time }) => time > until);
  if (late !== undefined) {
    throw new InputError(`--input at ${late.time}: lies after the end of the run at ${until}`);
  }
  const trial = world.fork();
  trial.supplyInputs(inputs.map((input) => ({ ...input, step: 0 })));
  trial.release();
}

async function runWithInputs(
  world: World,
  inputs: readonly GivenInput[],
  until: number,
  io: Io,
): Promise<void> {
  const progress = startProgress(io, until);
  try {
    for (const { time, target, kind, payload } of inputs) {
      await advance(world, time, progress);
      world.input(target, kind, payload);
    }
    await advance(world, until, progress);
  } finally {
    progress.stop();
  }
}

function report(world: World, { json, record, trace }: RunOptions, io: Io): void {
  const { blueprint, setup } = world;
  const outcome = outcomeOf(world);
  if (json === true) {
    const { name, version } = blueprint;
    const { config, seed } = setup;
    const files = { recording: record ?? null, trace: trace ?? null };
    io.stdout.write(jsonText({ world: { name, version }, config, seed, ...outcome, ...files }));
    return;
  }
  const rows: [string, string][] = [
    ["world", blueprint.name],
    ["seed", shortened(oneLine(setup.seed), 80)],
    ...outcomeRows(outcome),
  ];
  if (record !== undefined) rows.push(["recording", record]);
  if (trace !== undefined) rows.push(["trace", trace]);
  io.stdout.write(facts(rows));
}
