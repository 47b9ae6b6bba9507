/** What a tidy rule looks at: one file of the repository, its syntax tree made on demand. */

import { type Comment, type ParseResult, parseSync, visitorKeys } from "oxc-parser";

export interface Source {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface Rule {
  readonly name: string;
  /** Which files the rule is about. A rule that finds none of its kind has checked nothing. */
  readonly looksAt: (path: string) => boolean;
  readonly check: (source: Source, everything: readonly Source[]) => readonly Finding[];
}

/** A node of the ESTree that oxc-parser returns, read structurally. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Syntax {
  readonly program: Node;
  readonly comments: readonly Comment[];
}

const parsed = new WeakMap<Source, Syntax>();

/** Throws when the file is not valid TypeScript: no rule can vouch for it then. */
export function syntaxOf(source: Source): Syntax {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  const result: ParseResult = parseSync(source.path, source.text);
  const error = result.errors[0];
  if (error !== undefined) throw new Error(`${source.path}: ${error.message}`);
  const syntax: Syntax = {
    program: result.program as unknown as Node,
    comments: result.comments,
  };
  parsed.set(source, syntax);
  return syntax;
}

/** Calls `visit` for `node` and everything below it, parents first. */
export function walk(node: Node, visit: (node: Node, parents: readonly Node[]) => void): void {
  const parents: Node[] = [];
  const descend = (current: Node): void => {
    visit(current, parents);
    parents.push(current);
    for (const key of visitorKeys[current.type] ?? []) {
      const child = current[key];
      for (const next of Array.isArray(child) ? child : [child]) {
        if (isNode(next)) descend(next);
      }
    }
    parents.pop();
  };
  descend(node);
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

export function lineAt(source: Source, offset: number): number {
  let line = 1;
  for (let at = source.text.indexOf("\n"); at !== -1 && at < offset; ) {
    line += 1;
    at = source.text.indexOf("\n", at + 1);
  }
  return line;
}

export function findingAt(source: Source, offset: number, message: string): Finding {
  return { path: source.path, line: lineAt(source, offset), message };
}

export function lineCount(text: string): number {
  const lines = text.split("\n").length;
  return text.endsWith("\n") ? lines - 1 : lines;
}

/** The text of a string literal or of a template without holes; undefined for anything else. */
export function literalText(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node.type !== "TemplateLiteral") return undefined;
  const quasis = node["quasis"];
  if (!Array.isArray(quasis) || quasis.length !== 1) return undefined;
  const cooked: unknown = quasis[0]?.value?.cooked;
  return typeof cooked === "string" ? cooked : undefined;
}

export const isTypeScript = (path: string): boolean => path.endsWith(".ts");
export const isTest = (path: string): boolean => /\.(test|system|property)\.ts$/.test(path);
export const isDeclaration = (path: string): boolean => path.endsWith(".d.ts");

/** The simulated world: everything in src/ below the public door. */
export const isBelowApi = (path: string): boolean =>
  /^src\/(?!api\/|cli\/)/.test(path) && isTypeScript(path);
