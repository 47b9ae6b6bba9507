/** close(2): nobody is asked. */

import { type OnDescriptor, systemCall } from "./system-call.ts";

export const close = systemCall(
  "close",
  [],
  (kernel, by, { fd }: OnDescriptor) => kernel.close(by, fd) ?? 0,
);
