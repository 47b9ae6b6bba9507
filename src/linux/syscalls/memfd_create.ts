/** memfd_create(2): nobody is asked until it is used; its label is that of a file of the task in tmpfs. Linux, mm/memfd.c, mm/shmem.c. Seals are not modelled. */

import { O } from "../fs/file.ts";
import { systemCall } from "./system-call.ts";

export const memfd_create = systemCall(
  "memfd_create",
  [],
  (kernel, by, { name }: { readonly name: string }) => {
    const superblock = kernel.internal("tmpfs");
    const path = `/memfd:${name}`;
    const inode = kernel.newInode({ superblock: superblock.id, kind: "file", name: path });
    kernel.security.dInstantiate(by, inode, superblock, path);
    return kernel.install(by, kernel.newFile(by, inode, path, O.RDWR).number);
  },
);
