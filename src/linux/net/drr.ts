/**
 * Deficit round robin: queues that share a line by weight, each with a limit of its own. M. Shreedhar and G. Varghese,
 * "Efficient fair queueing using deficit round robin" (1995); Linux, tc-drr(8). While two queues are never empty, what
 * they sent, each divided by its weight, differs by at most a quantum of weight 1 and twice the longest frame.
 */

import { type Frame, FRAME_BYTES_MAX } from "./bridge.ts";

interface DrrQueue {
  weight: number;
  deficit: number;
  frames: Frame[];
  bytes: number;
  /** Frames that found it full, and bytes that have left. */
  dropped: number;
  sent: number;
}

export interface Drr {
  queues: DrrQueue[];
  /** Numbers of queues that are not empty, in the order of their turns. */
  active: number[];
  /** The first of them has been given its quantum. */
  hasTurn: boolean;
}

/** Of weight 1: the longest frame, so that each turn sends something. */
export const QUANTUM = FRAME_BYTES_MAX;
/** About a thousand frames: the length of a queue of Linux's interfaces. */
const LIMIT_BYTES = 1000 * QUANTUM;

export const newDrr = (weights: readonly number[]): Drr => ({
  queues: weights.map((weight) => ({
    weight,
    deficit: 0,
    frames: [],
    bytes: 0,
    dropped: 0,
    sent: 0,
  })),
  active: [],
  hasTurn: false,
});

/** Another share from now on. What a queue may still send in this turn is not more than the new share gives. */
export function changeWeight(drr: Drr, number: number, weight: number): void {
  const queue = drr.queues[number];
  if (queue === undefined) return;
  queue.weight = weight;
  queue.deficit = Math.min(queue.deficit, weight * QUANTUM);
}

/** False when the frame is dropped. */
export function enqueueDrr(drr: Drr, number: number, frame: Frame): boolean {
  const queue = drr.queues[number];
  if (queue === undefined) return false;
  if (queue.bytes + frame.length > LIMIT_BYTES) {
    queue.dropped += 1;
    return false;
  }
  if (queue.frames.length === 0) drr.active.push(number);
  queue.frames.push(frame);
  queue.bytes += frame.length;
  return true;
}

export function dequeueDrr(drr: Drr): Frame | null {
  for (;;) {
    const [number] = drr.active;
    const queue = drr.queues[number ?? -1];
    const frame = queue?.frames[0];
    if (number === undefined || queue === undefined || frame === undefined) return null;
    if (!drr.hasTurn) queue.deficit += queue.weight * QUANTUM;
    drr.hasTurn = queue.deficit >= frame.length;
    if (!drr.hasTurn) {
      drr.active.push(drr.active.shift() ?? number);
      continue;
    }
    queue.deficit -= frame.length;
    queue.frames.shift();
    queue.bytes -= frame.length;
    queue.sent += frame.length;
    if (queue.frames.length === 0) {
      queue.deficit = 0;
      drr.active.shift();
      drr.hasTurn = false;
    }
    return frame;
  }
}
