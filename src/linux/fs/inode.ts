/** Inodes and the file systems they are of. Linux, Documentation/filesystems/vfs.rst, "The Inode Object". Owners, modes and times are not modelled: whoever asks is root. */

import type { Labelled } from "../security/blob.ts";

export interface Superblock extends Labelled {
  readonly id: number;
  /** What a policy knows it by: `ext4`, `tmpfs`, `devtmpfs`. */
  readonly type: string;
  /** As audit records name it. */
  readonly device: string;
}

export type NodeKind = "file" | "directory" | "character" | "fifo" | "socket-node";
/** A node of a tree, or the inode of a socket, which is in none. */
export type InodeKind = NodeKind | "socket" | "anonymous";

export interface Entry {
  readonly name: string;
  readonly inode: number;
}

export interface Xattr {
  readonly name: string;
  readonly value: string;
}

export interface Inode extends Labelled {
  readonly number: number;
  readonly superblock: number;
  readonly kind: InodeKind;
  /** One of its names. */
  name: string;
  /** The kernel's own: S_PRIVATE. No module is asked about it. */
  readonly isPrivate: boolean;
  /** Names it has. */
  links: number;
  xattrs: readonly Xattr[];
  /** Of a directory. */
  entries: readonly Entry[];
  /** Of a file whose content is here. */
  data: Uint8Array;
  /** Of a file whose content is on a disk: the disk's name. */
  readonly disk: string | null;
  /** Of a character device. */
  readonly driver: string | null;
}
