/**
 * A toy world of tokens and counters, to hold the simulation kernel to its laws. Tokens hop round a ring of nodes
 * after random delays and leave their mark in memory; toy CPUs, each with its own clock, add to one shared counter in
 * that memory, with or without a lock; tokens can be lost or doubled by faults and inserted from outside.
 */

import { InputError } from "../assert.ts";
import type { Blueprint } from "../blueprint.ts";
import type { Json } from "../data.ts";
import type { PagedMemory } from "../paged-memory.ts";
import type { Runner, Slice } from "../schedule.ts";
import type { Cell } from "../snapshot.ts";
import { eventType } from "../trace.ts";
import type { World } from "../world.ts";

/** How the toy CPUs add to the counter that they share. */
export type Adding = "locked" | "racy" | "image";

export interface TokensConfig {
  readonly [key: string]: Json;
  /** Nodes of the ring, 1 to 65536. */
  readonly nodes: number;
  /** Tokens at the start, 0 to 65536. */
  readonly tokens: number;
  /** Toy CPUs, 0 to 64. */
  readonly cpus: number;
  /** `locked`: one indivisible addition. `racy`: load, add, store. `image`: the program is the image `program`. */
  readonly adding: Adding;
  /** Pages of 4 KiB, 2 to 262144. */
  readonly pages: number;
}

export const DEFAULT_TOKENS: TokensConfig = {
  nodes: 16,
  tokens: 8,
  cpus: 2,
  adding: "locked",
  pages: 256,
};

/** Operations of a toy CPU, a byte each; the program is a loop. */
export const TOY_OPS = { LOAD: 0, ADD: 1, STORE: 2, LOCKED_ADD: 3, ROUND: 4, REST: 5 } as const;

const { LOAD, ADD, STORE, LOCKED_ADD, ROUND, REST } = TOY_OPS;
const PROGRAMS = {
  locked: [LOCKED_ADD, ROUND, LOCKED_ADD, ROUND, LOCKED_ADD, ROUND, REST],
  racy: [LOAD, ADD, STORE, ROUND, LOAD, ADD, STORE, ROUND, LOAD, ADD, STORE, ROUND, REST],
} as const;
const CYCLES_OF_OP = [2, 1, 2, 5, 1, 1] as const;

const TOKEN_ARRIVED = eventType("token.arrived", {
  token: "number",
  node: "number",
  visits: "number",
});
const CPU_RESTED = eventType("cpu.rested", {
  rounds: "number",
  counter: "number",
  until: "cycles",
});

/** The shared counter lies at address 0; each node marks the page after it that its number names. */
const COUNTER_ADDRESS = 0;
const PAGE_SIZE = 4096;

export interface RingState {
  visits: number[];
  inRing: number;
  made: number;
  lost: number;
  doubled: number;
  /** Arrivals that a fault has asked to lose, or to double. */
  toLose: number;
  toDouble: number;
}

export interface CpuState {
  pc: number;
  accumulator: number;
  rounds: number;
}

export const tokens: Blueprint<TokensConfig> = {
  name: "tokens",
  version: 1,
  parse: parseConfig,
  images: (config) => (config.adding === "image" ? ["program"] : []),
  build(world, config) {
    const memory = world.memory("memory", config.pages * PAGE_SIZE);
    buildRing(world, memory, config);
    const program = programOf(world, config);
    for (let i = 0; i < config.cpus; i += 1) buildCpu(world, memory, program, `cpu${i}`);
  },
  start(world, config) {
    const stream = world.random("ring.start");
    for (let token = 0; token < config.tokens; token += 1) {
      world.post(stream.below(1000), "ring", "arrive", { token, node: stream.below(config.nodes) });
    }
  },
};

function buildRing(world: World, memory: PagedMemory, config: TokensConfig): void {
  const ring = world.registry.plain<RingState>("ring", {
    visits: Array.from({ length: config.nodes }, () => 0),
    inRing: config.tokens,
    made: config.tokens,
    lost: 0,
    doubled: 0,
    toLose: 0,
    toDouble: 0,
  });
  const delays = world.random("ring.delay");
  const hop = (token: number, from: number): void => {
    world.postIn(1 + delays.below(1000), "ring", "arrive", {
      token,
      node: (from + 1) % config.nodes,
    });
  };
  world.add({
    name: "ring",
    handlers: {
      arrive(payload) {
        const { token, node } = payload as { token: number; node: number };
        const state = ring.value;
        if (state.toLose > 0) {
          state.toLose -= 1;
          state.lost += 1;
          state.inRing -= 1;
          return;
        }
        const visits = (state.visits[node] as number) + 1;
        state.visits[node] = visits;
        memory.write32(markAddress(node, config.pages), visits);
        world.trace.emit(TOKEN_ARRIVED, world.now, "ring", { token, node, visits });
        if (state.toDouble > 0) {
          state.toDouble -= 1;
          state.doubled += 1;
          state.inRing += 1;
          hop(token, node);
        }
        hop(token, node);
      },
      insert(payload) {
        const state = ring.value;
        const token = state.made;
        state.made += 1;
        state.inRing += 1;
        // An input can carry anything: whatever is no number of a node means node 0.
        const node =
          typeof payload === "number" && payload >= 0 && payload < config.nodes
            ? Math.floor(payload)
            : 0;
        world.postIn(1, "ring", "arrive", { token, node });
      },
    },
    faults: {
      lose() {
        ring.value.toLose += 1;
      },
      double() {
        ring.value.toDouble += 1;
      },
    },
  });
}

