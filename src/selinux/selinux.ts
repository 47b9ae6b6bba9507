/** SELinux in a host's kernel: the policy that is loaded, its booleans, the security identifiers, the cache, and whether it enforces. Linux, security/selinux/ss/services.c, avc.c and selinuxfs.c. */

import type { Audit } from "../linux/audit.ts";
import { InputError } from "../sim/assert.ts";
import type { Keeper } from "../sim/snapshot.ts";
import { AccessChecks, type Verdict } from "./avc/access-checks.ts";
import { Avc, type AvcEntry } from "./avc/avc.ts";
import {
  avcRecord,
  booleanRecord,
  boundedRecord,
  invalidContextRecord,
  policyLoadRecord,
  RECORD,
  statusRecord,
  transitionRecord,
} from "./avc/records.ts";
import { computeAccess } from "./decisions/access.ts";
import { type BooleanState, booleanState } from "./decisions/booleans.ts";
import { isBoundedBy } from "./decisions/bounds.ts";
import { refusedTransition } from "./decisions/constraints.ts";
import { computeExtended, type ExtendedAccess } from "./decisions/extended.ts";
import { fsUse, genfsContext } from "./decisions/labels.ts";
import type { LoadedPolicy } from "./decisions/loaded-policy.ts";
import { transition } from "./decisions/transitions.ts";
import type { AuditData, AuditSubject, FsUse, SecurityServer, Sid } from "./security-server.ts";
import {
  type ClassMapping,
  classMapping,
  classNumber,
  type MappedClass,
  mapDecision,
  maskOf,
  namesIn,
  undefinedIn,
} from "./server/class-mapping.ts";
import { initialSid, UNLABELED } from "./server/initial-sids.ts";
import { type SidRow, SidTable } from "./server/sid-table.ts";

export interface SelinuxParameters {
  readonly audit: Pick<Audit, "record">;
  /** Policies by name: those that can be loaded. Throws InputError for others. */
  readonly policies: (name: string) => LoadedPolicy;
  /** The one that is loaded first. */
  readonly policy: string;
  readonly enforcing: boolean;
}

interface Saved {
  readonly policy: string;
  readonly enforcing: boolean;
  readonly sequence: number;
  readonly booleans: readonly boolean[];
  readonly contexts: readonly SidRow[];
  readonly threshold: number;
  readonly entries: readonly AvcEntry[];
}

const NOTHING = { allowed: 0, auditallow: 0, auditdeny: 0xffff_ffff | 0 };
const IOCTL = ["ioctl"];

export class Selinux implements SecurityServer, Keeper<Saved> {
  readonly #audit: Pick<Audit, "record">;
  readonly #policies: (name: string) => LoadedPolicy;
  readonly #avc = new Avc();
  readonly #checks: AccessChecks;
  readonly #sids: SidTable;
  #policy: string;
  #loaded: LoadedPolicy;
  #mapping: ClassMapping;
  #booleans: BooleanState;
  #enforcing: boolean;
  #sequence = 1;

  constructor({ audit, policies, policy, enforcing }: SelinuxParameters) {
    this.#audit = audit;
    this.#policies = policies;
    this.#policy = policy;
    this.#loaded = usable(policies(policy), policy);
    this.#mapping = classMapping(this.#loaded.policy, this.#loaded.names);
    this.#booleans = booleanState(this.#loaded);
    this.#sids = new SidTable(this.#loaded);
    this.#enforcing = enforcing;
    this.#checks = new AccessChecks(this.#avc, this);
  }

  get sequence(): number {
    return this.#sequence;
  }

  get enforcing(): boolean {
    return this.#enforcing;
  }

