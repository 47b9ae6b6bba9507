/**
 * The sending side of a physical network interface: one frame after the other at the rate of the line. IEEE Std 802.3,
 * "Media access control frame and packet specifications", "Interpacket gap". Pure functions over plain state.
 */

import { CYCLES_PER_SECOND, type Cycles } from "../../sim/time.ts";
import type { Frame } from "./bridge.ts";

export interface Nic {
  bitsPerSecond: number;
  sending: Frame | null;
  /** When the line is free again: whole cycles, and what is left in parts of one, as many as bits in a second. */
  at: Cycles;
  parts: number;
}

/** Without the check sequence: shorter frames are filled up on the wire. */
const FRAME_BYTES_MIN = 60;
/** Preamble and start delimiter, check sequence, gap. */
const OVERHEAD_BYTES = 8 + 4 + 12;

export const newNic = (bitsPerSecond: number): Nic => ({
  bitsPerSecond,
  sending: null,
  at: 0,
  parts: 0,
});

/** Bits on the wire from one frame to the next. */
export const wireBits = (frame: Frame): number =>
  8 * (Math.max(frame.length, FRAME_BYTES_MIN) + OVERHEAD_BYTES);

/** Begins to send; nothing is being sent. Right behind another frame no part of a cycle is lost. */
export function startSending(nic: Nic, frame: Frame, now: Cycles): void {
  if (now > freeAt(nic)) {
    nic.at = now;
    nic.parts = 0;
  }
  const total = nic.parts + wireBits(frame) * CYCLES_PER_SECOND;
  nic.parts = total % nic.bitsPerSecond;
  nic.at += (total - nic.parts) / nic.bitsPerSecond;
  nic.sending = frame;
}

/** The frame that has been sent by now, if there is one. */
export function takeSent(nic: Nic, now: Cycles): Frame | null {
  if (nic.sending === null || freeAt(nic) > now) return null;
  const frame = nic.sending;
  nic.sending = null;
  return frame;
}

/** When what is being sent has left; null when nothing is. */
export const nicDeadline = (nic: Nic): Cycles | null => (nic.sending === null ? null : freeAt(nic));

const freeAt = ({ at, parts }: Nic): Cycles => (parts === 0 ? at : at + 1);
