/** Processes: their programs, signals, tracers and attributes. Linux, security/selinux/hooks.c, selinux_bprm_creds_for_exec, selinux_task_kill, selinux_setprocattr. Inherited signals and limits, and programs on file systems without setuid, are not modelled. */

import type { Process } from "../../linux/process.ts";
import { SIG } from "../../linux/syscalls/kill.ts";
import type { Attribute, Program, Refusal, SecurityModule } from "../../linux/security/security.ts";
import type { Sid } from "../security-server.ts";
import { type Checks, usesOf } from "./checks.ts";
import { pathData, sidOf, subjectOf, type TaskLabel, taskLabel, taskOf } from "./labels.ts";

type Hooks = Pick<
  SecurityModule,
  | "bprmCredsForExec"
  | "bprmCommittingCreds"
  | "taskAlloc"
  | "taskKill"
  | "ptraceAccessCheck"
  | "getprocattr"
  | "setprocattr"
>;

const SIGNALS: Readonly<Record<number, string>> = {
  0: "signull",
  [SIG.CHLD]: "sigchld",
  [SIG.KILL]: "sigkill",
  [SIG.STOP]: "sigstop",
};

const SETS: Readonly<Record<Attribute, string>> = {
  current: "setcurrent",
  exec: "setexec",
  fscreate: "setfscreate",
  sockcreate: "setsockcreate",
};

export const processHooks = (checks: Checks): Hooks => ({
  bprmCredsForExec: (by, program) => prepare(checks, by, program),

  bprmCommittingCreds(by, { security }, opened) {
    const next = { ...by, security };
    if (sidOf(next) === sidOf(by)) return null;
    return checks.file(next, opened, usesOf(opened.file));
  },

  taskAlloc: (by) => checks.self(by, "process", "fork"),
  taskKill: (by, target, signal) =>
    checks.ask(by, sidOf(target), "process", [SIGNALS[signal] ?? "signal"], []),
  ptraceAccessCheck: (by, child) => checks.ask(by, sidOf(child), "process", ["ptrace"], []),

  getprocattr(by, of, name) {
    const refused = by === of ? null : checks.ask(by, sidOf(of), "process", ["getattr"], []);
    if (refused !== null) return refused;
    const sid = attributeOf(taskOf(of), name);
    return { value: sid === 0 ? "" : checks.server.contextOf(sid) };
  },

  setprocattr(by, name, value, tracer) {
    const refused = checks.self(by, "process", SETS[name]);
    if (refused !== null) return refused;
    const sid = value === "" ? 0 : checks.server.sidOf(value);
    if (sid === null) return "EINVAL";
    if (name === "current") return changeDomain(checks, by, sid, tracer);
    const key = name === "fscreate" ? "create" : name;
    by.security = { ...taskOf(by), [key]: sid };
    return null;
  },
});

function attributeOf({ sid, exec, create, sockcreate }: TaskLabel, name: Attribute): Sid {
  return { current: sid, exec, fscreate: create, sockcreate }[name];
}

/** What the task said, or a transition; what it said of files and sockets is forgotten. */
function prepare(checks: Checks, by: Process, program: Program): Refusal {
  const { server } = checks;
  const { inode, path, tracer } = program;
  const { sid: old, exec } = taskOf(by);
  const sid = exec === 0 ? server.transition(old, sidOf(inode), "process") : exec;
  if (sid === null) return "EACCES";
  program.security = taskLabel(sid);
  const data = pathData(path, inode);
  if (sid === old) return checks.ask(by, sidOf(inode), "file", ["execute_no_trans"], data);
  const refused =
    checks.ask(by, sid, "process", ["transition"], data) ??
    server.check(sid, sidOf(inode), "file", ["entrypoint"], subjectOf(by), data);
  if (refused !== null) return refused;
  if (tracer !== null && mayTrace(checks, tracer, sid) !== null) return "EPERM";
  program.isSecure = checks.ask(by, sid, "process", ["noatsecure"], []) !== null;
  return null;
}

const mayTrace = (checks: Checks, tracer: Process, sid: Sid): Refusal =>
  checks.ask(tracer, sid, "process", ["ptrace"], []);

/** Of a process with one thread. */
function changeDomain(checks: Checks, by: Process, sid: Sid, tracer: Process | null): Refusal {
  if (sid === 0) return "EINVAL";
  const refused =
    checks.ask(by, sid, "process", ["dyntransition"], []) ??
    (tracer === null ? null : mayTrace(checks, tracer, sid));
  if (refused !== null) return refused;
  by.security = { ...taskOf(by), sid };
  return null;
}
