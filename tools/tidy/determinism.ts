/** Names and forms that may not appear below api/: they read the host, wait, or differ between engines. */

import {
  type Finding,
  findingAt,
  isBelowApi,
  isDeclaration,
  isNode,
  isTest,
  literalText,
  type Node,
  type Rule,
  type Source,
  syntaxOf,
  walk,
} from "./source.ts";

/** Part of the language, so no compiler setting hides them. They may not even be declared. */
const BANNED_GLOBALS = new Map([
  ["Date", "virtual time comes from src/sim/time.ts"],
  ["Intl", "its results depend on the host's locale data"],
  ["Promise", "nothing below api/ is asynchronous"],
  ["WeakRef", "the garbage collector is not deterministic"],
  ["FinalizationRegistry", "the garbage collector is not deterministic"],
  ["globalThis", "it would open every other door"],
  ["eval", "state and behaviour are not text"],
]);

/** The host's names. A file may use the word for something of its own: a task may be called `process`. */
const BANNED_UNLESS_DECLARED = new Map([
  ["setTimeout", "use the event queue"],
  ["setInterval", "use the event queue"],
  ["setImmediate", "use the event queue"],
  ["queueMicrotask", "use the event queue"],
  ["performance", "virtual time comes from src/sim/time.ts"],
  ["process", "the host process does not exist here"],
  ["fetch", "inputs enter through the recorder"],
  ["crypto", "randomness comes from named streams"],
  ["console", "report through the trace"],
  ["require", "import the file"],
  ["navigator", "the host does not exist here"],
]);

/** The functions of Math whose result ECMAScript defines exactly. */
const EXACT_MATH = new Set(
  "abs ceil floor trunc round sign min max imul clz32 fround sqrt".split(" "),
);

const INEXACT_POWER =
  "a power of numbers is not exact in every engine: write 2 ** <digits>, a shift, or BigInt literals";

const BANNED_METHODS = new Map([
  ["localeCompare", "compare with < and >"],
  ["toLocaleString", "its result depends on the host"],
  ["toLocaleDateString", "its result depends on the host"],
  ["toLocaleTimeString", "its result depends on the host"],
  ["toLocaleUpperCase", "its result depends on the host"],
  ["toLocaleLowerCase", "its result depends on the host"],
  ["captureStackTrace", "a stack trace differs between engines"],
]);

export const determinism: Rule = {
  name: "determinism",
  looksAt: (path) => isBelowApi(path) && !isTest(path),
  check: (source) => {
    const { program } = syntaxOf(source);
    const declared = declaredNames(program, source);
    const findings: Finding[] = [];
    walk(program, (node, parents) => {
      const message =
        formComplaint(node, parents) ??
        mathComplaint(node, parents) ??
        nameComplaint(node, parents, declared) ??
        methodComplaint(node);
      if (message !== undefined) findings.push(findingAt(source, node.start, message));
    });
    return findings;
  },
};

function formComplaint(node: Node, parents: readonly Node[]): string | undefined {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      if (node["generator"] === true) return "no generator holds simulated state";
      if (node["async"] === true) return "nothing below api/ is asynchronous";
      return undefined;
    case "AwaitExpression":
    case "ImportExpression":
      return "nothing below api/ is asynchronous";
    case "ForOfStatement":
      return node["await"] === true ? "nothing below api/ is asynchronous" : undefined;
    case "ForInStatement":
      return "for (… in …) also walks the prototype: use for (… of Object.keys(…))";
    case "BinaryExpression":
      return node["operator"] === "**" && !isExactPower(node) ? INEXACT_POWER : undefined;
    case "AssignmentExpression":
      return node["operator"] === "**=" && !isBigInt(node["right"]) ? INEXACT_POWER : undefined;
    case "VariableDeclaration":
      return node["kind"] !== "const" && node["declare"] !== true && isTopLevel(parents)
        ? "a variable of the module is state that no snapshot sees"
        : undefined;
    default:
      return undefined;
  }
}

function mathComplaint(node: Node, parents: readonly Node[]): string | undefined {
  if (!isReference(node, parents) || node["name"] !== "Math") return undefined;
  const parent = parents.at(-1);
  const property = parent?.type === "MemberExpression" ? propertyName(parent) : undefined;
  if (property === undefined) return "name the function of Math where it is used: Math.imul(…)";
  if (property === "random") return "randomness comes from named streams (src/sim/random.ts)";
  return EXACT_MATH.has(property)
    ? undefined
    : `Math.${property} is not bit-exact in every engine (exact: ${[...EXACT_MATH].join(" ")})`;
}

