/** Contexts of what the kernel labels by itself, in a binary policy. Linux, security/selinux/ss/policydb.c, ocontext_read and genfs_read. */

import type { Cursor } from "./cursor.ts";
import type { Context, GenfsContext, InitialSid, ObjectContexts } from "./policy.ts";
import { CONTEXT_BYTES, readContext } from "./read-contexts.ts";
import type { SymbolTables } from "./read-symbols.ts";

const INFINIBAND_SINCE = 31;
const FS_USE_MAX = 7;
/** Decided when a file system is mounted, and never in a policy. */
const FS_USE_MOUNTPOINT = 6;
const KEY_MAX = 0xffff;
const INFINIBAND_PORT_MAX = 0xff;

export const objectKindsOf = (version: number): number => (version < INFINIBAND_SINCE ? 7 : 9);

export interface Labels {
  readonly initialSids: readonly InitialSid[];
  readonly objects: ObjectContexts;
}

export class ObjectReader {
  readonly #cursor: Cursor;
  readonly #symbols: SymbolTables;

  constructor(cursor: Cursor, symbols: SymbolTables) {
    this.#cursor = cursor;
    this.#symbols = symbols;
  }

  /** In the order of the file. */
  labels(version: number): Labels {
    const initialSids = this.#list("initial SIDs", 4, () => this.#initialSid());
    const filesystems = this.#list("file systems", 5, () => this.#filesystem());
    const ports = this.#list("ports", 12, () => this.#port());
    const interfaces = this.#list("network interfaces", 5, () => this.#interface());
    const nodes = this.#list("IPv4 nodes", 8, () => this.#node(4));
    const fsUses = this.#list("uses of file systems", 9, () => this.#fsUse());
    const nodes6 = this.#list("IPv6 nodes", 32, () => this.#node(16));
    const hasInfiniband = objectKindsOf(version) === 9;
    const infinibandKeys = hasInfiniband
      ? this.#list("InfiniBand keys", 16, () => this.#infinibandKey())
      : [];
    const infinibandPorts = hasInfiniband
      ? this.#list("InfiniBand ports", 9, () => this.#infinibandPort())
      : [];
    const objects = {
      filesystems,
      ports,
      interfaces,
      nodes: [...nodes, ...nodes6],
      fsUses,
      infinibandKeys,
      infinibandPorts,
    };
    return { initialSids, objects };
  }

  genfs(): readonly GenfsContext[] {
    const seen = new Set<string>();
    return this.#cursor.list(9, "file systems without labels", () => {
      const at = this.#cursor.offset;
      const filesystem = this.#name("a file system");
      this.#cursor.expect(!seen.has(filesystem), "no file system twice", at);
      seen.add(filesystem);
      return { filesystem, paths: this.#paths() };
    });
  }

  #paths(): GenfsContext["paths"] {
    const first = new Map<string, number>();
    const more = new Set<string>();
    return this.#list("paths", 9, () => {
      const at = this.#cursor.offset;
      const path = this.#name("a path");
      const tclass = this.#cursor.within(0, this.#symbols.classes.length, "a class");
      const other = first.get(path);
      const key = `${tclass} ${path}`;
      const clashes = other === 0 || tclass === 0 || other === tclass || more.has(key);
      this.#cursor.expect(other === undefined || !clashes, "no path twice", at);
      if (other === undefined) first.set(path, tclass);
      else more.add(key);
      return { path, class: tclass, context: this.#context() };
    });
  }

  #initialSid(): InitialSid {
    const sid = this.#cursor.within(1, 0xffff_ffff, "an initial SID");
    return { sid, context: this.#context() };
  }

  #filesystem(): ObjectContexts["filesystems"][number] {
    const name = this.#name("a file system");
    return { name, context: this.#context(), fileContext: this.#context() };
  }

  #port(): ObjectContexts["ports"][number] {
    const protocol = this.#cursor.u32("a protocol");
    const low = this.#cursor.u32("a port");
    return { protocol, low, high: this.#cursor.u32("a port"), context: this.#context() };
  }

  #interface(): ObjectContexts["interfaces"][number] {
    const name = this.#name("a network interface");
    return { name, context: this.#context(), packetContext: this.#context() };
  }

  #node(bytes: number): ObjectContexts["nodes"][number] {
    const address = this.#cursor.bytes(bytes, "an address");
    return { address, mask: this.#cursor.bytes(bytes, "a mask"), context: this.#context() };
  }

  #fsUse(): ObjectContexts["fsUses"][number] {
    const at = this.#cursor.offset;
    const behavior = this.#cursor.within(1, FS_USE_MAX, "the use of a file system");
    this.#cursor.expect(behavior !== FS_USE_MOUNTPOINT, "a use that a policy can name", at);
    return { behavior, name: this.#name("a file system"), context: this.#context() };
  }

  #infinibandKey(): ObjectContexts["infinibandKeys"][number] {
    const subnetPrefix = this.#cursor.bytes(8, "a subnet prefix");
    const low = this.#cursor.within(0, KEY_MAX, "an InfiniBand key");
    const high = this.#cursor.within(0, KEY_MAX, "an InfiniBand key");
    return { subnetPrefix, low, high, context: this.#context() };
  }

  #infinibandPort(): ObjectContexts["infinibandPorts"][number] {
    const length = this.#cursor.u32("an InfiniBand device");
    const port = this.#cursor.within(1, INFINIBAND_PORT_MAX, "an InfiniBand port");
    const device = this.#cursor.text(length, "an InfiniBand device");
    return { device, port, context: this.#context() };
  }

  #list<T>(what: string, bytes: number, read: () => T): T[] {
    return this.#cursor.list(bytes + CONTEXT_BYTES, what, read);
  }

  #name(what: string): string {
    return this.#cursor.text(this.#cursor.u32(what), what);
  }

  #context(): Context {
    return readContext(this.#cursor, this.#symbols);
  }
}
