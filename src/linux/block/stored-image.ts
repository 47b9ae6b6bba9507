/** The image of a guest's disk: a file of the host whose content is on the host's disk. libvirt, docs/formatstorage.rst, "Directory pool". */

import { makeDirectories, populate } from "../fs/populate.ts";
import type { Kernel } from "../kernel.ts";
import type { CachedDisk } from "./cached-disk.ts";

export interface StoredImage {
  readonly path: string;
  readonly disk: CachedDisk;
}

const FOLDER = "/var/lib/libvirt/images";

/** To be made while the world is built. */
export function storeImage(kernel: Kernel, name: string, disk: CachedDisk): StoredImage {
  const path = `${FOLDER}/${name}.img`;
  makeDirectories(kernel, FOLDER);
  kernel.disks.set(name, disk);
  populate(kernel, path, { kind: "file", disk: name });
  return { path, disk };
}
