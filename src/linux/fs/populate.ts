/** What is in the trees of a host before anybody runs on it: nobody is asked. Labels are those that a file carries, or what its file system gives. */

import { assert } from "../../sim/assert.ts";
import type { Kernel } from "../kernel.ts";
import type { Place } from "../security/security.ts";
import type { Inode, NodeKind } from "./inode.ts";
import { enter } from "./names.ts";
import { entryOf, inodeAt } from "./path-lookup.ts";

export interface NewNode {
  readonly kind: NodeKind;
  readonly data?: Uint8Array;
  /** The name of the disk that its content is on. */
  readonly disk?: string;
  readonly driver?: string;
  /** What it carries: names and values. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** The directory has to be there, and the name free. */
export function populate(kernel: Kernel, path: string, node: NewNode): Inode {
  const { directory, superblock, name } = placeOf(kernel, path);
  const { kind, disk = null, driver = null, xattrs = {} } = node;
  const inode = kernel.newInode({ superblock: superblock.id, kind, name, disk, driver });
  if (node.data !== undefined) inode.data = node.data.slice();
  inode.xattrs = Object.entries(xattrs).map(([key, value]) => ({ name: key, value }));
  enter({ directory, name }, inode);
  kernel.security.dInstantiate(null, inode, superblock, path);
  return inode;
}

/** The directories of a path, those that are not there yet. */
export function makeDirectories(kernel: Kernel, path: string): void {
  const names = path.split("/").filter((name) => name !== "");
  names.forEach((_, i) => {
    const here = `/${names.slice(0, i + 1).join("/")}`;
    if (inodeAt(kernel, here) === null) populate(kernel, here, { kind: "directory" });
  });
}

/** An empty file system under a new name. */
export function mount(kernel: Kernel, path: string, type: string, device: string): Inode {
  const { directory, name } = placeOf(kernel, path);
  const root = kernel.newRoot(type, device, name);
  directory.entries = [...directory.entries, { name, inode: root.number }];
  return root;
}

function placeOf(kernel: Kernel, path: string): Place {
  const names = path.split("/").filter((name) => name !== "");
  const name = names.pop() ?? "";
  const directory = inodeAt(kernel, names.join("/"));
  assert(directory?.kind === "directory", "a tree is populated from its root on");
  assert(name !== "" && entryOf(kernel, directory, name) === null, "a new node has a new name");
  return { directory, superblock: kernel.superblockOf(directory), name };
}
