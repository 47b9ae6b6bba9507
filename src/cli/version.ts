/** The version of the package that this is part of. */

import { existsSync, readFileSync } from "node:fs";

/** From the package.json next above, whether this runs from sources or from dist. */
export function versionOfPackage(): string {
  let folder = new URL("./", import.meta.url);
  for (;;) {
    const file = new URL("package.json", folder);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, "utf8")) as Package).version;
    const parent = new URL("../", folder);
    if (parent.href === folder.href) return "of unknown version";
    folder = parent;
  }
}

interface Package {
  readonly version: string;
}