export function markAddress(node: number, pages: number): number {
  return PAGE_SIZE * (1 + (node % (pages - 1))) + 4 * (Math.floor(node / (pages - 1)) % 1024);
}

function buildCpu(
  world: World,
  memory: PagedMemory,
  program: readonly number[],
  name: string,
): void {
  const cell: Cell<CpuState> = world.registry.plain<CpuState>(name, {
    pc: 0,
    accumulator: 0,
    rounds: 0,
  });
  const rest = world.random(`${name}.rest`);
  const runner: Runner = {
    name,
    run(slice) {
      const state = cell.value;
      while (slice.clock < slice.limit) {
        const op = program[state.pc] as number;
        state.pc = (state.pc + 1) % program.length;
        slice.clock += CYCLES_OF_OP[op] as number;
        if (op === REST) {
          restUntilAlarm(world, slice, memory, name, state, 1 + rest.below(2000));
          return;
        }
        execute(op, state, memory);
      }
    },
  };
  world.addRunner(runner);
  world.add({ name, handlers: { alarm: () => world.wake(name) } });
}

function execute(op: number, state: CpuState, memory: PagedMemory): void {
  switch (op) {
    case LOAD:
      state.accumulator = memory.read32(COUNTER_ADDRESS);
      break;
    case ADD:
      state.accumulator = (state.accumulator + 1) >>> 0;
      break;
    case STORE:
      memory.write32(COUNTER_ADDRESS, state.accumulator);
      break;
    case LOCKED_ADD:
      memory.write32(COUNTER_ADDRESS, memory.read32(COUNTER_ADDRESS) + 1);
      break;
    default:
      state.rounds += 1;
  }
}

function restUntilAlarm(
  world: World,
  slice: Slice,
  memory: PagedMemory,
  name: string,
  state: CpuState,
  cycles: number,
): void {
  const until = slice.clock + cycles;
  const counter = memory.read32(COUNTER_ADDRESS);
  world.trace.emit(CPU_RESTED, slice.clock, name, { rounds: state.rounds, counter, until });
  world.post(until, name, "alarm");
  slice.park();
}

function programOf(world: World, config: TokensConfig): readonly number[] {
  if (config.adding !== "image") return PROGRAMS[config.adding];
  const program = [...world.image("program")];
  if (program.length === 0)
    throw new InputError("image program: empty; expected operations, a byte each");
  program.forEach((op, at) => {
    if (op >= CYCLES_OF_OP.length) {
      throw new InputError(`image program: byte ${at} is ${op}; expected an operation from 0 to 5`);
    }
  });
  return program;
}

const LIMITS = {
  nodes: [1, 65536],
  tokens: [0, 65536],
  cpus: [0, 64],
  pages: [2, 262_144],
} as const;

function parseConfig(config: Json): TokensConfig {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new InputError("tokens: expected an object of settings");
  }
  const given: Record<string, Json> = { ...DEFAULT_TOKENS, ...(config as Record<string, Json>) };
  for (const key of Object.keys(given)) {
    if (key === "adding") continue;
    if (!Object.hasOwn(LIMITS, key)) throw new InputError(`tokens: no setting is called ${key}`);
    const limits = LIMITS[key as keyof typeof LIMITS];
    const value = given[key];
    if (
      typeof value !== "number" ||
      !Number.isInteger(value) ||
      value < limits[0] ||
      value > limits[1]
    ) {
      throw new InputError(`tokens: ${key} is a whole number from ${limits[0]} to ${limits[1]}`);
    }
  }
  const { adding } = given;
  if (adding !== "locked" && adding !== "racy" && adding !== "image") {
    throw new InputError("tokens: adding is locked, racy or image");
  }
  return given as TokensConfig;
}
