/**
 * Labels of files with who uses them: a label is given with what was there before, and put back when the last user goes.
 * libvirt, src/security/security_util.c, virSecurityGetRememberedLabel, which counts users; here they are named, so that
 * hosts that share storage do not take each other's for left behind by a crash.
 */

import { InputError } from "../../sim/assert.ts";

/** A file system with labels. Errors of system calls are told by their names. */
export interface LabelledFiles {
  label(path: string): Labelled;
  setLabel(path: string, label: string): string | null;
  /** Null when there is none. */
  attribute(path: string, name: string): string | null;
  /** Null removes it. */
  setAttribute(path: string, name: string, value: string | null): string | null;
  /** What file_contexts says; null for nothing. */
  defaultLabel(path: string): string | null;
}

export type Labelled = { readonly label: string } | { readonly error: string };

const ORIGINAL = "trusted.libvirt.security.selinux";
const USERS = "trusted.libvirt.security.ref_selinux";

/** Who uses a file. */
export interface FileUser {
  readonly host: string;
  /** When the host was switched on: users of an earlier boot no longer run. */
  readonly boot: number;
  readonly domain: string;
}

/** Throws InputError when others use the file with another label, or it is not there. */
export function checkLabel(
  files: LabelledFiles,
  user: FileUser,
  path: string,
  label: string,
): { readonly before: string; readonly others: readonly string[] } {
  const before = files.label(path);
  if ("error" in before) throw refused(path, label, before.error);
  const others = usersOf(files, path, user).filter((one) => one !== nameOf(user));
  if (others.length > 0 && before.label !== label)
    throw new InputError(
      `${path}: it is in use with the label ${before.label} and cannot have ${label}`,
    );
  return { before: before.label, others };
}

/** Throws InputError, with all as it was, when it cannot be had. */
export function setLabel(files: LabelledFiles, user: FileUser, path: string, label: string): void {
  const { before, others } = checkLabel(files, user, path, label);
  const remembered: readonly (readonly [string, string])[] = [
    [ORIGINAL, files.attribute(path, ORIGINAL) ?? before],
    [USERS, [...others, nameOf(user)].join(" ")],
  ];
  const saved = remembered.map(([name]) => [name, files.attribute(path, name)] as const);
  const error =
    firstError(
      remembered.map(
        ([name, value]) =>
          () =>
            files.setAttribute(path, name, value),
      ),
    ) ?? (before === label ? null : files.setLabel(path, label));
  if (error === null) return;
  for (const [name, value] of saved) files.setAttribute(path, name, value);
  throw refused(path, label, error);
}

/** The last user's brings back what was there before. Of others' files nothing changes. */
export function restoreLabel(files: LabelledFiles, user: FileUser, path: string): void {
  const users = usersOf(files, path, user);
  if (!users.includes(nameOf(user))) return;
  const others = users.filter((one) => one !== nameOf(user));
  if (others.length > 0) {
    files.setAttribute(path, USERS, others.join(" "));
    return;
  }
  const original = files.attribute(path, ORIGINAL) ?? files.defaultLabel(path);
  if (original !== null) files.setLabel(path, original);
  for (const name of [USERS, ORIGINAL]) files.setAttribute(path, name, null);
}

const nameOf = ({ host, boot, domain }: FileUser): string => `${host}/${boot}/${domain}`;

/** Those who may still run. */
function usersOf(files: LabelledFiles, path: string, { host, boot }: FileUser): readonly string[] {
  const users = (files.attribute(path, USERS) ?? "").split(" ").filter((one) => one !== "");
  return users.filter((one) => !one.startsWith(`${host}/`) || one.startsWith(`${host}/${boot}/`));
}

function firstError(steps: readonly (() => string | null)[]): string | null {
  for (const step of steps) {
    const error = step();
    if (error !== null) return error;
  }
  return null;
}

const refused = (path: string, label: string, error: string): InputError =>
  new InputError(`${path}: cannot be labelled ${label}: ${error}`);
