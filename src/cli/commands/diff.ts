/** `kvmsim diff`: where two recorded runs part, in event, time and field. */

import {
  type Divergence,
  firstDivergence,
  formatEvent,
  formatTime,
  InputError,
  type KnownRun,
  ReplayError,
  type TraceEvent,
  type World,
} from "../../api/index.ts";
import { EXIT, type Io, oneLine } from "../io.ts";
import { imagesOf } from "../options.ts";
import { checkSurplusImages, openRecording, type RecordingFile, worldOf } from "../recordings.ts";
import { type SetupDifference, setupDifferences } from "../setup-differences.ts";
import { jsonText, shortened, table } from "../tables.ts";

export interface DiffOptions {
  readonly image?: readonly string[];
  readonly json?: boolean;
}

interface Comparison {
  readonly files: readonly [RecordingFile, RecordingFile];
  readonly setups: readonly SetupDifference[];
  readonly divergence: Divergence | null;
}

type EventDivergence = Extract<Divergence, { what: "event" }>;
type StateDivergence = Extract<Divergence, { what: "state" }>;

const VALUE_WIDTH = 160;

export async function diff(a: string, b: string, options: DiffOptions, io: Io): Promise<number> {
  const files = [openRecording(a), openRecording(b)] as const;
  const images = imagesOf(options.image);
  checkSurplusImages(files, images);
  checkComparable(...files);
  const worlds = [worldOf(files[0], images), worldOf(files[1], images)] as const;
  const comparison: Comparison = {
    files,
    setups: setupDifferences(files[0].recording.header, files[1].recording.header),
    divergence: compare(files, worlds),
  };
  if (options.json === true) io.stdout.write(jsonText(jsonOf(comparison)));
  else io.stdout.write(textOf(comparison));
  return comparison.divergence === null ? EXIT.ok : EXIT.found;
}

/** Throws InputError for recordings between which no first difference is defined. */
function checkComparable(a: RecordingFile, b: RecordingFile): void {
  const [left, right] = [a.recording.header, b.recording.header];
  const refuse = (why: string): never => {
    throw new InputError(`${a.path} and ${b.path} cannot be compared: ${why}`);
  };
  if (left.world.name !== right.world.name) {
    refuse(`one is of a world ${left.world.name}, the other of ${right.world.name}`);
  }
  const [x, y] = [left.setup.epochCycles, right.setup.epochCycles];
  if (x !== y) refuse(`their epochs are ${x} and ${y} cycles long`);
  if (x === 0) refuse("they were recorded without digests (--epoch 0)");
}

function compare(files: Comparison["files"], worlds: readonly [World, World]): Divergence | null {
  const [a, b] = [files[0].recording.end, files[1].recording.end];
  // Inputs can come at the very end of a run: one cycle more takes them in, in both runs alike.
  const more = a.time === b.time ? 1 : 0;
  const known = ({ recording }: RecordingFile): KnownRun => ({
    epochs: recording.epochs,
    endTime: recording.end.time + more,
  });
  let divergence: Divergence | null;
  try {
    divergence = firstDivergence(worlds[0], known(files[0]), worlds[1], known(files[1]));
  } catch (error) {
    if (error instanceof ReplayError) throw new InputError(noLongerTheRun(files, error.message));
    throw error;
  }
  checkRepeated(files[0], worlds[0]);
  checkRepeated(files[1], worlds[1]);
  const sameEnd = a.time !== b.time || (a.digest === b.digest && a.steps === b.steps);
  if (divergence === null && !sameEnd) {
    throw new InputError(noLongerTheRun(files, "their ends differ, but repeated they agree"));
  }
  return divergence;
}

/** What was repeated must be what was recorded, or the answer would be about other runs. */
function checkRepeated({ path, recording }: RecordingFile, world: World): void {
  const found = world.epochDigests;
  const at = found.findIndex((digest, i) => digest !== recording.epochs[i]);
  if (at >= 0 && at < recording.epochs.length) {
    throw new InputError(
      `${path}: repeated, the run leaves the recording in epoch ${at + 1}; see kvmsim replay`,
    );
  }
}

