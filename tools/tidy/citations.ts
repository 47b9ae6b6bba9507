/** What the code claims about hardware and interfaces can be looked up. */

import {
  type Finding,
  findingAt,
  isNode,
  isTest,
  isTypeScript,
  literalText,
  type Node,
  type Rule,
  type Source,
  syntaxOf,
  walk,
} from "./source.ts";

/** Short names of documents, as listed in docs/book/sources.md, and the kinds that cite themselves. */
const DOCUMENT =
  /\b(SDM|APM|data ?sheet|KVM API|Linux UAPI|ACPI|VIRTIO|PCI(?: Local Bus)? Specification|MultiProcessor Specification|Multiboot|PVH|QMP|QAPI|SELinux|RFC \d+|IEEE 754|TLFS|specification|manual)\b/i;

/** Folders whose every file models something that a manual describes. */
const CITED_FOLDERS = ["src/hw/cpu/isa/", "src/hw/chips/", "src/kvm/ioctls/"];

export const fileDocumentation: Rule = {
  name: "file documentation",
  looksAt: (path) => path.startsWith("src/") && isTypeScript(path) && !isTest(path),
  check: (source): readonly Finding[] =>
    openingComment(source) === undefined
      ? [findingAt(source, 0, "begin with /** … */: one sentence on what the file models")]
      : [],
};

export const fileCitations: Rule = {
  name: "file citations",
  looksAt: (path) =>
    CITED_FOLDERS.some((folder) => path.startsWith(folder)) &&
    isTypeScript(path) &&
    !isTest(path) &&
    !/(^|\/)(index|README)\.ts$/.test(path),
  check: (source): readonly Finding[] =>
    DOCUMENT.test(openingComment(source) ?? "")
      ? []
      : [findingAt(source, 0, "cite the manual or data sheet and its section title at the top")],
};

export const lawCitations: Rule = {
  name: "law citations",
  looksAt: (path) => path.endsWith(".property.ts"),
  check: (source) => {
    const laws = lawsOf(source);
    if (laws.length === 0) return [findingAt(source, 0, "states no law(…)")];
    return laws.flatMap((law) =>
      isCited(law) ? [] : [findingAt(source, law.start, "a law names its source in `cites`")],
    );
  },
};

function openingComment(source: Source): string | undefined {
  const first = syntaxOf(source).comments.find((comment) => comment.type === "Block");
  if (first === undefined || !first.value.startsWith("*")) return undefined;
  const before = source.text.slice(0, first.start).replace(/^#!.*\n/, "");
  return before.trim() === "" && /\w{3}/.test(first.value) ? first.value : undefined;
}

function lawsOf(source: Source): readonly Node[] {
  const laws: Node[] = [];
  walk(syntaxOf(source).program, (node) => {
    const callee = node.type === "CallExpression" ? node["callee"] : undefined;
    if (isNode(callee) && /^(law|\w+Law)$/.test(String(callee["name"]))) laws.push(node);
  });
  return laws;
}

/** `cites` is a text that is not empty, or a list of them. */
function isCited(law: Node): boolean {
  const parts = Array.isArray(law["arguments"]) ? law["arguments"].filter(isNode) : [];
  const fields = parts.flatMap((part) =>
    Array.isArray(part["properties"]) ? part["properties"].filter(isNode) : [],
  );
  const cites = fields.find((field) => isNode(field["key"]) && field["key"]["name"] === "cites");
  const value = cites?.["value"];
  if (!isNode(value)) return false;
  const texts = value.type === "ArrayExpression" ? value["elements"] : [value];
  if (!Array.isArray(texts) || texts.length === 0) return false;
  return texts.every((text) => /\w/.test(literalText(text) ?? sourceOfTemplate(text)));
}

/** A template with holes, or a constant that the file names, counts as given. */
function sourceOfTemplate(text: unknown): string {
  if (!isNode(text) || text["name"] === "undefined") return "";
  return /^(TemplateLiteral|Identifier|MemberExpression)$/.test(text.type) ? text.type : "";
}