  /** By name, as they are now. */
  get booleans(): ReadonlyMap<string, boolean> {
    const { booleans } = this.#loaded.policy;
    return new Map(booleans.map(({ name }, i) => [name, this.#booleans.values[i] === true]));
  }

  /** /sys/fs/selinux/avc/cache_threshold. */
  set cacheThreshold(entries: number) {
    this.#avc.threshold = entries;
  }

  /** Another policy. Booleans that both have keep their values. Nothing changes when it throws InputError. */
  loadPolicy(name: string): void {
    const before = this.booleans;
    this.#install(name);
    this.#sids.load(this.#loaded);
    const { booleans } = this.#loaded.policy;
    const kept = booleans.map((one) => before.get(one.name) ?? one.defaultState);
    this.#booleans = booleanState(this.#loaded, kept);
    this.#changed();
    this.#audit.record(RECORD.policyLoad, policyLoadRecord());
  }

  /** Those that are named. Throws InputError for one that the policy does not have. */
  setBooleans(values: ReadonlyMap<string, boolean>): void {
    for (const name of values.keys())
      if (!this.#loaded.names.booleans.has(name))
        throw new InputError(`selinux: the policy has no boolean ${name}`);
    const before = this.booleans;
    for (const [name, value] of values)
      if (before.get(name) === !value)
        this.#audit.record(RECORD.configChange, booleanRecord(name, value, !value));
    const after = [...before].map(([name, value]) => values.get(name) ?? value);
    this.#booleans = booleanState(this.#loaded, after);
    this.#changed();
  }

  /** What was answered before is asked anew, but nobody's open files are: the sequence stays. */
  setEnforcing(enforcing: boolean): void {
    if (enforcing === this.#enforcing) return;
    this.#audit.record(RECORD.status, statusRecord(enforcing, this.#enforcing));
    this.#enforcing = enforcing;
    if (enforcing) this.#avc.flush();
  }

  initialSid(name: string): Sid {
    return initialSid(name);
  }

  sidOf(context: string): Sid | null {
    return this.#sids.sidOfText(context);
  }

  contextOf(sid: Sid): string {
    return this.#sids.textOf(sid);
  }

  check(
    source: Sid,
    target: Sid,
    tclass: string,
    permissions: readonly string[],
    subject: AuditSubject,
    data: AuditData,
  ): "EACCES" | null {
    const number = classNumber(tclass);
    const requested = maskOf(this.#class(number), permissions);
    const verdict = this.#checks.check(source, target, number, requested);
    if (verdict.audited !== 0) this.#tell(source, target, number, verdict, subject, data);
    return verdict.error;
  }

  checkIoctl(
    source: Sid,
    target: Sid,
    tclass: string,
    command: number,
    subject: AuditSubject,
    data: AuditData,
  ): "EACCES" | null {
    const number = classNumber(tclass);
    const requested = maskOf(this.#class(number), IOCTL);
    const verdict = this.#checks.checkCommand(source, target, number, requested, command);
    if (verdict.audited !== 0) this.#tell(source, target, number, verdict, subject, data);
    return verdict.error;
  }

  transition(source: Sid, target: Sid, tclass: string, name?: string): Sid | null {
    const { value } = this.#class(classNumber(tclass));
    const [from, to] = [this.#sids.contextOf(source), this.#sids.contextOf(target)];
    const made = transition(this.#loaded, this.#booleans, from, to, value, name);
    if (made === null) return null;
    const sid = this.#sids.sidOf(made.context);
    if (made.valid) return sid;
    const [a, b, c] = this.#texts(sid, source, target);
    this.#audit.record(RECORD.selinuxError, invalidContextRecord(a, b, c, tclass));
    return this.#enforcing ? null : sid;
  }

  validateTransition(old: Sid, next: Sid, task: Sid, tclass: string): "EPERM" | null {
    const sids = this.#sids;
    const { value } = this.#class(classNumber(tclass));
    const refused = refusedTransition(
      this.#loaded,
      sids.contextOf(old),
      sids.contextOf(next),
      sids.contextOf(task),
      value,
    );
    if (refused === null) return null;
    const [a, b, c] = this.#texts(old, next, task);
    this.#audit.record(RECORD.selinuxError, transitionRecord(a, b, c, tclass));
    return this.#enforcing ? "EPERM" : null;
  }

  isBounded(old: Sid, next: Sid): boolean {
    const [bound, type] = [this.#sids.contextOf(old).type, this.#sids.contextOf(next).type];
    if (isBoundedBy(this.#loaded, type, bound)) return true;
    const record = boundedRecord(this.contextOf(old), this.contextOf(next));
    this.#audit.record(RECORD.selinuxError, record);
    return false;
  }

  fsUse(filesystem: string): FsUse {
    const { behavior, context } = fsUse(this.#loaded, filesystem);
    return { behavior, sid: context === null ? UNLABELED : this.#sids.sidOf(context) };
  }

  genfsSid(filesystem: string, path: string, tclass: string): Sid {
    const { value } = this.#class(classNumber(tclass));
    const context = genfsContext(this.#loaded, filesystem, path, value);
    return context === null ? UNLABELED : this.#sids.sidOf(context);
  }

  // For AccessChecks.

  decide(source: Sid, target: Sid, tclass: number): AvcEntry {
    const mapped = this.#class(tclass);
    const [from, to] = [this.#sids.contextOf(source), this.#sids.contextOf(target)];
    const access = computeAccess(this.#loaded, this.#booleans, from, to, mapped.value);
    const allowUnknown = this.#loaded.policy.handleUnknown === "allow";
    const masks = mapDecision(mapped, mapped.value === 0 ? NOTHING : access, allowUnknown);
    const { permissive, drivers } = access;
    return { source, target, tclass, ...masks, permissive, drivers, extended: [] };
  }

  decideExtended({ source, target, tclass }: AvcEntry, driver: number): ExtendedAccess {
    const [from, to] = [this.#sids.contextOf(source), this.#sids.contextOf(target)];
    const { value } = this.#class(tclass);
    return computeExtended(this.#loaded, this.#booleans, from, to, value, driver);
  }

  save(): Saved {
    return {
      policy: this.#policy,
      enforcing: this.#enforcing,
      sequence: this.#sequence,
      booleans: this.#booleans.values,
      contexts: this.#sids.save(),
      threshold: this.#avc.threshold,
      entries: this.#avc.save(),
    };
  }

  load(saved: Saved): void {
    this.#install(saved.policy);
    this.#sids.restore(this.#loaded, saved.contexts);
    this.#booleans = booleanState(this.#loaded, saved.booleans);
    this.#enforcing = saved.enforcing;
    this.#sequence = saved.sequence;
    this.#avc.threshold = saved.threshold;
    this.#avc.load(saved.entries);
  }

  #install(name: string): void {
    const loaded = usable(this.#policies(name), name);
    this.#policy = name;
    this.#loaded = loaded;
    this.#mapping = classMapping(loaded.policy, loaded.names);
  }

  /** Answers are computed anew, and who holds files open is asked again. */
  #changed(): void {
    this.#sequence += 1;
    this.#avc.flush();
  }

  #texts(a: Sid, b: Sid, c: Sid): readonly [string, string, string] {
    return [this.contextOf(a), this.contextOf(b), this.contextOf(c)];
  }

  #class(number: number): MappedClass {
    return this.#mapping[number] as MappedClass;
  }

  #tell(
    source: Sid,
    target: Sid,
    tclass: number,
    { audited, denied, error }: Verdict,
    subject: AuditSubject,
    data: AuditData,
  ): void {
    const mapped = this.#class(tclass);
    const record = avcRecord({
      granted: !denied,
      permissions: namesIn(mapped, audited),
      subject,
      data,
      source: this.contextOf(source),
      target: this.contextOf(target),
      tclass: mapped.name,
      permissive: error === null,
    });
    this.#audit.record(RECORD.avc, record);
  }
}

/** A kernel refuses a policy that says so when it does not define all, or that has no context for what has none. */
function usable(loaded: LoadedPolicy, name: string): LoadedPolicy {
  const { policy, names } = loaded;
  if (!policy.initialSids.some(({ sid }) => sid === UNLABELED))
    throw new InputError(`policy ${name}: it has no context for the initial SID unlabeled`);
  const [missing] =
    policy.handleUnknown === "reject" ? undefinedIn(classMapping(policy, names)) : [];
  if (missing !== undefined)
    throw new InputError(
      `policy ${name}: it refuses to be loaded where it does not define all: ${missing}`,
    );
  return loaded;
}
