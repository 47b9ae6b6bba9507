/**
 * The world of several machines on one Ethernet switch. IEEE Std 802.3; the switch is that of
 * src/hw/chips/ethernet-switch.ts.
 */

import type { Machine } from "../hw/boards/machine.ts";
import {
  type EthernetSwitch,
  forwardFrame,
  newEthernetSwitch,
} from "../hw/chips/ethernet-switch.ts";
import { InputError } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import type { Json, Plain } from "../sim/data.ts";
import type { World } from "../sim/world.ts";
import {
  buildMachine,
  imagesOf,
  type MachineConfig,
  parseConfig,
  startMachine,
} from "./machines.ts";

export interface LanConfig {
  readonly [key: string]: Json;
  /** 2 to 8 machines; each has a network interface. Their images are shared by name. */
  readonly machines: readonly MachineConfig[];
}

const MOST_MACHINES = 8;
/** From one interface to another: about what a switch of a gigabit network takes. */
const LATENCY = 10_000;

export const lan: Blueprint<LanConfig> = {
  name: "lan",
  version: 2,
  parse: (config) => {
    const { machines, ...rest } = isRecord(config) ? config : {};
    if (!Array.isArray(machines) || Object.keys(rest).length > 0)
      throw new InputError("lan: the configuration is {machines: [...]}");
    if (machines.length < 2 || machines.length > MOST_MACHINES)
      throw new InputError(`lan: machines are 2 to ${MOST_MACHINES}, not ${machines.length}`);
    return {
      machines: machines.map((machine: Json) => ({ ...parseConfig(machine), network: true })),
    };
  },
  images: ({ machines }) => [...new Set(machines.flatMap(imagesOf))],
  build: (world, { machines }) => {
    const made = machines.map((config, i) => buildMachine(world, config, `m${i}.`, i));
    connect(world, made);
    built.set(world, made);
  },
  start: (world, { machines }) => {
    built.get(world)?.forEach((machine, i) => {
      startMachine(world, machine, machines[i] as MachineConfig);
    });
  },
};

/** Between build and start. */
const built = new WeakMap<World, readonly Machine[]>();

interface Delivery {
  readonly [key: string]: Plain;
  readonly port: number;
  readonly frame: Uint8Array;
}

/** What has a network interface. */
export interface Station {
  onTransmit: ((part: string, frame: Uint8Array) => void) | null;
  receive(frame: Uint8Array): unknown;
}

/** Puts them on a switch. */
export function connect(world: World, machines: readonly Station[]): void {
  const state = world.registry.plain<EthernetSwitch>("switch", newEthernetSwitch(machines.length));
  world.add({
    name: "switch",
    handlers: {
      deliver: (payload) => {
        const { port, frame } = payload as unknown as Delivery;
        machines[port]?.receive(frame);
      },
    },
  });
  machines.forEach((machine, from) => {
    machine.onTransmit = (_part, frame) => {
      for (const port of forwardFrame(state.value, from, frame))
        world.postIn(LATENCY, "switch", "deliver", { port, frame });
    };
  });
}

const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
