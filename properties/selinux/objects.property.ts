/** Laws of labels of new objects, mappings, sockets and tun interfaces under SELinux. */

import fc from "fast-check";
import { isErrno } from "../../src/linux/errno.ts";
import { O } from "../../src/linux/fs/file.ts";
import type { Kernel } from "../../src/linux/kernel.ts";
import { PROT } from "../../src/linux/mm/mapping.ts";
import { load, store } from "../../src/linux/mm/mappings.ts";
import { TUNSETIFF, TUNSETPERSIST, tunOf } from "../../src/linux/net/tun-device.ts";
import { call } from "../../src/linux/syscalls/index.ts";
import { selinuxModule } from "../../src/selinux/hooks/index.ts";
import { contextOf, FakeSecurityServer, rule, type Rule } from "../support/fake-security-server.ts";
import { newKernel, succeed } from "../support/host-kernel.ts";
import { law } from "../support/law.ts";

const HOOKS = "Linux, security/selinux/hooks.c";
const LABELS = { "/d": "d", "/run": "run", "/d/a": "image" };
const SELINUX = "security.selinux";

/** Which rules are denied, of those that a law is about. */
const anyDenied = (rules: readonly Rule[]) => fc.subarray([...rules]);

law("a-new-object-has-the-label-of-its-task-or-of-a-transition", {
  says: "A new node has the label that its task asked for, else that of a transition, else its directory's; it is made exactly when the task may add a name, may create such an object, and the object may be in the file system. A memfd is a file of tmpfs by transition, and is nobody's question until it is used. A program forgets what was asked for.",
  cites: `${HOOKS}, may_create, selinux_inode_init_security; The SELinux Notebook, Labeling Objects`,
  forAll: {
    kind: fc.constantFrom("file", "fifo", "directory"),
    hasTransition: fc.boolean(),
    asked: fc.option(fc.constantFrom("special", "nobody")),
    runsProgram: fc.boolean(),
    denied: anyDenied([
      rule("red", "d", "dir", "add_name"),
      rule("red", "d", "dir", "write"),
      rule("red", "special", "file", "create"),
      rule("red", "made", "fifo_file", "create"),
      rule("red", "d", "dir", "create"),
      rule("red", "made", "file", "create"),
      rule("made", "ext4", "filesystem", "associate"),
      rule("special", "ext4", "filesystem", "associate"),
      rule("red", "red", "process", "setfscreate"),
    ]),
  },
  runs: 600,
  holds: ({ kind, hasTransition, asked, runsProgram, denied }) => {
    const tclass = { file: "file", fifo: "fifo_file", directory: "dir" }[kind];
    const rows = hasTransition ? { [`red d:${tclass}`]: "made" } : {};
    const { kernel, server, red } = newHost({ ...rows, "red tmpfs:file": "red_tmpfs" });
    deny(server, denied);
    const may = (...needs: readonly Rule[]): boolean => !needs.some((one) => denied.includes(one));
    const given = { attribute: "fscreate", value: contextOf(asked ?? "") } as const;
    const isAsked = asked === null ? false : call(kernel, red, "setprocattr", given);
    const wanted = may(rule("red", "red", "process", "setfscreate"))
      ? { special: given.value.length, nobody: "EINVAL" }
      : { special: "EACCES", nobody: "EACCES" };
    if (asked !== null) equal(isAsked, wanted[asked], "fscreate");
    if (runsProgram) succeed(kernel, red, "execve", { path: "/bin/program" });
    const isSpecial = asked === "special" && !isErrno(isAsked) && !runsProgram;
    const label = isSpecial ? "special" : hasTransition ? "made" : "d";
    const isAllowed = may(
      rule("red", "d", "dir", "write"),
      rule("red", "d", "dir", "add_name"),
      rule("red", label, tclass, "create"),
      rule(label, "ext4", "filesystem", "associate"),
    );
    const path = "/d/new";
    const answer =
      kind === "directory"
        ? call(kernel, red, "mkdir", { path })
        : call(kernel, red, "mknod", { path, kind, driver: null });
    equal(answer, isAllowed ? 0 : "EACCES", "mknod");
    if (isAllowed) equal(labelOf(kernel, red, path), contextOf(label), "label");
    const fd = succeed(kernel, red, "memfd_create", { name: "x" });
    const memfd = succeed(kernel, red, "getxattr", { fd, name: SELINUX }).value;
    equal(memfd, contextOf("red_tmpfs"), "memfd");
  },
});