const noLongerTheRun = (files: Comparison["files"], why: string): string =>
  `${files[0].path} and ${files[1].path}: a run cannot be repeated as recorded: ${why}; see kvmsim replay`;

function textOf({ files, setups, divergence }: Comparison): string {
  const paths = files.map(({ path }) => path);
  let text = "";
  if (setups.length > 0) {
    const rows = setups.map(({ field, left, right }) => [field, shown(left), shown(right)]);
    text += `The set-ups differ:\n${table(["in", ...paths], rows)}`;
  }
  if (divergence === null) return text + agreement(files);
  return (
    text +
    (divergence.what === "state" ? stateText(divergence, paths) : eventTexts(divergence, paths))
  );
}

function stateText(
  { time, field, left, right }: StateDivergence,
  paths: readonly string[],
): string {
  const sides = [left, right].map((value, i) => [paths[i] as string, shown(value)]);
  const head = `No event differs, but the states do, first at ${at(time)}, in ${field}:`;
  return `${head}\n${table(["run", field], sides)}`;
}

const at = (time: number): string => `cycle ${time} (${formatTime(time)})`;

function agreement(files: Comparison["files"]): string {
  const [a, b] = [files[0].recording.end.time, files[1].recording.end.time];
  if (a === b) return `The runs agree to their end, ${at(a)}.\n`;
  const shorter = a < b ? files[0] : files[1];
  return `The runs agree to the end of the shorter one, ${shorter.path}, ${at(Math.min(a, b))}.\n`;
}

function eventTexts(divergence: EventDivergence, paths: readonly string[]): string {
  const { time, number, field } = divergence;
  const sides = [divergence.left, divergence.right];
  const place = `The runs part at event ${number}, ${at(time)}`;
  if (field === "none") {
    const rows = sides.map((event, i) => [paths[i] as string, eventText(event)]);
    const longer = paths[sides.findIndex((event) => event !== null)] as string;
    return `${place}: only ${longer} has it:\n${table(["run", `event ${number}`], rows)}`;
  }
  const rows = sides.map((event, i) => [
    paths[i] as string,
    event === null ? "none" : shown(fieldOf(event, field)),
    eventText(event),
  ]);
  return `${place}, in ${field}:\n${table(["run", field, `event ${number}`], rows)}`;
}

const eventText = (event: TraceEvent | null): string =>
  event === null ? "none" : shortened(oneLine(formatEvent(event)), VALUE_WIDTH);

function fieldOf(event: TraceEvent, field: string): unknown {
  if (field === "time") return event.time;
  if (field === "source") return event.source;
  return field === "type" ? event.type.name : event.fields[field];
}

function shown(value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return shortened(oneLine(value), VALUE_WIDTH);
  return shortened(jsonText(value).replace(/\s+/g, " ").trim(), VALUE_WIDTH);
}

function jsonOf({ files, setups, divergence }: Comparison): object {
  return {
    recordings: files.map(({ path }) => path),
    setups,
    agree: divergence === null,
    divergence: divergence === null ? null : jsonOfDivergence(divergence),
  };
}

function jsonOfDivergence(divergence: Divergence): object {
  if (divergence.what === "state") return divergence;
  return {
    ...divergence,
    left: jsonOfEvent(divergence.left),
    right: jsonOfEvent(divergence.right),
  };
}

function jsonOfEvent(event: TraceEvent | null): object | null {
  if (event === null) return null;
  const { number, time, source, type, fields } = event;
  // Whoever emits may hand over more than the event's type names.
  const named = Object.fromEntries(type.fieldNames.map((name) => [name, fields[name]]));
  return { number, time, source, type: type.name, fields: named };
}
