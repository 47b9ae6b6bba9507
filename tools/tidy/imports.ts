/** Every way in which a file names another module. */

import { isNode, literalText, type Node, type Source, syntaxOf, walk } from "./source.ts";

export interface ImportedModule {
  /** As written; undefined when it is computed and so cannot be checked. */
  readonly specifier: string | undefined;
  readonly offset: number;
  readonly form: "import" | "export" | "dynamic" | "type" | "require" | "url" | "reference";
}

/** In the order of the text. */
export function importsOf(source: Source): readonly ImportedModule[] {
  const { program, comments } = syntaxOf(source);
  const found: ImportedModule[] = [];
  const add = (form: ImportedModule["form"], node: Node, specifier: unknown): void => {
    found.push({ form, offset: node.start, specifier: literalText(specifier) });
  };
  walk(program, (node) => {
    if (node.type === "ImportDeclaration") add("import", node, node["source"]);
    else if (node.type === "ExportAllDeclaration") add("export", node, node["source"]);
    else if (node.type === "ExportNamedDeclaration" && isNode(node["source"])) {
      add("export", node, node["source"]);
    } else if (node.type === "ImportExpression") add("dynamic", node, node["source"]);
    else if (node.type === "TSImportType") add("type", node, typeImportOf(node));
    else if (node.type === "TSExternalModuleReference") add("require", node, node["expression"]);
    else if (isCallOf(node, "CallExpression", "require")) add("require", node, argument(node));
    else if (isCallOf(node, "NewExpression", "URL") && isModuleUrl(node)) {
      add("url", node, argument(node));
    }
  });
  for (const comment of comments) {
    const reference = /^\/\s*<reference\s+(?:path|types)\s*=\s*["']([^"']+)["']/.exec(
      comment.value,
    );
    if (reference === null) continue;
    found.push({ form: "reference", offset: comment.start, specifier: reference[1] });
  }
  return found.sort((a, b) => a.offset - b.offset);
}

/** The path in the repository that a relative specifier means; undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!/^\.\.?(\/|$)/.test(specifier)) return undefined;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0) return specifier;
      parts.pop();
    } else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

function isCallOf(node: Node, type: string, name: string): boolean {
  return node.type === type && isNode(node["callee"]) && node["callee"]["name"] === name;
}

function argument(node: Node): unknown {
  const all = node["arguments"];
  return Array.isArray(all) ? all[0] : undefined;
}

/** `new URL("./worker.ts", import.meta.url)` names a module; a URL of data does not. */
function isModuleUrl(node: Node): boolean {
  return /\.[cm]?[jt]s$/.test(literalText(argument(node)) ?? "");
}

function typeImportOf(node: Node): unknown {
  const inner = node["source"] ?? node["argument"];
  return isNode(inner) && inner.type === "TSLiteralType" ? inner["literal"] : inner;
}
