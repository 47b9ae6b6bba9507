/** A security server that is a list of what is denied, and of transitions. */

import type { AuditSubject, SecurityServer, Sid } from "../../src/selinux/security-server.ts";
import { taskLabel } from "../../src/selinux/hooks/labels.ts";

/** A question: types of source and target, class, permission. */
export type Rule = string;

export const rule = (source: string, target: string, tclass: string, permission: string): Rule =>
  `${source} ${target}:${tclass} ${permission}`;

export const contextOf = (type: string, range = "s0"): string => `u:r:${type}:${range}`;
const typeIn = (context: string): string => context.split(":")[2] ?? "";

/** All that can change. */
export interface FakePolicy {
  readonly denied: readonly Rule[];
  readonly sequence: number;
  readonly enforcing: boolean;
}

const INITIAL = ["kernel", "security", "unlabeled", "file", "devnull"] as const;
/** Which types there are not. */
const NO_TYPE = "nobody";

export class FakeSecurityServer implements SecurityServer {
  policy: FakePolicy = { denied: [], sequence: 1, enforcing: true };
  /** New types, by old type, the object's type and class. */
  readonly transitions: Readonly<Record<string, string>>;
  readonly #contexts = ["", ...INITIAL.map((name) => contextOf(name))];

  constructor(transitions: Readonly<Record<string, string>> = {}) {
    this.transitions = transitions;
  }

  get sequence(): number {
    return this.policy.sequence;
  }

  get enforcing(): boolean {
    return this.policy.enforcing;
  }

  initialSid(name: string): Sid {
    return INITIAL.findIndex((one) => one === name) + 1;
  }

  sidOf(context: string): Sid | null {
    if (context.split(":").length < 4 || typeIn(context) === NO_TYPE) return null;
    const known = this.#contexts.indexOf(context);
    return known > 0 ? known : this.#contexts.push(context) - 1;
  }

  contextOf(sid: Sid): string {
    return this.#contexts[sid] ?? "";
  }

  typeOf(sid: Sid): string {
    return typeIn(this.contextOf(sid));
  }

  /** Of a process of this type. */
  task(type: string, range = "s0"): ReturnType<typeof taskLabel> {
    return taskLabel(this.sidOf(contextOf(type, range)) ?? 0);
  }

  check(
    source: Sid,
    target: Sid,
    tclass: string,
    permissions: readonly string[],
    _subject: AuditSubject,
  ): "EACCES" | null {
    const [from, to] = [this.typeOf(source), this.typeOf(target)];
    const isDenied = permissions.some((one) =>
      this.policy.denied.includes(rule(from, to, tclass, one)),
    );
    return isDenied && this.enforcing ? "EACCES" : null;
  }

  checkIoctl(
    source: Sid,
    target: Sid,
    tclass: string,
    command: number,
    subject: AuditSubject,
  ): "EACCES" | null {
    return this.check(source, target, tclass, ["ioctl", `ioctl-${command}`], subject);
  }

  transition(source: Sid, target: Sid, tclass: string): Sid {
    const [from, to] = [this.typeOf(source), this.typeOf(target)];
    const type = this.transitions[`${from} ${to}:${tclass}`];
    if (type !== undefined)
      return this.sidOf(contextOf(type, this.contextOf(source).split(":")[3])) ?? 0;
    return tclass === "process" || tclass.endsWith("socket") ? source : target;
  }

  validateTransition(old: Sid, next: Sid, task: Sid, tclass: string): "EPERM" | null {
    const wanted = rule(this.typeOf(old), this.typeOf(next), tclass, `by-${this.typeOf(task)}`);
    return this.policy.denied.includes(wanted) && this.enforcing ? "EPERM" : null;
  }

  isBounded(): boolean {
    return false;
  }

  fsUse(filesystem: string): ReturnType<SecurityServer["fsUse"]> {
    const sid = this.sidOf(contextOf(filesystem)) ?? 0;
    if (filesystem === "ext4" || filesystem === "devtmpfs") return { behavior: "xattr", sid };
    return { behavior: filesystem === "tmpfs" ? "transition" : "none", sid };
  }

  genfsSid(filesystem: string): Sid {
    return this.fsUse(filesystem).sid;
  }
}
