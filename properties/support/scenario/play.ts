/** Plays a scenario: on a host, whose administrator takes its steps; and each guest's program on a machine of its own. */

import {
  CONSOLE,
  ENDED,
  formatEvent,
  host,
  InputError,
  machine,
  MemoryPool,
  MemoryRing,
  World,
} from "../../../src/api/index.ts";
import { partsOf } from "../../../src/api/hosts.ts";
import type { Json, TraceEvent } from "../../../src/api/index.ts";
import type { QemuMachine } from "../../../src/qemu/machine.ts";
import { END, pieceOf } from "./guest-actions.ts";
import { imageOf } from "./guest-kernel.ts";
import type { AdminAction, Scenario } from "./scenario.ts";

export const GUEST_BYTES = 16 << 20;
const SWAP_BYTES = 64 << 20;
/** Long after the last program's end. */
const LATEST = 200_000_000;
const CHUNK = 500_000;
const TOLD = 12;
const FIRST = "A".charCodeAt(0);

/** What can be seen of a guest from outside. */
export interface Seen {
  /** Bytes: one for each action that it has come through. */
  readonly printed: readonly number[];
  /** Null while it runs. */
  readonly end: string | null;
}

export interface How {
  /** Of each guest: four letters. */
  readonly secrets?: readonly string[];
  /** Whether tables are compared with the ghost. */
  readonly checks?: boolean;
  readonly epochCycles?: number;
  /** Told after each step, and at the end. */
  readonly watch?: (stage: Stage, action: AdminAction | null) => void;
}

/** Worlds of one size come and go. */
const pool = new MemoryPool();

const imagesOf = ({ programs }: Pick<Scenario, "programs">): Record<string, Uint8Array> => ({
  kernel: imageOf(programs.map((program) => [...program.map(pieceOf), END])),
});

const guestConfig = (board: string, number: number, secret = "none"): Record<string, Json> => ({
  boot: "multiboot",
  memoryBytes: GUEST_BYTES,
  reboot: false,
  board,
  append: String.fromCharCode(FIRST + number) + secret,
});

/** A host with a scenario's guests. */
export class Stage {
  readonly scenario: Scenario;
  readonly world: World;
  readonly #printed: number[][];
  readonly #ends: (string | null)[];
  readonly #how: How;

