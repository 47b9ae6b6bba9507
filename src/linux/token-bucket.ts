/**
 * A token bucket: it fills at a rate up to what it holds, and whoever uses something takes as many tokens out. S. Shenker
 * and J. Wroclawski, RFC 2215, "Token bucket TSpec". Counts in parts of a token, of which there are as many as cycles in
 * a second: exact up to 2^53 of them.
 */

import { CYCLES_PER_SECOND, type Cycles } from "../sim/time.ts";

export interface TokenBucket {
  tokens: number;
  /** When they were counted. */
  at: Cycles;
}

const PARTS = CYCLES_PER_SECOND;

export const newBucket = (capacity: number, at: Cycles = 0): TokenBucket => ({
  tokens: capacity * PARTS,
  at,
});

/** Tokens of the time until now; what is beyond the capacity is lost, also of what it held. */
export function fill(bucket: TokenBucket, rate: number, capacity: number, now: Cycles): void {
  // A rate may have no bound.
  const gained = now > bucket.at ? rate * (now - bucket.at) : 0;
  bucket.tokens = Math.min(capacity * PARTS, bucket.tokens + gained);
  bucket.at = Math.max(bucket.at, now);
}

export const has = (bucket: TokenBucket, amount: number): boolean =>
  bucket.tokens >= amount * PARTS;

export function spend(bucket: TokenBucket, amount: number): void {
  bucket.tokens -= amount * PARTS;
}

/** When there will be so many, if nobody takes any. */
export const readyAt = ({ tokens, at }: TokenBucket, rate: number, amount: number): Cycles =>
  at + Math.ceil(Math.max(0, amount * PARTS - tokens) / rate);
