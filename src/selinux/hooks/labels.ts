/** What SELinux keeps with objects, and classes of objects. Linux, security/selinux/include/objsec.h; classmap.h. */

import type { File } from "../../linux/fs/file.ts";
import type { Inode, InodeKind } from "../../linux/fs/inode.ts";
import type { Blob, Labelled } from "../../linux/security/blob.ts";
import type { Process } from "../../linux/process.ts";
import type { AuditData, AuditSubject, Sid } from "../security-server.ts";

/** Of a process: what it is, and what its next program and the files and sockets it makes will be; 0 where nothing was said. */
export interface TaskLabel {
  readonly [name: string]: number;
  readonly sid: Sid;
  readonly exec: Sid;
  readonly create: Sid;
  readonly sockcreate: Sid;
}

/** Of an open file: of whom, and what it was when its opening was granted; 0 where nobody was asked. */
interface FileLabel {
  readonly [name: string]: number;
  readonly sid: Sid;
  readonly isid: Sid;
  readonly sequence: number;
}

export const taskLabel = (sid: Sid): TaskLabel => ({ sid, exec: 0, create: 0, sockcreate: 0 });

/** SECINITSID_UNLABELED, where the module was not there when an object was made. */
const UNLABELED: Sid = 3;

export const sidOf = ({ security }: Labelled): Sid => security?.["sid"] ?? UNLABELED;
/** Of a socket: who it is connected to. */
export const peerOf = ({ security }: Labelled): Sid => security?.["peer"] ?? UNLABELED;
export const taskOf = (process: Process): TaskLabel =>
  (process.security as TaskLabel | null) ?? taskLabel(UNLABELED);
export const fileOf = ({ security }: File): FileLabel =>
  (security as FileLabel | null) ?? { sid: UNLABELED, isid: 0, sequence: 0 };
export const sidBlob = (sid: Sid): Blob => ({ sid });

const CLASSES: Readonly<Record<InodeKind, string>> = {
  file: "file",
  directory: "dir",
  character: "chr_file",
  fifo: "fifo_file",
  "socket-node": "sock_file",
  socket: "unix_stream_socket",
  anonymous: "anon_inode",
};

export const classOf = (kind: InodeKind): string => CLASSES[kind];

export const subjectOf = ({ pid, comm }: Process): AuditSubject => ({ pid, comm });

/** Of what is known by a name in a directory: its name. */
export const nodeData = ({ name, number }: Inode): AuditData => [
  ["name", name],
  ["ino", number],
];
export const pathData = (path: string, { number }: Inode): AuditData => [
  ["path", path],
  ["ino", number],
];
