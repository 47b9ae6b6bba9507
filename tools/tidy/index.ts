/** All rules, and the files they look at. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileCitations, fileDocumentation, lawCitations } from "./citations.ts";
import { determinism } from "./determinism.ts";
import { habits } from "./habits.ts";
import { lawsHaveAnIndex, lawsIndex } from "./laws-index.ts";
import { knownLayers, layers } from "./layers.ts";
import { fileLength, functionLength } from "./lengths.ts";
import type { Finding, Rule, Source } from "./source.ts";
import { words } from "./words.ts";

export const RULES: readonly Rule[] = [
  knownLayers,
  layers,
  determinism,
  fileLength,
  functionLength,
  fileDocumentation,
  fileCitations,
  lawCitations,
  words,
  lawsIndex,
  lawsHaveAnIndex,
  habits,
];

/** Made by tools or by others, never written here. */
const NOT_OURS = new Set(["node_modules", "dist", ".git", ".report", ".kvmsim"]);
const SIZE_BYTES_MAX = 1_000_000;

/** Every text file under `root`, in the order of its path. */
export function readSources(root: string): readonly Source[] {
  const sources: Source[] = [];
  const descend = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const at = path.posix.join(folder, entry.name);
      if (NOT_OURS.has(entry.name)) continue;
      if (entry.isDirectory()) descend(at);
      else if (entry.isFile()) {
        const source = readSource(root, at);
        if (source !== undefined) sources.push(source);
      }
    }
  };
  descend("");
  return sources.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

export function checkRule(rule: Rule, sources: readonly Source[]): readonly Finding[] {
  return sources
    .filter(({ path: at }) => rule.looksAt(at))
    .flatMap((source) => rule.check(source, sources));
}

function readSource(root: string, at: string): Source | undefined {
  const file = path.join(root, at);
  if (statSync(file).size > SIZE_BYTES_MAX) return undefined;
  const text = readFileSync(file, "utf8");
  return text.includes("\0") ? undefined : { path: at, text };
}
