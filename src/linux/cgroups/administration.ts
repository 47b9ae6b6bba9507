/** What an administrator does to groups, by their paths; what the kernel refuses is told in one line. Linux, Documentation/admin-guide/cgroup-v2.rst, Basic Operations. */

import { InputError } from "../../sim/assert.ts";
import type { Json, Plain } from "../../sim/data.ts";
import { isErrno } from "../errno.ts";
import { fieldsOf } from "../fields.ts";
import type { Cgroups } from "./cgroup.ts";

/** By the names of interface files, what is written to them, one after the other. */
export type GroupFiles = Readonly<Record<string, string>>;

/** `mkdir -p`: the number of the group. */
export function makeGroup(cgroups: Cgroups, path: string): number {
  let group = 0;
  for (const name of path.split("/").filter((one) => one !== "")) {
    const below = `${cgroups.path(group)}/${name}`;
    const found = cgroups.find(below);
    const made = isErrno(found) ? cgroups.create(group, name) : found;
    if (isErrno(made)) throw new InputError(`cgroups: ${path}: ${made}`);
    group = made;
  }
  return group;
}

/** `echo $text > $path/$file` */
export function writeFile(cgroups: Cgroups, path: string, file: string, text: string): void {
  const group = cgroups.find(path);
  const error = isErrno(group) ? group : cgroups.write(group, file, text);
  if (error !== null)
    throw new InputError(`cgroups: ${path}/${file}: ${JSON.stringify(text)}: ${error}`);
}

/** `{path, file, text}` */
export function writeAsked(cgroups: Cgroups, place: string, payload: Plain): void {
  const fields = fieldsOf(payload as Json, place, ["path", "file", "text"]);
  const textOf = (key: string): string => {
    const given = fields[key];
    if (typeof given === "string") return given;
    throw new InputError(`${place}: ${key} is text, not ${JSON.stringify(given)}`);
  };
  writeFile(cgroups, textOf("path"), textOf("file"), textOf("text"));
}
