/**
 * Where the kernel asks a security module: Linux, include/linux/lsm_hook_defs.h, whose names these are. A hook that
 * checks gives null, or the error of the system call; one that labels gives a new object its blob.
 */

import type { Errno } from "../errno.ts";
import type { File } from "../fs/file.ts";
import type { Inode, NodeKind, Superblock } from "../fs/inode.ts";
import type { Mapping } from "../mm/mapping.ts";
import type { Tun } from "../net/tun.ts";
import type { Process } from "../process.ts";
import type { Socket } from "../unix/socket.ts";
import type { Blob } from "./blob.ts";

export type Refusal = Errno | null;

/** An open file and what it is open on. */
export interface Opened {
  readonly file: File;
  readonly inode: Inode;
}

/** A name in a directory, to be or that is. */
export interface Place {
  readonly directory: Inode;
  readonly superblock: Superblock;
  readonly name: string;
}

/** A program about to run: struct linux_binprm. */
export interface Program {
  readonly inode: Inode;
  readonly path: string;
  /** Of the process as it will be. */
  security: Blob;
  /** AT_SECURE. */
  isSecure: boolean;
  readonly tracer: Process | null;
}

export type Attribute = "current" | "exec" | "fscreate" | "sockcreate";

/** Empty where there is none. */
export interface AttributeValue {
  readonly value: string;
}

export interface SecurityModule {
  sbKernMount(superblock: Superblock): null;

  inodePermission(by: Process, inode: Inode, mask: number): Refusal;
  inodeCreate(by: Process, place: Place): Refusal;
  inodeMkdir(by: Process, place: Place): Refusal;
  inodeMknod(by: Process, place: Place, kind: NodeKind): Refusal;
  inodeLink(by: Process, old: Inode, place: Place): Refusal;
  inodeUnlink(by: Process, place: Place, inode: Inode): Refusal;
  inodeRmdir(by: Process, place: Place, inode: Inode): Refusal;
  inodeRename(by: Process, from: Place, inode: Inode, to: Place, replaced: Inode | null): Refusal;
  inodeGetattr(by: Process, inode: Inode): Refusal;
  /** Its size, through an open file. */
  inodeSetattr(by: Process, inode: Inode): Refusal;
  inodeGetxattr(by: Process, inode: Inode, name: string): Refusal;
  inodeSetxattr(by: Process, inode: Inode, of: Superblock, name: string, value: string): Refusal;
  inodeRemovexattr(by: Process, inode: Inode, name: string): Refusal;
  inodeListxattr(by: Process, inode: Inode): Refusal;
  inodePostSetxattr(inode: Inode, name: string, value: string): null;
  /** The value of `security.` and this name; null when the module has none. */
  inodeGetsecurity(inode: Inode, name: string): string | null;
  inodeInitSecurity(by: Process, place: Place, inode: Inode): null;
  /** One that no directory was asked about. */
  dInstantiate(by: Process | null, inode: Inode, of: Superblock, path: string): null;

  fileAllocSecurity(by: Process, file: File): null;
  fileOpen(by: Process, opened: Opened): Refusal;
  filePermission(by: Process, opened: Opened, mask: number): Refusal;
  fileIoctl(by: Process, opened: Opened, command: number): Refusal;
  fileReceive(by: Process, opened: Opened): Refusal;
  /** Null for anonymous memory. */
  mmapFile(by: Process, opened: Opened | null, prot: number, isShared: boolean): Refusal;
  fileMprotect(by: Process, opened: Opened | null, mapping: Mapping, prot: number): Refusal;

  bprmCredsForExec(by: Process, program: Program): Refusal;
  /** Whether the process, as it will be, may keep the file. */
  bprmCommittingCreds(by: Process, program: Program, opened: Opened): Refusal;
  taskAlloc(by: Process): Refusal;
  taskKill(by: Process, target: Process, signal: number): Refusal;
  ptraceAccessCheck(by: Process, child: Process): Refusal;
  getprocattr(by: Process, of: Process, name: Attribute): AttributeValue | Refusal;
  /** Changes the blob of who asks; an empty value takes the attribute away. */
  setprocattr(by: Process, name: Attribute, value: string, tracer: Process | null): Refusal;

  socketCreate(by: Process): Refusal;
  socketPostCreate(by: Process, inode: Inode, socket: Socket): null;
  socketBind(by: Process, socket: Socket): Refusal;
  socketListen(by: Process, socket: Socket): Refusal;
  socketAccept(by: Process, socket: Socket): Refusal;
  socketConnect(by: Process, socket: Socket): Refusal;
  socketSendmsg(by: Process, socket: Socket): Refusal;
  socketRecvmsg(by: Process, socket: Socket): Refusal;
  socketGetsockopt(by: Process, socket: Socket): Refusal;
  /** `accepted` is what the listening one will give. */
  unixStreamConnect(by: Process, socket: Socket, listening: Socket, accepted: Socket): Refusal;
  sockGraft(socket: Socket, inode: Inode): null;
  /** The context of the other end; null when the module has none. */
  socketGetpeersecStream(socket: Socket): string | null;

  tunDevCreate(by: Process): Refusal;
  tunDevAllocSecurity(by: Process, tun: Tun): null;
  tunDevOpen(by: Process, tun: Tun): Refusal;
  tunDevAttach(by: Process, tun: Tun): Refusal;
}

export type HookName = keyof SecurityModule;

/** All of them, and whether what one answers can end a system call. */
export const HOOKS: Readonly<Record<HookName, "checks" | "labels">> = {
  sbKernMount: "labels",
  inodePermission: "checks",
  inodeCreate: "checks",
  inodeMkdir: "checks",
  inodeMknod: "checks",
  inodeLink: "checks",
  inodeUnlink: "checks",
  inodeRmdir: "checks",
  inodeRename: "checks",
  inodeGetattr: "checks",
  inodeSetattr: "checks",
  inodeGetxattr: "checks",
  inodeSetxattr: "checks",
  inodeRemovexattr: "checks",
  inodeListxattr: "checks",
  inodePostSetxattr: "labels",
  inodeGetsecurity: "labels",
  inodeInitSecurity: "labels",
  dInstantiate: "labels",
  fileAllocSecurity: "labels",
  fileOpen: "checks",
  filePermission: "checks",
  fileIoctl: "checks",
  fileReceive: "checks",
  mmapFile: "checks",
  fileMprotect: "checks",
  bprmCredsForExec: "checks",
  bprmCommittingCreds: "checks",
  taskAlloc: "checks",
  taskKill: "checks",
  ptraceAccessCheck: "checks",
  getprocattr: "checks",
  setprocattr: "checks",
  socketCreate: "checks",
  socketPostCreate: "labels",
  socketBind: "checks",
  socketListen: "checks",
  socketAccept: "checks",
  socketConnect: "checks",
  socketSendmsg: "checks",
  socketRecvmsg: "checks",
  socketGetsockopt: "checks",
  unixStreamConnect: "checks",
  sockGraft: "labels",
  socketGetpeersecStream: "labels",
  tunDevCreate: "checks",
  tunDevAllocSecurity: "labels",
  tunDevOpen: "checks",
  tunDevAttach: "checks",
};

export const HOOK_NAMES = Object.keys(HOOKS) as readonly HookName[];

/** Of a host whose kernel has no module: everything passes, and nothing has a label. */
export const NO_MODULE: SecurityModule = Object.fromEntries(
  HOOK_NAMES.map((name) => [name, () => null]),
) as unknown as SecurityModule;
