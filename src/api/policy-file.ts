/** A file with a policy: the kernel's binary format, versions 26 to 33, or the text of flat CIL. SELinux Project, "SELinux Common Intermediate Language (CIL) Reference Guide"; libsepol, policydb.h. */

import { InputError } from "../sim/assert.ts";
import type { LabelOfPath } from "../selinux/administration.ts";
import { compileCil, fileContexts } from "../selinux/cil/compile.ts";
import { FILE_KIND_NAMES, FILE_KINDS } from "../selinux/cil/file-systems.ts";
import { formatContext } from "../selinux/decisions/contexts.ts";
import { type LoadedPolicy, loadPolicy } from "../selinux/decisions/loaded-policy.ts";
import type { Policy } from "../selinux/policydb/policy.ts";
import { readPolicy } from "../selinux/policydb/read.ts";

/** Throws InputError: one line, which begins with the name. */
export const parsePolicy = (bytes: Uint8Array, name: string): Policy =>
  isBinary(bytes) ? readPolicy(bytes, name) : compileCil(textOf(bytes), name);

/** What a policy in CIL says of labels of files. Throws InputError. */
export function labelsOfPaths(bytes: Uint8Array, name: string): LabelOfPath {
  if (isBinary(bytes))
    throw new InputError(`${name}: a binary policy does not say which labels files have`);
  const loaded: LoadedPolicy = loadPolicy(compileCil(textOf(bytes), name));
  const contexts = fileContexts(textOf(bytes), name);
  return (path, tclass) => {
    const kind = FILE_KIND_NAMES.find((one) => FILE_KINDS[one] === tclass) ?? "any";
    const context = kind === "any" ? null : contexts.contextOf(path, kind);
    return context === null ? null : formatContext(loaded, context);
  };
}

/** POLICYDB_MAGIC: no text begins with it. */
const MAGIC = [0x8c, 0xff, 0x7c, 0xf9];

const isBinary = (bytes: Uint8Array): boolean =>
  bytes.length === 0 || MAGIC.some((byte, i) => bytes[i] === byte);

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
