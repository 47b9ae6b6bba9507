/** Stream sockets of the unix domain: who uses one is asked about the socket, and a connection about both ends. Linux, security/selinux/hooks.c, selinux_socket_create, sock_has_perm, selinux_socket_unix_stream_connect. */

import type { Process } from "../../linux/process.ts";
import type { Refusal, SecurityModule } from "../../linux/security/security.ts";
import type { Socket } from "../../linux/unix/socket.ts";
import type { SecurityServer, Sid } from "../security-server.ts";
import type { Checks } from "./checks.ts";
import { peerOf, sidBlob, sidOf, subjectOf, taskOf } from "./labels.ts";

type Hooks = Pick<
  SecurityModule,
  | "socketCreate"
  | "socketPostCreate"
  | "socketBind"
  | "socketListen"
  | "socketAccept"
  | "socketConnect"
  | "socketSendmsg"
  | "socketRecvmsg"
  | "socketGetsockopt"
  | "unixStreamConnect"
  | "sockGraft"
  | "socketGetpeersecStream"
>;

const CLASS = "unix_stream_socket";

export function unixHooks(checks: Checks): Hooks {
  const { server } = checks;
  const uses =
    (permission: string) =>
    (by: Process, socket: Socket): Refusal =>
      sidOf(socket) === server.initialSid("kernel")
        ? null
        : checks.ask(by, sidOf(socket), CLASS, [permission], []);
  return {
    socketCreate(by) {
      const sid = newSocketSid(server, by);
      return sid === null ? "EACCES" : checks.ask(by, sid, CLASS, ["create"], []);
    },
    socketPostCreate(by, inode, socket) {
      inode.security = sidBlob(newSocketSid(server, by) ?? server.initialSid("unlabeled"));
      socket.security = inode.security;
      return null;
    },
    socketBind: uses("bind"),
    socketListen: uses("listen"),
    socketAccept: uses("accept"),
    socketConnect: uses("connect"),
    socketSendmsg: uses("write"),
    socketRecvmsg: uses("read"),
    socketGetsockopt: uses("getopt"),

    unixStreamConnect(by, socket, listening, accepted) {
      const [own, other] = [sidOf(socket), sidOf(listening)];
      const refused = server.check(own, other, CLASS, ["connectto"], subjectOf(by), []);
      if (refused !== null) return refused;
      const sid = withRangeOf(server, other, own);
      if (sid === null) return "EACCES";
      accepted.security = { sid, peer: own };
      socket.security = { sid: own, peer: sid };
      return null;
    },

    sockGraft(socket, inode) {
      inode.security = sidBlob(sidOf(socket));
      return null;
    },

    socketGetpeersecStream: (socket) =>
      socket.peer === null ? null : server.contextOf(peerOf(socket)),
  };
}

function newSocketSid(server: SecurityServer, by: Process): Sid | null {
  const { sid, sockcreate } = taskOf(by);
  return sockcreate === 0 ? server.transition(sid, sid, CLASS) : sockcreate;
}

/** security_sid_mls_copy: the first context with the range of the other. */
function withRangeOf(server: SecurityServer, of: Sid, range: Sid): Sid | null {
  const from = server.contextOf(range).split(":").slice(3);
  if (from.length === 0) return of;
  return server.sidOf([...server.contextOf(of).split(":").slice(0, 3), ...from].join(":"));
}
