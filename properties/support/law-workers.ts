/** Workers for tests: what Node loads is what the compiler emitted, else a bundle made of the sources. */

import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

/** A worker that knows the planted laws; a bundle goes to `folder`. */
export async function plantedWorker(folder: string): Promise<URL> {
  const emitted = new URL("./planted-worker.js", import.meta.url);
  if (existsSync(emitted)) return emitted;
  const rollupOptions = {
    input: fileURLToPath(new URL("./planted-worker.ts", import.meta.url)),
    output: { entryFileNames: "planted-worker.js" },
  };
  await build({
    configFile: false,
    logLevel: "error",
    ssr: { noExternal: true },
    build: { ssr: true, target: "node20", outDir: folder, rollupOptions },
  });
  return new URL("planted-worker.js", `${pathToFileURL(folder).href}/`);
}
