/** All files of a domain get their labels, or none does. libvirt, src/security/security_selinux.c, virSecuritySELinuxTransactionCommit. */

import type { FileLabel } from "./domain-labels.ts";
import {
  checkLabel,
  type FileUser,
  type LabelledFiles,
  restoreLabel,
  setLabel,
} from "./file-labels.ts";

/** In their order, which is that of the paths everywhere. Throws InputError for the first that cannot be labelled; then all are as they were. */
export function setLabels(
  files: LabelledFiles,
  user: FileUser,
  labels: readonly FileLabel[],
): void {
  for (const { path, label } of labels) checkLabel(files, user, path, label);
  const done: string[] = [];
  try {
    for (const { path, label } of labels) {
      setLabel(files, user, path, label);
      done.push(path);
    }
  } catch (error) {
    restoreLabels(files, user, done);
    throw error;
  }
}

/** The last first. */
export function restoreLabels(
  files: LabelledFiles,
  user: FileUser,
  paths: readonly string[],
): void {
  for (const path of paths.toReversed()) restoreLabel(files, user, path);
}
