/**
 * A queue that a token bucket empties: what leaves in any time is at most the burst and what the rate gives. Linux,
 * tc-tbf(8). Pure functions over plain state; the next moment at which a frame may leave is computed from it. Not
 * modelled: peak rate, size tables.
 */

import type { Cycles } from "../../sim/time.ts";
import { fill, has, newBucket, readyAt, spend, type TokenBucket } from "../token-bucket.ts";
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
  /** Nothing leaves before its time. */
  bucket: TokenBucket;
  queue: Frame[];
  queuedBytes: number;
  dropped: number;
}

/** Its bucket is full. */
export const newTbf = (parameters: TbfParameters | null): Tbf => ({
  parameters,
  bucket: newBucket(parameters?.burstBytes ?? 0),
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
  pass(tbf, now);
  if (tbf.parameters !== null) {
    if (!has(tbf.bucket, frame.length)) return null;
    spend(tbf.bucket, frame.length);
  }
  tbf.queue.shift();
  tbf.queuedBytes -= frame.length;
  return frame;
}

/** When the first frame may leave; null when none waits. */
export function tbfDeadline({ parameters, bucket, queue }: Tbf): Cycles | null {
  const [frame] = queue;
  if (frame === undefined) return null;
  return parameters === null ? bucket.at : readyAt(bucket, parameters.bytesPerSecond, frame.length);
}

/** Other limits from now on. What waits stays. */
export function changeTbf(tbf: Tbf, parameters: TbfParameters | null, now: Cycles): void {
  pass(tbf, now);
  const full = newBucket(parameters?.burstBytes ?? 0, tbf.bucket.at);
  if (tbf.parameters !== null) full.tokens = Math.min(full.tokens, tbf.bucket.tokens);
  tbf.bucket = full;
  tbf.parameters = parameters;
}

function pass({ bucket, parameters }: Tbf, now: Cycles): void {
  fill(bucket, parameters?.bytesPerSecond ?? 0, parameters?.burstBytes ?? 0, now);
}
