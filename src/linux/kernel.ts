/**
 * What system calls work on: inodes, open files, processes, sockets and interfaces, as plain state, and the security
 * module that is asked about them. Linux, Documentation/filesystems/vfs.rst.
 */

import type { BlockBackend } from "../hw/chips/virtio/block.ts";
import { assert } from "../sim/assert.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";
import type { Errno } from "./errno.ts";
import { type CharacterDevice, NULL_DEVICE } from "./fs/character-device.ts";
import type { File } from "./fs/file.ts";
import type { Inode, InodeKind, Superblock } from "./fs/inode.ts";
import type { Tun } from "./net/tun.ts";
import { TUN_DEVICE } from "./net/tun-device.ts";
import type { Process } from "./process.ts";
import type { Blob } from "./security/blob.ts";
import { type Opened, type SecurityModule } from "./security/security.ts";
import type { Socket } from "./unix/socket.ts";
import { releaseSocket } from "./unix/queues.ts";

/** What an open file stands for, where that is more than its inode: nothing of it is in this state. */
export interface OpenFile {
  /** The last descriptor is closed. */
  release(): void;
}

interface KernelState {
  superblocks: readonly Superblock[];
  inodes: Record<number, Inode>;
  files: Record<number, File>;
  processes: Record<number, Process>;
  sockets: Record<number, Socket>;
  tuns: readonly Tun[];
  inodeCount: number;
  fileCount: number;
  processCount: number;
}

export interface KernelParameters {
  /** What the name of its state begins with. */
  readonly prefix: string;
  readonly security: SecurityModule;
}

interface NewInode {
  readonly superblock: number;
  readonly kind: InodeKind;
  readonly name: string;
  readonly disk?: string | null;
  readonly driver?: string | null;
  readonly isPrivate?: boolean;
}

/** RLIMIT_NOFILE, as it is by default. */
const MOST_FILES = 1024;
/** File systems that nobody sees, but whose inodes are opened. */
const INTERNAL = ["tmpfs", "sockfs", "anon_inodefs", "selinuxfs"] as const;

export class Kernel {
  readonly security: SecurityModule;
  /** By the names that inodes have of them. */
  readonly drivers = new Map<string, CharacterDevice>([
    ["null", NULL_DEVICE],
    ["tun", TUN_DEVICE],
  ]);
  readonly disks = new Map<string, BlockBackend>();
  readonly #cell: Cell<KernelState>;
  readonly #root: number;
  readonly #null: number;
  readonly #anonymous: number;
  /** By the number of the open file. What is opened after the world was built is in no snapshot. */
  readonly #objects = new Map<number, OpenFile>();

