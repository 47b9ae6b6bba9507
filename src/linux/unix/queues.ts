/** Messages between stream sockets, and the end of a socket: Linux, net/unix/af_unix.c, unix_stream_sendmsg, unix_release_sock. */

import { type Errno, isErrno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { type Message, MOST_QUEUED, type Socket } from "./socket.ts";

export const socketOf = (kernel: Kernel, number: number): Socket =>
  kernel.state.sockets[number] as Socket;

/** What a descriptor is open on. */
export function socketAt(kernel: Kernel, by: Process, descriptor: number): Socket | Errno {
  const opened = kernel.opened(by, descriptor);
  if (isErrno(opened)) return opened;
  return opened.inode.kind === "socket" ? socketOf(kernel, opened.inode.number) : "ENOTSOCK";
}

/** The other end, while it is there. */
export function peerOf(kernel: Kernel, { peer }: Socket): Socket | null {
  return peer === null ? null : (kernel.state.sockets[peer] ?? null);
}

/** Files go with the bytes, and are held on their way. */
export function send(kernel: Kernel, socket: Socket, message: Message): number | Errno {
  if (socket.state !== "connected") return "ENOTCONN";
  const peer = peerOf(kernel, socket);
  if (peer === null) return "EPIPE";
  if (message.bytes.length === 0) return 0;
  const queued = peer.queue.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (queued + message.bytes.length > MOST_QUEUED) return "EAGAIN";
  for (const file of message.files) kernel.take(file);
  peer.queue = [...peer.queue, message];
  return message.bytes.length;
}

/** Not beyond the bytes that other files came with. Nothing at all when the other end is gone. */
export function receive(kernel: Kernel, socket: Socket, count: number): Message | Errno {
  if (socket.state !== "connected") return "EINVAL";
  const [first, ...rest] = socket.queue;
  if (first === undefined)
    return peerOf(kernel, socket) === null ? { bytes: new Uint8Array(0), files: [] } : "EAGAIN";
  if (count === 0) return { bytes: new Uint8Array(0), files: [] };
  const left = first.bytes.slice(count);
  socket.queue = left.length === 0 ? rest : [{ bytes: left, files: [] }, ...rest];
  return { bytes: first.bytes.slice(0, count), files: first.files };
}

/** Files that nobody receives. */
export function dropFiles(kernel: Kernel, { files }: Message): void {
  for (const file of files) kernel.drop(file);
}

/** Those that wait for accept(2) go with a listening one, and files that nobody received with any. */
export function releaseSocket(kernel: Kernel, number: number): void {
  const socket = kernel.state.sockets[number];
  if (socket === undefined) return;
  delete kernel.state.sockets[number];
  for (const message of socket.queue) dropFiles(kernel, message);
  for (const waiting of socket.backlog) releaseSocket(kernel, waiting);
}
