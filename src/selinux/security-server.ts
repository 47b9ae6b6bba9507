/** What the hooks ask of whoever decides: security identifiers, and answers about them. Linux, security/selinux/include/security.h and avc.h. */

/** Stands for a context; the kernel's initial ones have fixed numbers. */
export type Sid = number;

/** What is said of the object in an audit record: name and value as in avc records, `path`, `dev`, `ino`, `ioctlcmd`, in their order. */
export type AuditData = readonly (readonly [name: string, value: string | number])[];

/** Who asks: for the record. */
export interface AuditSubject {
  readonly pid: number;
  readonly comm: string;
}

export interface SecurityServer {
  /** Goes up with each load of a policy and each commit of booleans. */
  readonly sequence: number;
  readonly enforcing: boolean;
  /** Of the kernel's initial SIDs by name: `kernel`, `unlabeled`, `file`, `devnull` and so on. */
  initialSid(name: string): Sid;
  /** Null when the policy has no such context. */
  sidOf(context: string): Sid | null;
  contextOf(sid: Sid): string;
  /** 0, or -EACCES when it is denied and enforced. Names of classes and permissions are those of the policy. */
  check(
    source: Sid,
    target: Sid,
    tclass: string,
    permissions: readonly string[],
    subject: AuditSubject,
    data: AuditData,
  ): "EACCES" | null;
  /** The permission `ioctl`, and the command (16 bits) as an extended permission. */
  checkIoctl(
    source: Sid,
    target: Sid,
    tclass: string,
    command: number,
    subject: AuditSubject,
    data: AuditData,
  ): "EACCES" | null;
  /** The context of a new process or object; null when it would not be valid and that is enforced: EACCES. */
  transition(source: Sid, target: Sid, tclass: string, name?: string): Sid | null;
  /** validatetrans: whether an object of `old` may become `next` by the task. */
  validateTransition(old: Sid, next: Sid, task: Sid, tclass: string): "EPERM" | null;
  /** Whether the type of `next` is bounded by that of `old`, for a change of domain in a thread. */
  isBounded(old: Sid, next: Sid): boolean;
  /** How files of a file system get their labels. */
  fsUse(filesystem: string): FsUse;
  /** Of a file of a file system without labels. */
  genfsSid(filesystem: string, path: string, tclass: string): Sid;
}

export interface FsUse {
  readonly behavior: "xattr" | "transition" | "task" | "genfs" | "none" | "native";
  readonly sid: Sid;
}