  /** To be made while the world is built. The root is a file system that keeps labels. */
  constructor(world: World, { prefix, security }: KernelParameters) {
    this.security = security;
    this.#cell = world.registry.plain<KernelState>(`${prefix}kernel`, {
      superblocks: [],
      inodes: {},
      files: {},
      processes: {},
      sockets: {},
      tuns: [],
      inodeCount: 0,
      fileCount: 0,
      processCount: 0,
    });
    for (const type of INTERNAL) this.newSuperblock(type, type);
    this.#root = this.newRoot("ext4", "vda", "/").number;
    const superblock = this.internal("selinuxfs");
    const nothing = this.newInode({
      superblock: superblock.id,
      kind: "character",
      name: "null",
      driver: "null",
    });
    nothing.links = 1;
    security.dInstantiate(null, nothing, superblock, "/null");
    this.#null = nothing.number;
    const { id } = this.internal("anon_inodefs");
    const anonymous = { superblock: id, kind: "anonymous", name: "", isPrivate: true } as const;
    this.#anonymous = this.newInode(anonymous).number;
    this.anonymous.links = 1;
  }

  get state(): KernelState {
    return this.#cell.value;
  }

  get root(): Inode {
    return this.inode(this.#root);
  }

  /** What stands in for files that a process may not keep. */
  get null(): Inode {
    return this.inode(this.#null);
  }

  /** What open files without a path are open on: one for all. */
  get anonymous(): Inode {
    return this.inode(this.#anonymous);
  }

  // File systems and inodes.

  newSuperblock(type: string, device: string): Superblock {
    const superblock = { id: this.state.superblocks.length, type, device, security: null };
    this.state.superblocks = [...this.state.superblocks, superblock];
    this.security.sbKernMount(superblock);
    return superblock;
  }

  /** The root of a new file system. */
  newRoot(type: string, device: string, name: string): Inode {
    const superblock = this.newSuperblock(type, device);
    const inode = this.newInode({ superblock: superblock.id, kind: "directory", name });
    inode.links = 1;
    this.security.dInstantiate(null, inode, superblock, "/");
    return inode;
  }

  /** One of the kernel's own. */
  internal(type: (typeof INTERNAL)[number]): Superblock {
    return this.state.superblocks[INTERNAL.indexOf(type)] as Superblock;
  }

  superblockOf({ superblock }: Inode): Superblock {
    return this.state.superblocks[superblock] as Superblock;
  }

  inode(number: number): Inode {
    const inode = this.state.inodes[number];
    assert(inode !== undefined, "an inode that something refers to is there");
    return inode;
  }

  newInode(given: NewInode): Inode {
    return this.#addInode(this.newInodeNumber(), given);
  }

  newInodeNumber(): number {
    this.state.inodeCount += 1;
    return this.state.inodeCount;
  }

  /** Of a socket, whose number it has. */
  newSocketInode(number: number): Inode {
    const { id } = this.internal("sockfs");
    return this.#addInode(number, { superblock: id, kind: "socket", name: "" });
  }

  #addInode(number: number, given: NewInode): Inode {
    const { superblock, kind, name, disk = null, driver = null, isPrivate = false } = given;
    const inode: Inode = {
      number,
      superblock,
      kind,
      name,
      isPrivate,
      links: 0,
      xattrs: [],
      entries: [],
      data: new Uint8Array(0),
      disk,
      driver,
      security: null,
    };
    this.state.inodes[number] = inode;
    return inode;
  }

  /** Without names and open files. */
  forgetIfUnused({ number, links }: Inode): void {
    if (links > 0) return;
    if (Object.values(this.state.files).some(({ inode }) => inode === number)) return;
    delete this.state.inodes[number];
  }

  // Open files.

  file(number: number): File {
    const file = this.state.files[number];
    assert(file !== undefined, "an open file that something refers to is there");
    return file;
  }

  openedOf(number: number): Opened {
    const file = this.file(number);
    return { file, inode: this.inode(file.inode) };
  }

  /** An open file that nobody has yet: whoever makes it takes it, or drops it. */
  newFile(by: Process, inode: Inode, path: string, flags: number): File {
    this.state.fileCount += 1;
    const file: File = {
      number: this.state.fileCount,
      inode: inode.number,
      path,
      flags,
      position: 0,
      references: 0,
      private: null,
      security: null,
    };
    this.state.files[file.number] = file;
    this.security.fileAllocSecurity(by, file);
    return file;
  }

  standFor({ number }: File, object: OpenFile): void {
    this.#objects.set(number, object);
  }

  objectOf({ number }: File): OpenFile | null {
    return this.#objects.get(number) ?? null;
  }

  /** One that nobody took. */
  forgetFile({ number }: File): void {
    this.take(number);
    this.drop(number);
  }

  take(number: number): void {
    this.file(number).references += 1;
  }

  drop(number: number): void {
    const { file, inode } = this.openedOf(number);
    file.references -= 1;
    if (file.references > 0) return;
    delete this.state.files[number];
    this.#objects.get(number)?.release();
    this.#objects.delete(number);
    if (inode.kind === "socket") releaseSocket(this, inode.number);
    this.driverOf(inode)?.release?.(this, file);
    this.forgetIfUnused(inode);
  }

  driverOf({ driver }: Inode): CharacterDevice | null {
    return driver === null ? null : (this.drivers.get(driver) ?? null);
  }

  // Processes and their descriptors.

  newProcess(comm: string, security: Blob, parent = 0): Process {
    this.state.processCount += 1;
    const process: Process = {
      pid: this.state.processCount,
      parent,
      comm,
      descriptors: [],
      mappings: [],
      tracer: null,
      isOver: false,
      isSecure: false,
      signals: [],
      security,
    };
    this.state.processes[process.pid] = process;
    return process;
  }

  /** One that is not over. */
  process(pid: number): Process | null {
    const process = this.state.processes[pid];
    return process === undefined || process.isOver ? null : process;
  }

  tracerOf({ tracer }: Process): Process | null {
    return tracer === null ? null : this.process(tracer);
  }

  opened({ descriptors }: Process, descriptor: number): Opened | Errno {
    const found = descriptors[descriptor] ?? null;
    return found === null ? "EBADF" : this.openedOf(found.file);
  }

  /** The lowest descriptor that is free; a file that gets none is closed. */
  install(process: Process, file: number, closesOnExec = false): number | Errno {
    this.take(file);
    const free = process.descriptors.findIndex((one) => one === null);
    const descriptor = free < 0 ? process.descriptors.length : free;
    if (descriptor >= MOST_FILES) {
      this.drop(file);
      return "EMFILE";
    }
    process.descriptors[descriptor] = { file, closesOnExec };
    return descriptor;
  }

  close(process: Process, descriptor: number): Errno | null {
    const found = process.descriptors[descriptor] ?? null;
    if (found === null) return "EBADF";
    process.descriptors[descriptor] = null;
    this.drop(found.file);
    return null;
  }

  /** Everything that it has is given back. */
  end(process: Process): void {
    for (const { file } of process.mappings) if (file !== null) this.drop(file);
    process.mappings = [];
    for (const descriptor of process.descriptors.keys()) this.close(process, descriptor);
    process.isOver = true;
    for (const other of Object.values(this.state.processes))
      if (other.tracer === process.pid) other.tracer = null;
  }
}
