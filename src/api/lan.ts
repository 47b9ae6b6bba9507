/** The world of several machines on one Ethernet switch, which is that of src/linux/net/. IEEE Std 802.3. */

import type { Machine } from "../hw/boards/machine.ts";
import { plainNetwork } from "../linux/net/parameters.ts";
import type { NetworkParameters } from "../linux/net/switched-network.ts";
import { VirtualSwitch } from "../linux/net/virtual-switch.ts";
import { InputError } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import type { Json } from "../sim/data.ts";
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

export const lan: Blueprint<LanConfig> = {
  name: "lan",
  version: 3,
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
    connect(world, made, plainNetwork(made.length));
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

/** What has a network interface. */
export interface Station {
  onTransmit: ((part: string, frame: Uint8Array) => void) | null;
  receive(frame: Uint8Array): unknown;
}

/** Puts them on a switch, each at the tap of its number. */
export function connect(
  world: World,
  stations: readonly Station[],
  parameters: NetworkParameters,
): void {
  const made = new VirtualSwitch(world, "switch", parameters, (tap, frame) =>
    stations[tap]?.receive(frame),
  );
  stations.forEach((station, tap) => {
    station.onTransmit = (_part, frame) => made.transmit(tap, frame);
  });
}

const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
