/**
 * The network of a host in its world: its state is registered, its next deadline is an event, frames that leave by the
 * uplink are told to the trace, and those that come in by it are inputs. Linux, Documentation/networking/bridge.rst;
 * limits and weights change as tc(8) changes them.
 */

import { type AlarmState, newAlarm, setAlarm } from "../../sim/alarm.ts";
import { InputError } from "../../sim/assert.ts";
import type { Json, Plain } from "../../sim/data.ts";
import type { Cell } from "../../sim/snapshot.ts";
import { type Cycles, NEVER } from "../../sim/time.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";
import { fieldsOf, wholeOf } from "../fields.ts";
import type { Frame } from "./bridge.ts";
import { changeWeight } from "./drr.ts";
import type { DisturbanceKind, Link } from "./link.ts";
import { bytesOf, limitOf, weightOf } from "./parameters.ts";
import {
  networkDeadline,
  type NetworkParameters,
  newSwitchedNetwork,
  receive,
  settle,
  type SwitchedNetwork,
  transmit,
  UPLINK,
} from "./switched-network.ts";
import { changeTbf } from "./tbf.ts";

/** A frame has come to the far end of the uplink's cable: its bytes in hexadecimal digits. */
export const FRAME_LEFT = eventType("network.left", { frame: "text" });

interface SwitchState extends AlarmState {
  network: SwitchedNetwork;
}

/** What a fault plan that says no more gets: one frame, and a millisecond. */
const FAULT_FRAMES = 1;
const FAULT_CYCLES: Cycles = 1_000_000;

export class VirtualSwitch {
  readonly name: string;
  readonly #world: World;
  readonly #cell: Cell<SwitchState>;
  readonly #deliver: (tap: number, frame: Frame) => void;

  /**
   * To be made while the world is built. Adds the component `name`, which takes the inputs `receive`, `limit` and
   * `weight`, and a component for each cable, which suffers faults.
   */
  constructor(
    world: World,
    name: string,
    parameters: NetworkParameters,
    deliver: (tap: number, frame: Frame) => void,
  ) {
    this.name = name;
    this.#world = world;
    this.#deliver = deliver;
    this.#cell = world.registry.plain<SwitchState>(name, {
      network: newSwitchedNetwork(parameters),
      ...newAlarm(),
    });
    world.add({
      name,
      handlers: {
        deadline: () => {
          this.#cell.value.due = null;
          this.#act(() => undefined);
        },
        receive: (payload) => this.#receive(payload),
        limit: (payload) => this.#limit(payload),
        weight: (payload) => this.#weigh(payload),
      },
    });
    parameters.taps.forEach((_, tap) => {
      this.#addCable(`${name}.tap${tap}`, ({ taps }) => taps[tap]?.wire);
    });
    if (parameters.uplink !== null)
      this.#addCable(`${name}.${UPLINK}`, ({ uplink }) => uplink?.wire);
  }

  /** A frame comes from whoever has the other end of a tap, who may be in the middle of an access: it goes on later. */
  transmit(tap: number, frame: Frame): void {
    const { network } = this.#cell.value;
    transmit(network, tap, frame, Math.max(this.#world.now, network.at));
    this.#schedule();
  }

  /** What of a tap has left by the uplink. */
  uplinkBytes(tap: number): number {
    return this.#cell.value.network.uplink?.queue.queues[tap]?.sent ?? 0;
  }

  #receive(payload: Plain): void {
    const frame = bytesOf(payload, `${this.name} receive`);
    this.#act((network) => receive(network, frame));
  }

  /** `{tap, inbound, outbound}`: what is not named stays. */
  #limit(payload: Plain): void {
    const place = `${this.name} limit`;
    const fields = fieldsOf(payload as Json, place, ["tap", "inbound", "outbound"]);
    const { network } = this.#cell.value;
    const tap = network.taps[wholeOf(fields["tap"], `${place}: tap`, 0, network.taps.length - 1)];
    for (const direction of ["inbound", "outbound"] as const) {
      const given = fields[direction];
      if (tap === undefined || given === undefined) continue;
      const limit = limitOf(given, `${place}: ${direction}`);
      this.#act(({ at }) => changeTbf(tap[direction], limit, at));
    }
  }

  /** `{tap, weight}` */
  #weigh(payload: Plain): void {
    const place = `${this.name} weight`;
    const fields = fieldsOf(payload as Json, place, ["tap", "weight"]);
    const { taps } = this.#cell.value.network;
    const tap = wholeOf(fields["tap"], `${place}: tap`, 0, taps.length - 1);
    const weight = weightOf(fields["weight"], place);
    this.#act(({ uplink }) => {
      if (uplink !== null) changeWeight(uplink.queue, tap, weight);
    });
  }

  #addCable(name: string, wire: (network: SwitchedNetwork) => Link | undefined): void {
    const disturb =
      (kind: DisturbanceKind) =>
      (detail: Json | undefined): void => {
        const place = `fault ${kind} of ${name}`;
        const given = fieldsOf(detail ?? {}, place, ["frames", "for", "by"]);
        const most = Number.MAX_SAFE_INTEGER;
        const whole = (key: string, otherwise: number): number =>
          given[key] === undefined ? otherwise : wholeOf(given[key], `${place}: ${key}`, 0, most);
        const until = this.#world.now + whole("for", NEVER);
        const frames = whole("frames", until === NEVER ? FAULT_FRAMES : NEVER);
        const cable = wire(this.#cell.value.network);
        if (cable === undefined) throw new InputError(`${place}: there is no such cable`);
        cable.disturbances[kind] = { frames, until, by: whole("by", FAULT_CYCLES) };
      };
    this.#world.add({
      name,
      handlers: {},
      faults: { loss: disturb("loss"), delay: disturb("delay"), reorder: disturb("reorder") },
    });
  }

  /** Lets something happen to the network now; no CPU that lags behind takes its time back. */
  #act(act: (network: SwitchedNetwork) => void): void {
    const { network } = this.#cell.value;
    const now = Math.max(this.#world.now, network.at);
    const out = [...settle(network, now)];
    act(network);
    out.push(...settle(network, now));
    for (const { port, frame } of out) {
      if (port === UPLINK)
        this.#world.trace.emit(FRAME_LEFT, this.#world.now, this.name, { frame: hexOf(frame) });
      else this.#deliver(port, frame);
    }
    this.#schedule();
  }

  #schedule(): void {
    const state = this.#cell.value;
    setAlarm(this.#world, this.name, state, networkDeadline(state.network));
  }
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hexOf(frame: Frame): string {
  let text = "";
  for (const byte of frame) text += DIGITS[byte] as string;
  return text;
}
