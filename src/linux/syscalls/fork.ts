/** fork(2): the child has its parent's label, and shares its open files. Linux, kernel/fork.c, copy_process. */

import { systemCall } from "./system-call.ts";

export const fork = systemCall("fork", ["taskAlloc"], (kernel, by, _given: null) => {
  const refused = kernel.security.taskAlloc(by);
  if (refused !== null) return refused;
  const child = kernel.newProcess(by.comm, by.security, by.pid);
  child.descriptors = by.descriptors.slice();
  child.mappings = by.mappings.map((mapping) => ({
    ...mapping,
    copy: mapping.copy?.slice() ?? null,
  }));
  child.isSecure = by.isSecure;
  const { descriptors, mappings } = child;
  for (const held of [...descriptors, ...mappings])
    if (held !== null && held.file !== null) kernel.take(held.file);
  return child.pid;
});
