/** Files that come with the laws, whether they run from sources, are built, or lie in a bundle. */

import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "../../src/sim/assert.ts";

/** Where it is; named from the root of the package. */
export function shipped(name: string): string {
  let above = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(above, name))) {
    assert(path.dirname(above) !== above, `${name} comes with the laws`);
    above = path.dirname(above);
  }
  return path.join(above, name);
}
