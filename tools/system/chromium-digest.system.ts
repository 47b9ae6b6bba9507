/** The same set-up gives the same run in Node and in Chromium, digest by digest. Needs /usr/bin/chromium. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestsOfFixedRun } from "./browser-digest.ts";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PAGE = "<!doctype html><title>digests</title>";
/** Evaluated in the page, where the bundle is a module of the same origin. */
const ASK = `import("/digest.js").then((module) => module.digestsOfFixedRun())`;

let browser: Browser;
let server: Server;

beforeAll(async () => {
  const bundle = await bundleForBrowsers();
  server = createServer((request, response) => {
    const isBundle = request.url === "/digest.js";
    response.setHeader("content-type", isBundle ? "text/javascript" : "text/html");
    response.end(isBundle ? bundle : PAGE);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

test("a fixed run has the same digests in Node and in Chromium", async () => {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const inChromium: unknown = await page.evaluate(ASK);
  const inNode = digestsOfFixedRun();
  expect(problems).toEqual([]);
  // 40 epochs, the end and four moments, and no two alike: something did happen.
  expect(inNode).toHaveLength(45);
  expect(new Set(inNode).size).toBe(45);
  expect(inChromium).toEqual(inNode);
});

/** One module without imports, kept in memory. */
async function bundleForBrowsers(): Promise<string> {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const built = await build({
    configFile: false,
    root: folder,
    logLevel: "error",
    build: {
      write: false,
      target: "es2023",
      lib: { entry: path.join(folder, "browser-digest.ts"), formats: ["es"], fileName: "digest" },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) =>
    "output" in one ? one.output : [],
  );
  const chunks = outputs.flatMap((output) => (output.type === "chunk" ? [output] : []));
  expect(chunks).toHaveLength(1);
  expect(chunks[0]?.imports).toEqual([]);
  return chunks[0]?.code ?? "";
}
