/** dup(2): nobody is asked. */

import { isErrno } from "../errno.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const dup = systemCall("dup", [], (kernel, by, { fd }: OnDescriptor) => {
  const opened = kernel.opened(by, fd);
  return isErrno(opened) ? opened : kernel.install(by, opened.file.number);
});
