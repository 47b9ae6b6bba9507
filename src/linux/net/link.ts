/**
 * The way from one port to the next, in one direction: frames arrive after a latency in the order in which they were
 * sent, but for what the fault plan takes away, holds up or lets others overtake. Linux, tc-netem(8), names the same
 * disturbances. Pure functions over plain state.
 */

import { type Cycles, NEVER } from "../../sim/time.ts";
import type { Frame } from "./bridge.ts";

export type DisturbanceKind = "loss" | "delay" | "reorder";

/** It ends after so many frames, or at a moment, whichever is first. */
export interface Disturbance {
  readonly frames: number;
  readonly until: Cycles;
  /** How much longer a frame takes that is delayed, or overtaken. */
  readonly by: Cycles;
}

export interface Link {
  latency: Cycles;
  /** Frames on their way in the order in which they were sent, and when they arrive. */
  flight: { readonly frame: Frame; readonly at: Cycles }[];
  /** When the last frame arrives that is not overtaken. */
  last: Cycles;
  disturbances: Record<DisturbanceKind, Disturbance>;
  lost: number;
}

const QUIET: Disturbance = { frames: 0, until: 0, by: 0 };

export const newLink = (latency: Cycles): Link => ({
  latency,
  flight: [],
  last: 0,
  disturbances: { loss: QUIET, delay: QUIET, reorder: QUIET },
  lost: 0,
});

export function sendOn(link: Link, frame: Frame, now: Cycles): void {
  if (disturb(link, "loss", now) !== null) {
    link.lost += 1;
    return;
  }
  const at = Math.max(link.last, now + link.latency + (disturb(link, "delay", now) ?? 0));
  const overtaken = disturb(link, "reorder", now);
  if (overtaken === null) link.last = at;
  link.flight.push({ frame, at: at + (overtaken ?? 0) });
}

/** What has arrived by now, the first one first. */
export function takeArrived(link: Link, now: Cycles): readonly Frame[] {
  const arrived = link.flight.filter(({ at }) => at <= now);
  if (arrived.length === 0) return [];
  link.flight = link.flight.filter(({ at }) => at > now);
  return arrived.sort((a, b) => a.at - b.at).map(({ frame }) => frame);
}

/** When the next frame arrives; null when none is on its way. */
export function linkDeadline({ flight }: Link): Cycles | null {
  const at = flight.reduce((least, one) => Math.min(least, one.at), NEVER);
  return at === NEVER ? null : at;
}

/** How much longer a frame takes; null when it goes undisturbed. */
function disturb({ disturbances }: Link, kind: DisturbanceKind, now: Cycles): Cycles | null {
  const { frames, until, by } = disturbances[kind];
  if (frames === 0 || now >= until) return null;
  disturbances[kind] = { frames: frames - 1, until, by };
  return by;
}