law("a-mapping-survives-a-new-label", {
  says: "A mapping that was granted is read and written after the file was given a label that denies all; a new mapping is refused, and so is mprotect for what is asked anew. Code in pages that were written needs execmod, and pages both written and private that become code need execmem.",
  cites: `${HOOKS}, selinux_mmap_file, selinux_file_mprotect`,
  forAll: {
    isShared: fc.boolean(),
    isModified: fc.boolean(),
    becomes: fc.constantFrom(PROT.READ, PROT.READ | PROT.EXEC, 7),
    denied: anyDenied([
      ...["map", "read", "write", "execute", "execmod"].map((one) =>
        rule("red", "secret", "file", one),
      ),
      rule("red", "red", "process", "execmem"),
    ]),
  },
  runs: 600,
  holds: ({ isShared, isModified, becomes, denied }) => {
    const { kernel, server, red } = newHost();
    const fd = succeed(kernel, red, "open", { path: "/d/a", flags: O.RDWR });
    const mapping = { fd, bytes: 4, offset: 0, prot: PROT.READ | PROT.WRITE, isShared };
    const address = succeed(kernel, red, "mmap", mapping);
    const process = kernel.process(red);
    if (process === null) throw new Error("it is not over");
    succeed(kernel, red, "setxattr", { path: "/d/a", name: SELINUX, value: contextOf("secret") });
    deny(server, denied);
    if (isModified) equal(store(kernel, process, address, 7), true, "store");
    equal(load(kernel, process, address), isModified ? 7 : "/".charCodeAt(0), "load");
    const may = (...names: readonly string[]): boolean =>
      names.every((one) => !denied.includes(rule("red", "secret", "file", one)));
    const execmem = !denied.includes(rule("red", "red", "process", "execmem"));
    const [writes, executes] = [(becomes & PROT.WRITE) !== 0, (becomes & PROT.EXEC) !== 0];
    const uses = [
      "read",
      ...(writes && isShared ? ["write"] : []),
      ...(executes ? ["execute"] : []),
    ];
    const isCode = execmem || !(executes && writes && !isShared);
    const isOwn = isModified && !isShared;
    const mayChange = may(...uses) && isCode && (!executes || !isOwn || may("execmod"));
    const answers = [
      call(kernel, red, "mprotect", { address, prot: becomes }),
      call(kernel, red, "mmap", { ...mapping, prot: becomes }),
    ].map((answer) => (isErrno(answer) ? answer : "done"));
    const wanted = [mayChange, may("map", ...uses) && isCode].map((one) =>
      one ? "done" : "EACCES",
    );
    equal(answers.join(" "), wanted.join(" "), "mprotect and mmap");
  },
});

law("a-unix-connection-asks-about-the-node-and-both-ends", {
  says: "A connection is made exactly when the task may use its own socket, may write the node, and its socket may connect to the listening one. The accepted socket has the type of the listening one and the range of the other end, which each end is told of.",
  cites: `${HOOKS}, selinux_socket_unix_stream_connect, selinux_sock_graft`,
  forAll: {
    ranges: fc.tuple(fc.constantFrom("s0", "s0:c1"), fc.constantFrom("s0", "s0:c2,c3")),
    sockcreate: fc.boolean(),
    denied: anyDenied([
      rule("red", "red", "unix_stream_socket", "connect"),
      rule("red", "run", "sock_file", "write"),
      rule("red", "blue", "unix_stream_socket", "connectto"),
      rule("red", "special", "unix_stream_socket", "connect"),
      rule("special", "blue", "unix_stream_socket", "connectto"),
      rule("red", "special", "unix_stream_socket", "create"),
      rule("blue", "blue", "unix_stream_socket", "accept"),
    ]),
  },
  runs: 600,
  holds: ({ ranges, sockcreate, denied }) => {
    const { kernel, server, red, blue } = newHost({}, ranges);
    const listening = succeed(kernel, blue, "socket", null);
    succeed(kernel, blue, "bind", { fd: listening, path: "/run/socket" });
    succeed(kernel, blue, "listen", { fd: listening, backlog: 1 });
    const own = sockcreate ? "special" : "red";
    const value = contextOf("special", ranges[0]);
    if (sockcreate) succeed(kernel, red, "setprocattr", { attribute: "sockcreate", value });
    deny(server, denied);
    const may = (...needs: readonly Rule[]): boolean => !needs.some((one) => denied.includes(one));
    const fd = call(kernel, red, "socket", null);
    const isMade = may(rule("red", own, "unix_stream_socket", "create"));
    equal(isErrno(fd) ? fd : "done", isMade ? "done" : "EACCES", "socket");
    if (isErrno(fd)) return;
    const isAllowed = may(
      rule("red", own, "unix_stream_socket", "connect"),
      rule("red", "run", "sock_file", "write"),
      rule(own, "blue", "unix_stream_socket", "connectto"),
    );
    const answer = call(kernel, red, "connect", { fd, path: "/run/socket" });
    equal(answer, isAllowed ? 0 : "EACCES", "connect");
    const accepted = call(kernel, blue, "accept", { fd: listening });
    const mayAccept = may(rule("blue", "blue", "unix_stream_socket", "accept"));
    const got = isErrno(accepted) ? accepted : "done";
    equal(got, !mayAccept ? "EACCES" : isAllowed ? "done" : "EAGAIN", "accept");
    if (isErrno(accepted)) return;
    const mixed = contextOf("blue", ranges[0]);
    equal(succeed(kernel, red, "getsockopt", { fd }).value, mixed, "its peer");
    const peer = succeed(kernel, blue, "getsockopt", { fd: accepted }).value;
    equal(peer, contextOf(own, ranges[0]), "the other's peer");
    const name = SELINUX;
    equal(succeed(kernel, blue, "getxattr", { fd: accepted, name }).value, mixed, "accepted");
  },
});

