/** Contexts of what the kernel labels by itself. Linux, security/selinux/ss/policydb.c, ocontext_write and genfs_write. */

import { type Policy, VERSION } from "../policy.ts";
import { type ByteWriter, lengthOf } from "./bytes.ts";
import { writeContext } from "./sets.ts";

const IPV4_BYTES = 4;

export function writeObjects(out: ByteWriter, policy: Policy): void {
  const { objects } = policy;
  writeList(out, policy.initialSids, ({ sid, context }) => {
    out.u32(sid);
    writeContext(out, context);
  });
  writeList(out, objects.filesystems, ({ name, context, fileContext }) => {
    writeName(out, name);
    writeContext(out, context);
    writeContext(out, fileContext);
  });
  writeList(out, objects.ports, ({ protocol, low, high, context }) => {
    out.u32(protocol, low, high);
    writeContext(out, context);
  });
  writeList(out, objects.interfaces, ({ name, context, packetContext }) => {
    writeName(out, name);
    writeContext(out, context);
    writeContext(out, packetContext);
  });
  writeNodes(out, policy, true);
  writeList(out, objects.fsUses, ({ behavior, name, context }) => {
    out.u32(behavior);
    writeName(out, name);
    writeContext(out, context);
  });
  writeNodes(out, policy, false);
  if (policy.version >= VERSION.infiniband) writeInfiniband(out, policy);
}

function writeList<T>(out: ByteWriter, entries: readonly T[], write: (entry: T) => void): void {
  out.u32(entries.length);
  for (const entry of entries) write(entry);
}

function writeName(out: ByteWriter, name: string): void {
  out.u32(lengthOf(name));
  out.text(name);
}

/** Those of IPv4 and those of IPv6 are apart. */
function writeNodes(out: ByteWriter, { objects }: Policy, isIpv4: boolean): void {
  const nodes = objects.nodes.filter(({ address }) => (address.length === IPV4_BYTES) === isIpv4);
  writeList(out, nodes, ({ address, mask, context }) => {
    out.bytes(address);
    out.bytes(mask);
    writeContext(out, context);
  });
}

function writeInfiniband(out: ByteWriter, { objects }: Policy): void {
  writeList(out, objects.infinibandKeys, ({ subnetPrefix, low, high, context }) => {
    out.bytes(subnetPrefix);
    out.u32(low, high);
    writeContext(out, context);
  });
  writeList(out, objects.infinibandPorts, ({ device, port, context }) => {
    out.u32(lengthOf(device), port);
    out.text(device);
    writeContext(out, context);
  });
}

export function writeGenfs(out: ByteWriter, { genfs }: Policy): void {
  writeList(out, genfs, ({ filesystem, paths }) => {
    writeName(out, filesystem);
    writeList(out, paths, ({ path, class: tclass, context }) => {
      writeName(out, path);
      out.u32(tclass);
      writeContext(out, context);
    });
  });
}
