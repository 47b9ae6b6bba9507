/** mkdir(2). Linux, fs/namei.c, vfs_mkdir. */

import { isErrno } from "../errno.ts";
import { create } from "../fs/names.ts";
import { lookUpFree } from "../fs/path-lookup.ts";
import { type OnPath, systemCall } from "./system-call.ts";

export const mkdir = systemCall(
  "mkdir",
  ["inodePermission", "inodeMkdir"],
  (kernel, by, { path }: OnPath) => {
    const place = lookUpFree(kernel, by, path);
    if (isErrno(place)) return place;
    const refused = kernel.security.inodeMkdir(by, place);
    if (refused !== null) return refused;
    create(kernel, by, place, "directory");
    return 0;
  },
);
