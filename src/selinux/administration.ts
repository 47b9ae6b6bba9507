/** What an administrator does to SELinux on a host that runs: load_policy(8), setenforce(8), setsebool(8), chcon(1), setfiles(8). Nobody is asked whether they may. */

import { fieldsOf } from "../linux/fields.ts";
import type { Inode } from "../linux/fs/inode.ts";
import { inodeAt } from "../linux/fs/path-lookup.ts";
import { putXattr } from "../linux/fs/xattr.ts";
import type { Kernel } from "../linux/kernel.ts";
import { InputError } from "../sim/assert.ts";
import type { Json, Plain } from "../sim/data.ts";
import type { World } from "../sim/world.ts";
import { classOf } from "./hooks/labels.ts";
import { keepsLabels, XATTR } from "./hooks/new-inode.ts";
import type { Selinux } from "./selinux.ts";

/** Which label a file has by its path; null for none of its own. */
export type LabelOfPath = (path: string, tclass: string) => string | null;

/** Adds the component `name`, which takes the inputs `load`, `setenforce`, `setsebool` and `chcon`. */
export function administer(world: World, name: string, selinux: Selinux, kernel: Kernel): void {
  world.add({
    name,
    handlers: {
      load: (payload) => selinux.loadPolicy(textOf(payload, `${name} load`)),
      setenforce: (payload) => selinux.setEnforcing(booleanOf(payload, `${name} setenforce`)),
      setsebool: (payload) => selinux.setBooleans(booleansOf(payload, `${name} setsebool`)),
      chcon: (payload) => changeLabel(selinux, kernel, payload, `${name} chcon`),
    },
  });
}

/** Each file of the tree gets the label that its path has. */
export function labelTree(selinux: Selinux, kernel: Kernel, labelOf: LabelOfPath): void {
  const visit = (path: string, inode: Inode): void => {
    const label = labelOf(path === "" ? "/" : path, classOf(inode.kind));
    if (label !== null && keepsLabels(selinux, kernel.superblockOf(inode)))
      setLabel(kernel, inode, label);
    for (const { name, inode: number } of inode.entries)
      visit(`${path}/${name}`, kernel.inode(number));
  };
  visit("", kernel.root);
}

/** `{path, label}` */
function changeLabel(selinux: Selinux, kernel: Kernel, payload: Plain, place: string): void {
  const fields = fieldsOf(payload as Json, place, ["path", "label"]);
  const path = textOf(fields["path"] ?? null, `${place}: path`);
  const label = textOf(fields["label"] ?? null, `${place}: label`);
  const inode = inodeAt(kernel, path);
  if (inode === null) throw new InputError(`${place}: ${path}: ENOENT`);
  if (!keepsLabels(selinux, kernel.superblockOf(inode)))
    throw new InputError(`${place}: ${path}: EOPNOTSUPP`);
  if (selinux.sidOf(label) === null)
    throw new InputError(`${place}: the policy has no context ${label}`);
  setLabel(kernel, inode, label);
}

function setLabel(kernel: Kernel, inode: Inode, label: string): void {
  putXattr(inode, XATTR, label);
  kernel.security.inodePostSetxattr(inode, XATTR, label);
}

function textOf(given: Plain, place: string): string {
  if (typeof given === "string") return given;
  throw new InputError(`${place}: expected text, not ${JSON.stringify(given)}`);
}

function booleanOf(given: Plain, place: string): boolean {
  if (typeof given === "boolean") return given;
  throw new InputError(`${place}: expected true or false, not ${JSON.stringify(given)}`);
}

/** `{name: value}` */
function booleansOf(given: Plain, place: string): ReadonlyMap<string, boolean> {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new InputError(`${place}: expected booleans by name`);
  return new Map(
    Object.entries(given).map(([name, value]) => [name, booleanOf(value, `${place}: ${name}`)]),
  );
}
