/** Stream sockets of the unix domain: Linux, unix(7); net/unix/af_unix.c. Addresses are paths; datagrams, credentials, shutdown and waiting are not modelled: who would wait gets EAGAIN. */

import type { Labelled } from "../security/blob.ts";

/** Bytes that were sent in one piece, and open files with the first of them. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly files: readonly number[];
}

export type SocketState = "unconnected" | "listening" | "connected";

export interface Socket extends Labelled {
  readonly number: number;
  state: SocketState;
  /** Inode that it is bound to. */
  boundTo: number | null;
  /** The other end. */
  peer: number | null;
  /** Of a listening one: those that wait for accept(2). */
  backlog: readonly number[];
  limit: number;
  queue: readonly Message[];
}

/** Bytes that wait at most, as net.core.wmem_default. */
export const MOST_QUEUED = 212_992;
/** SCM_MAX_FD. */
export const MOST_PASSED = 253;

export const newSocket = (number: number): Socket => ({
  number,
  state: "unconnected",
  boundTo: null,
  peer: null,
  backlog: [],
  limit: 0,
  queue: [],
  security: null,
});