  constructor(scenario: Scenario, how: How = {}) {
    const { programs, schedule, settings } = scenario;
    const { secrets = [], checks = true, epochCycles = 0 } = how;
    this.scenario = scenario;
    this.#how = how;
    const { ksm, haltPollNs, limits } = settings;
    this.#printed = programs.map(() => []);
    this.#ends = programs.map(() => null);
    this.world = World.create(
      host,
      {
        config: host.parse({
          host: settings.vendor,
          cpus: schedule.cpus,
          guests: programs.map((_, i) => guestConfig(settings.board, i, secrets[i])),
          groups: [limits],
          swapBytes: SWAP_BYTES,
          ksm,
          haltPollNs,
          checks,
        }),
        images: imagesOf(scenario),
        sliceCycles: schedule.sliceCycles,
        epochCycles,
      },
      pool,
    );
    this.world.trace.attach({ event: (event) => this.#see(event) });
  }

  get machines(): readonly QemuMachine[] {
    return partsOf(this.world).machines;
  }

  get seen(): readonly Seen[] {
    return this.#printed.map((printed, i) => ({ printed, end: this.#ends[i] ?? null }));
  }

  /** All steps, and on to the end of all guests. */
  play(): void {
    const { world, scenario } = this;
    for (const { after, action } of scenario.admin) {
      world.runUntil(world.now + after);
      this.#take(action);
      this.#how.watch?.(this, action);
    }
    scenario.programs.forEach((_, i) => world.input(this.#nameOf(i, "qemu"), "cont"));
    while (this.#ends.includes(null) && world.now < LATEST) world.runUntil(world.now + CHUNK);
    this.#how.watch?.(this, null);
  }

  release(): void {
    this.world.release();
  }

  #take(action: AdminAction): void {
    const { world } = this;
    switch (action.do) {
      case "set limit": {
        const path = `/machine/${this.#isAlone ? "guest" : `m${this.#live(action.guest)}`}`;
        // The weight of a group that is idle cannot be set: he is told so.
        refusable(() =>
          world.input("host.cgroups", "write", { path, file: action.file, text: action.text }),
        );
        break;
      }
      case "ksmd":
        // Without it there is no such component.
        if (this.scenario.settings.ksm !== null) world.input("host.ksmd", "set", action.set);
        break;
      case "stop":
      case "cont":
        world.input(this.#nameOf(this.#live(action.guest), "qemu"), action.do);
        break;
      case "log":
        this.#machine(action.guest).ram.logs = action.on;
        break;
      case "take log":
        if (this.#machine(action.guest).ram.logs) this.#machine(action.guest).ram.takeDirty();
        break;
      case "go back":
        this.#goBack(action.cycles);
    }
  }

  /** What was seen on the way was not, and will be seen again. */
  #goBack(cycles: number): void {
    const { world } = this;
    const snapshot = world.snapshot();
    const [printed, ends] = [this.#printed.map((bytes) => bytes.length), [...this.#ends]];
    world.runUntil(world.now + cycles);
    world.restore(snapshot);
    world.trace.truncate();
    this.#printed.forEach((bytes, i) => bytes.splice(printed[i] ?? 0));
    ends.forEach((end, i) => (this.#ends[i] = end));
  }

  get #isAlone(): boolean {
    return this.scenario.programs.length === 1;
  }

  #live(guest: number): number {
    return guest % this.scenario.programs.length;
  }

  #machine(guest: number): QemuMachine {
    return this.machines[this.#live(guest)] as QemuMachine;
  }

  #nameOf(guest: number, part: string): string {
    return this.#isAlone ? part : `m${guest}.${part}`;
  }

  #see({ type, source, fields }: TraceEvent): void {
    const number = this.#isAlone ? 0 : Number(/^m(\d)\./.exec(source)?.[1] ?? -1);
    if (type.name === CONSOLE.name && source.endsWith("com1"))
      this.#printed[number]?.push(fields["byte"] as number);
    if (type.name === ENDED.name) this.#ends[number] = endOf(fields);
  }
}

function refusable(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
}

const endOf = (fields: TraceEvent["fields"]): string =>
  `${String(fields["kind"])} ${String(fields["code"])}`;

/** The same with what is seen of all guests. */
export function play(scenario: Scenario, how: How = {}): readonly Seen[] {
  const stage = new Stage(scenario, how);
  try {
    stage.play();
    return stage.seen;
  } finally {
    stage.release();
  }
}

/** One of the programs, on a machine of its own. */
export function playBare({ programs, settings }: Scenario, number: number, secret = "none"): Seen {
  const { board, vendor } = settings;
  const world = World.create(
    machine,
    {
      config: machine.parse({ ...guestConfig(board, number, secret), cpu: vendor }),
      images: imagesOf({ programs }),
      epochCycles: 0,
    },
    pool,
  );
  const printed: number[] = [];
  const ends: string[] = [];
  world.trace.attach({
    event({ type, fields }) {
      if (type.name === CONSOLE.name) printed.push(fields["byte"] as number);
      if (type.name === ENDED.name) ends.push(endOf(fields));
    },
  });
  try {
    while (ends.length === 0 && world.now < LATEST) world.runUntil(world.now + CHUNK);
    return { printed, end: ends[0] ?? null };
  } finally {
    world.release();
  }
}

/** The last that happened on the host and in its guests before a scenario came to its end, or broke off. */
export function lastEvents(scenario: Scenario, how: How = {}): string {
  const stage = new Stage(scenario, how);
  const ring = new MemoryRing(TOLD);
  stage.world.trace.attach(ring);
  try {
    stage.play();
  } catch {
    // What it broke off with has been said.
  } finally {
    stage.release();
  }
  return ring.events().map(formatEvent).join("\n");
}

/** Where two guests part, in words; null when they are alike. */
export function difference(
  one: Seen,
  other: Seen,
  names: readonly [string, string],
): string | null {
  const length = Math.max(one.printed.length, other.printed.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [one.printed[at], other.printed[at]];
    if (a !== b) return `byte ${at}: ${names[0]} ${shown(a)}, ${names[1]} ${shown(b)}`;
  }
  if (one.end === other.end) return null;
  return `the end: ${names[0]} ${one.end ?? "none"}, ${names[1]} ${other.end ?? "none"}`;
}

const shown = (byte: number | undefined): string =>
  byte === undefined ? "nothing" : byte.toString(16).padStart(2, "0");