law("a-tun-interface-becomes-that-of-who-opens-it", {
  says: "A new interface needs the right to create one; one that is there needs the right to relabel it from what it is to what the task is, and has the task's label from then on, also when another still has it. It goes with its last descriptor unless it is persistent.",
  cites: `${HOOKS}, selinux_tun_dev_open; Linux, drivers/net/tun.c, tun_set_iff`,
  forAll: {
    isPersistent: fc.boolean(),
    isClosed: fc.boolean(),
    denied: anyDenied([
      rule("red", "red", "tun_socket", "create"),
      rule("red", "blue", "tun_socket", "relabelfrom"),
      rule("red", "red", "tun_socket", "relabelto"),
    ]),
  },
  holds: ({ isPersistent, isClosed, denied }) => {
    const { kernel, server, red, blue } = newHost();
    const first = openTun(kernel, blue);
    const tap = { command: TUNSETIFF, argument: "tap0" };
    succeed(kernel, blue, "ioctl", { ...tap, fd: first });
    const persist = { fd: first, command: TUNSETPERSIST, argument: Number(isPersistent) };
    succeed(kernel, blue, "ioctl", persist);
    if (isClosed) succeed(kernel, blue, "close", { fd: first });
    deny(server, denied);
    const may = (...needs: readonly Rule[]): boolean => !needs.some((one) => denied.includes(one));
    const isThere = isPersistent || !isClosed;
    const mayOpen = isThere
      ? may(
          rule("red", "blue", "tun_socket", "relabelfrom"),
          rule("red", "red", "tun_socket", "relabelto"),
        )
      : may(rule("red", "red", "tun_socket", "create"));
    const fd = openTun(kernel, red);
    const answer = call(kernel, red, "ioctl", { ...tap, fd });
    equal(answer, !mayOpen ? "EACCES" : isClosed ? 0 : "EBUSY", "TUNSETIFF");
    const sid = tunOf(kernel, "tap0")?.security?.["sid"] ?? null;
    const wanted = mayOpen ? "red" : isThere ? "blue" : null;
    equal(sid === null ? null : server.typeOf(sid), wanted, "label");
  },
});

