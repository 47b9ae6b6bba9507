/** Audit records as the kernel writes them: what follows `audit(...): ` in a line. Linux, security/selinux/avc.c, avc_audit_post_callback, and security/lsm_audit.c; types: include/uapi/linux/audit.h. */

import type { AuditData, AuditSubject } from "../security-server.ts";

export const RECORD = {
  avc: 1400,
  selinuxError: 1401,
  policyLoad: 1403,
  status: 1404,
  configChange: 1405,
} as const;

export interface AvcRecord {
  readonly granted: boolean;
  readonly permissions: readonly string[];
  readonly subject: AuditSubject;
  readonly data: AuditData;
  readonly source: string;
  readonly target: string;
  readonly tclass: string;
  /** Of a denial: it was let pass. */
  readonly permissive: boolean;
}

export function avcRecord(record: AvcRecord): string {
  const { granted, permissions, subject, data, source, target, tclass, permissive } = record;
  const about = data.map(([name, value]) => ` ${name}=${valueOf(name, value)}`).join("");
  const what = `avc:  ${granted ? "granted" : "denied"}  { ${permissions.join(" ")} }`;
  const who = `pid=${subject.pid} comm=${quoted(subject.comm)}${about}`;
  const contexts = `scontext=${source} tcontext=${target} tclass=${tclass}`;
  return `${what} for  ${who} ${contexts}${granted ? "" : ` permissive=${permissive ? 1 : 0}`}`;
}

/** Numbers of commands are written in hexadecimal, names in quotes. */
function valueOf(name: string, value: string | number): string {
  if (typeof value === "string") return quoted(value);
  return name === "ioctlcmd" ? `0x${value.toString(16)}` : String(value);
}

/** What holds a quote, a space or a control character is written in hexadecimal: audit_log_untrustedstring. */
function quoted(text: string): string {
  if (/^[!#-~]*$/.test(text)) return `"${text}"`;
  const percents = encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\uFFFD"));
  return percents.replace(/%([0-9A-F]{2})|./g, (byte, hex?: string) => hex ?? hexOf(byte));
}

const hexOf = (letter: string): string => letter.charCodeAt(0).toString(16).toUpperCase();

const NOBODY = "auid=4294967295 ses=4294967295";

export const policyLoadRecord = (): string => `${NOBODY} lsm=selinux res=1`;

export const statusRecord = (enforcing: boolean, before: boolean): string =>
  `enforcing=${enforcing ? 1 : 0} old_enforcing=${before ? 1 : 0} ${NOBODY} enabled=1 old-enabled=1 lsm=selinux res=1`;

export const booleanRecord = (name: string, value: boolean, before: boolean): string =>
  `bool=${name} val=${value ? 1 : 0} old_val=${before ? 1 : 0} ${NOBODY}`;

/** A refused validatetrans. */
export const transitionRecord = (old: string, next: string, task: string, tclass: string): string =>
  `op=security_validate_transition seresult=denied oldcontext=${old} newcontext=${next} taskcontext=${task} tclass=${tclass}`;

export const boundedRecord = (old: string, next: string): string =>
  `op=security_bounded_transition seresult=denied oldcontext=${old} newcontext=${next}`;

/** A new process or object would have a context that is none. */
export const invalidContextRecord = (
  context: string,
  source: string,
  target: string,
  tclass: string,
): string =>
  `op=security_compute_sid invalid_context=${context} scontext=${source} tcontext=${target} tclass=${tclass}`;
