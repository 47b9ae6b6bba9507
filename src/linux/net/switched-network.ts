/**
 * The network inside a host: taps, each shaped in both directions, on a bridge, whose uplink is shared by weight and
 * leaves by a physical interface. Linux, Documentation/networking/tuntap.rst, bridge.rst; tc(8). Pure functions over
 * plain state: frames go in by `transmit` and `receive`, and come out of `settle`.
 */

import { type Cycles, NEVER } from "../../sim/time.ts";
import { type Bridge, type Frame, forwardFrame, newBridge, type PortVlans } from "./bridge.ts";
import { type Drr, dequeueDrr, enqueueDrr, newDrr } from "./drr.ts";
import { type Link, linkDeadline, newLink, sendOn, takeArrived } from "./link.ts";
import { type Nic, newNic, nicDeadline, startSending, takeSent } from "./nic.ts";
import {
  dequeueTbf,
  enqueueTbf,
  newTbf,
  type Tbf,
  type TbfParameters,
  tbfDeadline,
} from "./tbf.ts";

export interface TapParameters {
  readonly vlans: PortVlans;
  /** What the guest may send, and what it may be sent; null for no limit. */
  readonly outbound: TbfParameters | null;
  readonly inbound: TbfParameters | null;
  /** Its share of the uplink. */
  readonly weight: number;
}

export interface UplinkParameters {
  readonly vlans: PortVlans;
  readonly bitsPerSecond: number;
  /** Of the cable. */
  readonly latency: Cycles;
}

export interface NetworkParameters {
  readonly taps: readonly TapParameters[];
  readonly uplink: UplinkParameters | null;
  /** From the bridge to whoever has the other end of a tap. */
  readonly tapLatency: Cycles;
}

interface Tap {
  outbound: Tbf;
  inbound: Tbf;
  wire: Link;
  /** Something is in it, so that it is among those that are looked at. */
  isBusy: boolean;
}

interface Uplink {
  queue: Drr;
  nic: Nic;
  wire: Link;
}

export interface SwitchedNetwork {
  at: Cycles;
  bridge: Bridge;
  taps: Tap[];
  /** Numbers of taps, in ascending order. */
  busy: number[];
  uplink: Uplink | null;
}

/** A frame comes out at a tap, or, with `UPLINK`, at the far end of the cable. */
export interface Delivery {
  readonly port: number | typeof UPLINK;
  readonly frame: Frame;
  readonly at: Cycles;
}

export const UPLINK = "uplink";

export const newSwitchedNetwork = (parameters: NetworkParameters): SwitchedNetwork => ({
  at: 0,
  bridge: newBridge([
    ...parameters.taps.map(({ vlans }) => vlans),
    ...(parameters.uplink === null ? [] : [parameters.uplink.vlans]),
  ]),
  taps: parameters.taps.map(({ outbound, inbound }) => ({
    outbound: newTbf(outbound),
    inbound: newTbf(inbound),
    wire: newLink(parameters.tapLatency),
    isBusy: false,
  })),
  busy: [],
  uplink:
    parameters.uplink === null
      ? null
      : {
          queue: newDrr(parameters.taps.map(({ weight }) => weight)),
          nic: newNic(parameters.uplink.bitsPerSecond),
          wire: newLink(parameters.uplink.latency),
        },
});

/** A guest sends a frame by its tap: it goes on when the network settles. */
export function transmit(network: SwitchedNetwork, tap: number, frame: Frame, now: Cycles): void {
  const port = network.taps[tap];
  if (port === undefined) return;
  enqueueTbf(port.outbound, frame, now);
  wakeTap(network, tap);
}

/** A frame comes in by the uplink. */
export function receive(network: SwitchedNetwork, frame: Frame): void {
  if (network.uplink !== null) forward(network, network.taps.length, frame);
}

/** When something happens by itself next; null for never. */
export function networkDeadline(network: SwitchedNetwork): Cycles | null {
  let first = NEVER;
  const meet = (at: Cycles | null): void => {
    if (at !== null && at < first) first = at;
  };
  for (const { outbound, inbound, wire } of busyTaps(network)) {
    meet(tbfDeadline(outbound));
    meet(tbfDeadline(inbound));
    meet(linkDeadline(wire));
  }
  const { uplink } = network;
  if (uplink !== null) {
    meet(nicDeadline(uplink.nic));
    meet(linkDeadline(uplink.wire));
  }
  return first === NEVER ? null : first;
}

const busyTaps = ({ taps, busy }: SwitchedNetwork): readonly Tap[] =>
  busy.map((number) => taps[number] as Tap);

function wakeTap({ taps, busy }: SwitchedNetwork, number: number): void {
  const tap = taps[number];
  if (tap === undefined || tap.isBusy) return;
  tap.isBusy = true;
  const at = busy.findIndex((other) => other > number);
  busy.splice(at < 0 ? busy.length : at, 0, number);
}

/** Taps that have nothing left are not looked at until something comes. */
function restTaps(network: SwitchedNetwork): void {
  const { taps } = network;
  network.busy = network.busy.filter((number) => {
    const tap = taps[number] as Tap;
    const { outbound, inbound, wire } = tap;
    tap.isBusy = outbound.queue.length + inbound.queue.length + wire.flight.length > 0;
    return tap.isBusy;
  });
}

/** Lets time pass until `now`, however far, and gives what came out, in the order of its times. */
export function settle(network: SwitchedNetwork, now: Cycles): readonly Delivery[] {
  const out: Delivery[] = [];
  const pass = (time: Cycles): void => {
    network.at = Math.max(network.at, time);
    move(network);
    out.push(...arrivals(network));
    restTaps(network);
  };
  for (;;) {
    const deadline = networkDeadline(network);
    if (deadline === null || deadline > now) break;
    pass(deadline);
  }
  pass(now);
  return out;
}

/** Everything that may go on now goes on. */
function move(network: SwitchedNetwork): void {
  const { taps, uplink, at } = network;
  for (const port of network.busy.slice())
    drain((taps[port] as Tap).outbound, at, (frame) => forward(network, port, frame));
  for (const { inbound, wire } of busyTaps(network))
    drain(inbound, at, (frame) => sendOn(wire, frame, at));
  if (uplink !== null) moveUplink(uplink, at);
}

function drain(tbf: Tbf, now: Cycles, take: (frame: Frame) => void): void {
  for (;;) {
    const frame = dequeueTbf(tbf, now);
    if (frame === null) return;
    take(frame);
  }
}

function moveUplink({ queue, nic, wire }: Uplink, now: Cycles): void {
  const sent = takeSent(nic, now);
  if (sent !== null) sendOn(wire, sent, now);
  if (nic.sending !== null) return;
  const next = dequeueDrr(queue);
  if (next !== null) startSending(nic, next, now);
}

function forward(network: SwitchedNetwork, from: number, frame: Frame): void {
  const { bridge, taps, uplink, at } = network;
  for (const out of forwardFrame(bridge, from, frame, at)) {
    const tap = taps[out.port];
    if (tap !== undefined) {
      enqueueTbf(tap.inbound, out.frame, at);
      wakeTap(network, out.port);
    } else if (uplink !== null) enqueueDrr(uplink.queue, from, out.frame);
  }
}

function arrivals(network: SwitchedNetwork): readonly Delivery[] {
  const { taps, busy, uplink, at } = network;
  const found: Delivery[] = busy.flatMap((port) =>
    takeArrived((taps[port] as Tap).wire, at).map((frame) => ({ port, frame, at })),
  );
  if (uplink !== null)
    for (const frame of takeArrived(uplink.wire, at)) found.push({ port: UPLINK, frame, at });
  return found;
}
