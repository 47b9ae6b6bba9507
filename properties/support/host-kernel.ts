/** A kernel with a small tree, and calls of it that have to succeed. */

import { type Errno, isErrno } from "../../src/linux/errno.ts";
import { mount, populate } from "../../src/linux/fs/populate.ts";
import { Kernel } from "../../src/linux/kernel.ts";
import type { SecurityModule } from "../../src/linux/security/security.ts";
import { type Answer, call, type CallName, type Given } from "../../src/linux/syscalls/index.ts";
import type { World } from "../../src/sim/world.ts";
import { inWorld } from "./kvm-guest.ts";

export interface HostKernel {
  readonly world: World;
  readonly kernel: Kernel;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Labels of the tree, by path; those that are not named carry none. */
export type TreeLabels = Readonly<Record<string, string>>;

export function newKernel(security: SecurityModule, labels: TreeLabels = {}): HostKernel {
  return inWorld((world) => {
    const kernel = new Kernel(world, { prefix: "", security });
    const carried = (path: string): { readonly xattrs?: Record<string, string> } =>
      labels[path] === undefined ? {} : { xattrs: { "security.selinux": labels[path] } };
    for (const path of ["/d", "/d/sub", "/bin", "/run"])
      populate(kernel, path, { kind: "directory", ...carried(path) });
    for (const path of ["/d/a", "/d/b", "/bin/program"])
      populate(kernel, path, { kind: "file", data: text(path), ...carried(path) });
    mount(kernel, "/dev", "devtmpfs", "devtmpfs");
    for (const driver of ["null", "tun"])
      populate(kernel, `/dev/${driver}`, {
        kind: "character",
        driver,
        ...carried(`/dev/${driver}`),
      });
    return { world, kernel };
  });
}

/** What has to succeed. */
export function succeed<N extends CallName>(
  kernel: Kernel,
  pid: number,
  name: N,
  given: Given<N>,
): Exclude<Answer<N>, Errno> {
  const answer: unknown = call(kernel, pid, name, given);
  if (isErrno(answer)) throw new Error(`${name}: ${answer}`);
  return answer as Exclude<Answer<N>, Errno>;
}
