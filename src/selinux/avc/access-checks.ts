/** Whether it is allowed, and what is told of it: answers from the cache, and the policy behind it. Linux, security/selinux/avc.c, avc_has_perm and avc_has_extended_perms. */

import { type ExtendedAccess, hasCommand } from "../decisions/extended.ts";
import type { Sid } from "../security-server.ts";
import type { Avc, AvcEntry } from "./avc.ts";

/** Who knows the policy. */
export interface Decider {
  readonly enforcing: boolean;
  decide(source: Sid, target: Sid, tclass: number): AvcEntry;
  decideExtended(entry: AvcEntry, driver: number): ExtendedAccess;
}

/** Of one request. */
export interface Verdict {
  readonly error: "EACCES" | null;
  /** Permissions that a record tells of; 0 for no record. */
  readonly audited: number;
  /** The record is of a denial, be it enforced or not. */
  readonly denied: boolean;
}

interface Command {
  readonly driver: number;
  readonly low: number;
}

export class AccessChecks {
  readonly #avc: Avc;
  readonly #decider: Decider;

  constructor(avc: Avc, decider: Decider) {
    this.#avc = avc;
    this.#decider = decider;
  }

  /** `requested`: a mask of the kernel's permissions. */
  check(source: Sid, target: Sid, tclass: number, requested: number): Verdict {
    const entry = this.#entry(source, target, tclass);
    const denied = requested & ~entry.allowed;
    if (denied === 0) return { error: null, audited: requested & entry.auditallow, denied: false };
    const error = this.#denied(entry, requested, null);
    return { error, audited: denied & entry.auditdeny, denied: true };
  }

  /** `command`: 16 bits, of which the high eight are the driver. */
  checkCommand(
    source: Sid,
    target: Sid,
    tclass: number,
    requested: number,
    command: number,
  ): Verdict {
    const driver = (command >>> 8) & 0xff;
    const low = command & 0xff;
    let entry = this.#entry(source, target, tclass);
    if (entry.drivers === null) return this.check(source, target, tclass, requested);
    const extended = this.#extended(entry, driver);
    if (extended !== null && !entry.extended.includes(extended))
      entry = this.#avc.put({ ...entry, extended: [...entry.extended, extended] });
    const isListed = hasCommand(extended?.allowed ?? null, low);
    const denied = isListed ? requested & ~entry.allowed : requested;
    if (denied === 0) {
      const isTold = hasCommand(extended?.auditallow ?? null, low);
      return { error: null, audited: isTold ? requested & entry.auditallow : 0, denied: false };
    }
    const error = this.#denied(entry, requested, { driver, low });
    const isSilent = hasCommand(extended?.dontaudit ?? null, low);
    return { error, audited: isSilent ? 0 : denied & entry.auditdeny, denied: true };
  }

  #entry(source: Sid, target: Sid, tclass: number): AvcEntry {
    return (
      this.#avc.find(source, target, tclass) ??
      this.#avc.put(this.#decider.decide(source, target, tclass))
    );
  }

  /** Null when nothing is said of any command of the driver. */
  #extended(entry: AvcEntry, driver: number): ExtendedAccess | null {
    const known = entry.extended.find((one) => one.driver === driver);
    if (known !== undefined) return known;
    return hasCommand(entry.drivers, driver) ? this.#decider.decideExtended(entry, driver) : null;
  }

  /** What a permissive kernel or domain was let do once is allowed from then on, so that it is told once. */
  #denied(entry: AvcEntry, requested: number, command: Command | null): "EACCES" | null {
    if (this.#decider.enforcing && !entry.permissive) return "EACCES";
    const allowed = { ...entry, allowed: entry.allowed | requested };
    this.#avc.put(command === null ? allowed : allowing(allowed, command));
    return null;
  }
}

function allowing(entry: AvcEntry, { driver, low }: Command): AvcEntry {
  const extended = entry.extended.map((one) =>
    one.driver === driver ? { ...one, allowed: withCommand(one.allowed, low) } : one,
  );
  return { ...entry, drivers: withCommand(entry.drivers, driver), extended };
}

function withCommand(words: readonly number[] | null, command: number): readonly number[] {
  const all = Array.from({ length: 8 }, (_, i) => words?.[i] ?? 0);
  const word = command >>> 5;
  all[word] = ((all[word] as number) | (1 << (command & 31))) >>> 0;
  return all;
}
