/** The security identifiers that the kernel uses before it knows of any context, and afterwards for what has no label. Linux, security/selinux/include/initial_sid_to_string.h. */

import { assert } from "../../sim/assert.ts";
import type { Sid } from "../security-server.ts";

/** By number, from 1. */
const INITIAL_SIDS = [
  "kernel",
  "security",
  "unlabeled",
  "fs",
  "file",
  "file_labels",
  "init",
  "any_socket",
  "port",
  "netif",
  "netmsg",
  "node",
  "igmp_packet",
  "icmp_socket",
  "tcp_socket",
  "sysctl_modprobe",
  "sysctl",
  "sysctl_fs",
  "sysctl_kernel",
  "sysctl_net",
  "sysctl_net_unix",
  "sysctl_vm",
  "sysctl_dev",
  "kmod",
  "policy",
  "scmp_packet",
  "devnull",
] as const;

/** The number of one of them. */
export function initialSid(name: string): Sid {
  const at = (INITIAL_SIDS as readonly string[]).indexOf(name);
  assert(at >= 0, `there is an initial SID ${name}`);
  return at + 1;
}

export const UNLABELED = initialSid("unlabeled");

/** Those of contexts come behind. */
export const FIRST_SID = INITIAL_SIDS.length + 1;
