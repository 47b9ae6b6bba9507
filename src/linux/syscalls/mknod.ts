/** mknod(2). Linux, fs/namei.c, vfs_mknod. A device is named by its driver, in place of numbers. */

import { isErrno } from "../errno.ts";
import { create } from "../fs/names.ts";
import { lookUpFree } from "../fs/path-lookup.ts";
import { type OnPath, systemCall } from "./system-call.ts";

export interface Given extends OnPath {
  readonly kind: "file" | "fifo" | "character";
  readonly driver: string | null;
}

export const mknod = systemCall(
  "mknod",
  ["inodePermission", "inodeCreate", "inodeMknod"],
  (kernel, by, { path, kind, driver }: Given) => {
    const place = lookUpFree(kernel, by, path);
    if (isErrno(place)) return place;
    const { security } = kernel;
    const refused =
      kind === "file" ? security.inodeCreate(by, place) : security.inodeMknod(by, place, kind);
    if (refused !== null) return refused;
    create(kernel, by, place, kind, kind === "character" ? driver : null);
    return 0;
  },
);
