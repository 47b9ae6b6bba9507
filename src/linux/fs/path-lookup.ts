/** From a path to an inode, directory by directory, each of which has to grant the search: Linux, Documentation/filesystems/path-lookup.rst. Paths are absolute; links, `.` and `..` are not modelled. */

import { type Errno, isErrno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { Place } from "../security/security.ts";
import { MAY } from "./file.ts";
import type { Inode } from "./inode.ts";

/** The last name of a path: where it is looked for, and what is there. */
export interface Found extends Place {
  readonly inode: Inode | null;
}

const MOST_NAME = 255;

export function lookUpPlace(kernel: Kernel, by: Process, path: string): Found | Errno {
  const names = path.split("/").filter((name) => name !== "");
  if (!path.startsWith("/") || names.some((name) => name.length > MOST_NAME)) return "ENOENT";
  const last = names.pop();
  // The root is in no directory.
  if (last === undefined) return "EBUSY";
  let directory = kernel.root;
  for (const name of names) {
    const next = searched(kernel, by, directory, name);
    if (isErrno(next)) return next;
    if (next === null) return "ENOENT";
    if (next.kind !== "directory") return "ENOTDIR";
    directory = next;
  }
  const inode = searched(kernel, by, directory, last);
  if (isErrno(inode)) return inode;
  return { directory, superblock: kernel.superblockOf(directory), name: last, inode };
}

/** What has to be there. */
export function lookUp(kernel: Kernel, by: Process, path: string): Inode | Errno {
  if (/^\/+$/.test(path)) return kernel.root;
  const found = lookUpPlace(kernel, by, path);
  if (isErrno(found)) return found;
  return found.inode ?? "ENOENT";
}

/** A place for a new name; the directory has to be writable: Linux, fs/namei.c, may_create. */
export function lookUpFree(kernel: Kernel, by: Process, path: string): Place | Errno {
  const found = lookUpPlace(kernel, by, path);
  if (isErrno(found)) return found === "EBUSY" ? "EEXIST" : found;
  if (found.inode !== null) return "EEXIST";
  return mayChange(kernel, by, found.directory) ?? found;
}

/** Linux, fs/namei.c, may_create and may_delete. */
export const mayChange = (kernel: Kernel, by: Process, directory: Inode): Errno | null =>
  kernel.security.inodePermission(by, directory, MAY.WRITE | MAY.EXEC);

function searched(
  kernel: Kernel,
  by: Process,
  directory: Inode,
  name: string,
): Inode | Errno | null {
  return (
    kernel.security.inodePermission(by, directory, MAY.EXEC) ?? entryOf(kernel, directory, name)
  );
}

/** What is there by a path; nobody is asked. */
export function inodeAt(kernel: Kernel, path: string): Inode | null {
  let inode: Inode | null = kernel.root;
  for (const name of path.split("/").filter((one) => one !== ""))
    inode = inode === null ? null : entryOf(kernel, inode, name);
  return inode;
}

export function entryOf(kernel: Kernel, directory: Inode, name: string): Inode | null {
  const entry = directory.entries.find((one) => one.name === name);
  return entry === undefined ? null : kernel.inode(entry.inode);
}
