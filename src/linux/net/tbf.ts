/**
 * A queue that a token bucket empties: what leaves in any time is at most the burst and what the rate gives. Linux,
 * tc-tbf(8). Pure functions over plain state; the next moment at which a frame may leave is computed from it. Not
 * modelled: peak rate, size tables.
 */

import { CYCLES_PER_SECOND, type Cycles } from "../../sim/time.ts";
import type { Frame } from "./bridge.ts";

export interface TbfParameters {
  readonly bytesPerSecond: number;
  /** What the bucket holds: from the longest frame to 4 MiB, so that each frame passes and all sums stay exact. */
  readonly burstBytes: number;
  /** What waits at most; a frame beyond that is dropped. */
  readonly limitBytes: number;
}

export const BURST_MAX = 1 << 22;

export interface Tbf {
  /** Null while nothing is limited. */
  parameters: TbfParameters | null;
  /** In parts of a byte, of which there are as many as cycles in a second. */
  tokens: number;
  /** When the tokens were counted: nothing leaves before. */
  at: Cycles;
  queue: Frame[];
  queuedBytes: number;
  dropped: number;
}

const PARTS = CYCLES_PER_SECOND;

/** Its bucket is full. */
export const newTbf = (parameters: TbfParameters | null): Tbf => ({
  parameters,
  tokens: (parameters?.burstBytes ?? 0) * PARTS,
  at: 0,
  queue: [],
  queuedBytes: 0,
  dropped: 0,
});

/** False when the frame is dropped. */
export function enqueueTbf(tbf: Tbf, frame: Frame, now: Cycles): boolean {
  const { parameters } = tbf;
  pass(tbf, now);
  if (parameters !== null && tbf.queuedBytes + frame.length > parameters.limitBytes) {
    tbf.dropped += 1;
    return false;
  }
  tbf.queue.push(frame);
  tbf.queuedBytes += frame.length;
  return true;
}

/** The frame that may leave now, if there is one. */
export function dequeueTbf(tbf: Tbf, now: Cycles): Frame | null {
  const [frame] = tbf.queue;
  if (frame === undefined) return null;
  if (tbf.parameters !== null) {
    pass(tbf, now);
    if (tbf.tokens < frame.length * PARTS) return null;
    tbf.tokens -= frame.length * PARTS;
  }
  tbf.queue.shift();
  tbf.queuedBytes -= frame.length;
  return frame;
}

/** When the first frame may leave; null when none waits. */
export function tbfDeadline({ parameters, tokens, at, queue }: Tbf): Cycles | null {
  const [frame] = queue;
  if (frame === undefined) return null;
  if (parameters === null) return at;
  const missing = Math.max(0, frame.length * PARTS - tokens);
  return at + Math.ceil(missing / parameters.bytesPerSecond);
}

/** Other limits from now on. What waits stays. */
export function changeTbf(tbf: Tbf, parameters: TbfParameters | null, now: Cycles): void {
  const full = (parameters?.burstBytes ?? 0) * PARTS;
  pass(tbf, now);
  tbf.tokens = tbf.parameters === null ? full : Math.min(tbf.tokens, full);
  tbf.parameters = parameters;
}

/** A product beyond 2^53 is not exact, but is more than any bucket holds. */
function pass(tbf: Tbf, now: Cycles): void {
  if (now <= tbf.at) return;
  if (tbf.parameters !== null) {
    const { bytesPerSecond, burstBytes } = tbf.parameters;
    tbf.tokens = Math.min(burstBytes * PARTS, tbf.tokens + bytesPerSecond * (now - tbf.at));
  }
  tbf.at = now;
}