function nameComplaint(
  node: Node,
  parents: readonly Node[],
  declared: ReadonlySet<string>,
): string | undefined {
  if (!isReference(node, parents)) return undefined;
  const name = String(node["name"]);
  const reason = BANNED_GLOBALS.get(name);
  if (reason !== undefined) return `${name}: ${reason}`;
  if (name === "Function" && parents.at(-1)?.type === "NewExpression") {
    return "Function: state and behaviour are not text";
  }
  const hostReason = BANNED_UNLESS_DECLARED.get(name);
  return hostReason === undefined || declared.has(name) ? undefined : `${name}: ${hostReason}`;
}

function methodComplaint(node: Node): string | undefined {
  const callee = node.type === "CallExpression" ? node["callee"] : undefined;
  if (!isNode(callee)) return undefined;
  const method = callee.type === "MemberExpression" ? propertyName(callee) : undefined;
  if (method === undefined) return undefined;
  const reason = BANNED_METHODS.get(method);
  if (reason !== undefined) return `${method}: ${reason}`;
  const count = Array.isArray(node["arguments"]) ? node["arguments"].length : 0;
  return (method === "sort" || method === "toSorted") && count === 0
    ? `${method}() without a comparator compares as text: say the order`
    : undefined;
}

/** An identifier that stands for a value or a type, not for a property or a label of that name. */
function isReference(node: Node, parents: readonly Node[]): boolean {
  if (node.type !== "Identifier") return false;
  const parent = parents.at(-1);
  if (parent === undefined) return true;
  switch (parent.type) {
    case "MemberExpression":
      return parent["object"] === node || parent["computed"] === true;
    case "TSQualifiedName":
      return parent["left"] === node;
    case "Property":
      return parent["value"] === node || parent["computed"] === true;
    case "PropertyDefinition":
    case "MethodDefinition":
    case "AccessorProperty":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSAbstractMethodDefinition":
    case "TSAbstractPropertyDefinition":
    case "TSEnumMember":
      return parent["key"] !== node || parent["computed"] === true;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "ImportSpecifier":
    case "ExportSpecifier":
    case "TSNamedTupleMember":
      return parent["local"] === node;
    default:
      return true;
  }
}

/** Every name that the file binds anywhere. A declaration file describes the host, so it binds nothing. */
function declaredNames(program: Node, source: Source): ReadonlySet<string> {
  const names = new Set<string>();
  if (isDeclaration(source.path)) return names;
  const bind = (pattern: unknown): void => {
    if (!isNode(pattern)) return;
    if (pattern.type === "Identifier") names.add(String(pattern["name"]));
    for (const key of ["left", "argument", "value", "parameter"]) bind(pattern[key]);
    for (const key of ["elements", "properties"]) {
      const list = pattern[key];
      if (Array.isArray(list)) list.forEach(bind);
    }
  };
  walk(program, (node) => {
    if (node["declare"] === true) return;
    if (/^(Import.*Specifier)$/.test(node.type)) bind(node["local"]);
    if (/^(VariableDeclarator|FunctionDeclaration|ClassDeclaration)$/.test(node.type)) {
      bind(node["id"]);
    }
    if (Array.isArray(node["params"]) && "body" in node) node["params"].forEach(bind);
    if (node.type === "CatchClause") bind(node["param"]);
  });
  return names;
}

function propertyName(member: Node): string | undefined {
  const property = member["property"];
  if (!isNode(property)) return undefined;
  if (member["computed"] === true) return literalText(property);
  return property.type === "Identifier" ? String(property["name"]) : undefined;
}

/** A power of BigInts, or of two with a written exponent that a double holds (a test computes them all). */
function isExactPower({ left, right }: Node): boolean {
  if (isBigInt(left) || isBigInt(right)) return true;
  if (!isNode(left) || !isNode(right) || left["value"] !== 2) return false;
  return Number.isInteger(right["value"]) && Number(right["value"]) <= 1023;
}

/** Surely a BigInt, so that the other operand is one too (or the program throws). */
function isBigInt(node: unknown): boolean {
  if (!isNode(node)) return false;
  if (node.type === "Literal") return typeof node["bigint"] === "string";
  return (
    node.type === "CallExpression" && isNode(node["callee"]) && node["callee"]["name"] === "BigInt"
  );
}

function isTopLevel(parents: readonly Node[]): boolean {
  const inside = parents.filter((node) => node.type !== "ExportNamedDeclaration");
  return inside.length === 1;
}