law("who-may-look-into-a-process-or-change-its-own-domain", {
  says: "A tracer is asked about ptrace, and is asked again about a domain that its tracee changes into, by a program (EPERM) or by itself; a change by itself needs setcurrent and dyntransition. To read the attributes of another process needs getattr, one's own nothing.",
  cites: `${HOOKS}, selinux_setprocattr, selinux_bprm_creds_for_exec`,
  forAll: {
    isTraced: fc.boolean(),
    byProgram: fc.boolean(),
    denied: anyDenied([
      rule("blue", "red", "process", "ptrace"),
      rule("blue", "green", "process", "ptrace"),
      rule("red", "red", "process", "setcurrent"),
      rule("red", "green", "process", "dyntransition"),
      rule("red", "green", "process", "transition"),
      rule("blue", "green", "process", "getattr"),
      rule("blue", "red", "process", "getattr"),
    ]),
  },
  runs: 300,
  holds: ({ isTraced, byProgram, denied }) => {
    const { kernel, server, red, blue } = newHost({ "red program:process": "green" });
    deny(server, denied);
    const may = (...needs: readonly Rule[]): boolean => !needs.some((one) => denied.includes(one));
    const mayTrace = may(rule("blue", "red", "process", "ptrace"));
    if (isTraced)
      equal(call(kernel, blue, "ptrace", { pid: red }), mayTrace ? 0 : "EACCES", "ptrace");
    const isWatched = isTraced && mayTrace;
    const tracerMay = !isWatched || may(rule("blue", "green", "process", "ptrace"));
    const value = contextOf("green");
    const answer = byProgram
      ? call(kernel, red, "execve", { path: "/bin/program" })
      : call(kernel, red, "setprocattr", { attribute: "current", value });
    const mayChange = byProgram
      ? may(rule("red", "green", "process", "transition"))
      : may(
          rule("red", "red", "process", "setcurrent"),
          rule("red", "green", "process", "dyntransition"),
        );
    const done = byProgram ? 0 : value.length;
    const refused = !mayChange ? "EACCES" : byProgram ? "EPERM" : "EACCES";
    equal(answer, mayChange && tracerMay ? done : refused, "the change");
    const type = mayChange && tracerMay ? "green" : "red";
    const attribute = { pid: red, attribute: "current" } as const;
    equal(succeed(kernel, red, "getprocattr", attribute).value, contextOf(type), "own");
    const seen = call(kernel, blue, "getprocattr", attribute);
    const mayLook = may(rule("blue", type, "process", "getattr"));
    equal(isErrno(seen) ? seen : seen.value, mayLook ? contextOf(type) : "EACCES", "another's");
  },
});

law("a-child-is-what-its-parent-is", {
  says: "A child has its parent's label, what its parent asked for, and its parent's open files with their positions; it is made exactly when a process of that label may fork. What either closes or becomes is its own.",
  cites: `${HOOKS}, selinux_task_alloc, selinux_cred_prepare; Linux, fork(2)`,
  forAll: { mayFork: fc.boolean(), exec: fc.constantFrom("", contextOf("green")) },
  runs: 30,
  holds: ({ mayFork, exec }) => {
    const { kernel, server, red } = newHost();
    const fd = succeed(kernel, red, "open", { path: "/d/a", flags: O.RDONLY });
    succeed(kernel, red, "setprocattr", { attribute: "exec", value: exec });
    if (!mayFork) deny(server, [rule("red", "red", "process", "fork")]);
    const child = call(kernel, red, "fork", null);
    equal(isErrno(child) ? child : "done", mayFork ? "done" : "EACCES", "fork");
    if (isErrno(child)) return;
    succeed(kernel, red, "read", { fd, count: 2 });
    const [byte] = succeed(kernel, child, "read", { fd, count: 1 });
    equal(byte, "/d/a".charCodeAt(2), "the position");
    succeed(kernel, child, "execve", { path: "/bin/program" });
    for (const [pid, type] of [
      [red, "red"],
      [child, exec === "" ? "red" : "green"],
    ] as const) {
      const { value } = succeed(kernel, pid, "getprocattr", { pid, attribute: "current" });
      equal(value, contextOf(type), "the label");
    }
    succeed(kernel, red, "close", { fd });
    equal(succeed(kernel, child, "read", { fd, count: 1 }).length, 1, "a file of its own");
  },
});

// Helpers

interface Host {
  readonly kernel: Kernel;
  readonly server: FakeSecurityServer;
  readonly red: number;
  readonly blue: number;
}

/** Two tasks; nothing is denied yet. */
function newHost(
  transitions: Readonly<Record<string, string>> = {},
  [red, blue]: readonly [string, string] = ["s0", "s0"],
): Host {
  const server = new FakeSecurityServer(transitions);
  const labels = { ...LABELS, "/bin/program": "program" };
  const contexts = Object.entries(labels).map(([path, type]) => [path, contextOf(type)]);
  const { kernel } = newKernel(selinuxModule(server), Object.fromEntries(contexts));
  return {
    kernel,
    server,
    red: kernel.newProcess("red", server.task("red", red)).pid,
    blue: kernel.newProcess("blue", server.task("blue", blue)).pid,
  };
}

function deny(server: FakeSecurityServer, denied: readonly Rule[]): void {
  const { sequence } = server.policy;
  server.policy = { denied, sequence: sequence + 1, enforcing: true };
}

const labelOf = (kernel: Kernel, pid: number, path: string): string | null =>
  succeed(kernel, pid, "getxattr", { path, name: SELINUX }).value;

const openTun = (kernel: Kernel, pid: number): number =>
  succeed(kernel, pid, "open", { path: "/dev/tun", flags: O.RDWR });

function equal(seen: unknown, wanted: unknown, what: string): void {
  if (seen !== wanted) throw new Error(`${what}: ${String(seen)}, not ${String(wanted)}`);
}
