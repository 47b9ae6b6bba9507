/** What an interface file of a group is, and how the kernel reads what is written: Linux, Documentation/admin-guide/cgroup-v2.rst, Interface Files. */

import type { Errno } from "../errno.ts";
import type { Cgroups } from "./cgroup.ts";
import type { Controllers } from "./controllers.ts";

/** Whom a row asks. */
export interface Kernel extends Controllers {
  readonly cgroups: Cgroups;
}

export interface InterfaceFile {
  readonly name: string;
  readonly isOnRoot: boolean;
  read(kernel: Kernel, group: number): string;
  /** `text` has no white space around it. */
  write?(kernel: Kernel, group: number, text: string): Errno | null;
}

/** A whole number as kstrtoll takes it, in decimal. */
export function integer(text: string): number | Errno {
  if (!/^[+-]?\d+$/.test(text)) return "EINVAL";
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : "ERANGE";
}

export const flatKeyed = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${value}\n`)
    .join("");

export const lines = (values: readonly (number | string)[]): string =>
  values.map((value) => `${value}\n`).join("");
