/** exit(2): nobody is asked. */

import { systemCall } from "./system-call.ts";

export const exit = systemCall("exit", [], (kernel, by, _given: null) => {
  kernel.end(by);
  return 0;
});
