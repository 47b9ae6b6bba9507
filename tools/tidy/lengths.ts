/** Files and functions stay short enough to be read in one go. */

import {
  type Finding,
  findingAt,
  isTest,
  isTypeScript,
  lineAt,
  lineCount,
  type Node,
  type Rule,
  syntaxOf,
  walk,
} from "./source.ts";

const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;

/** Files that may be longer, each with its reason. A table of data is read by looking up, not from top to bottom. */
const LONGER_FILES: Readonly<Record<string, string>> = {
  "tools/oracle/oracle.c": "one translation unit, so that one call of the C compiler builds it",
};

export const fileLength: Rule = {
  name: "file length",
  looksAt: (path) => /\.(ts|mjs|js|sh|c|css|html)$/.test(path),
  check: (source): readonly Finding[] => {
    const count = lineCount(source.text);
    if (count <= FILE_LINES_MAX || source.path in LONGER_FILES) return [];
    return [
      findingAt(
        source,
        source.text.length,
        `${count} lines, at most ${FILE_LINES_MAX}: split it, or give a table its exemption`,
      ),
    ];
  },
};

export const functionLength: Rule = {
  name: "function length",
  // In a test the callback of `describe` holds the whole suite.
  looksAt: (path) => isTypeScript(path) && !isTest(path),
  check: (source) => {
    const findings: Finding[] = [];
    walk(syntaxOf(source).program, (node: Node) => {
      if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) {
        return;
      }
      const count = lineAt(source, node.end) - lineAt(source, node.start) + 1;
      if (count > FUNCTION_LINES_MAX) {
        findings.push(
          findingAt(source, node.start, `${count} lines, at most ${FUNCTION_LINES_MAX}`),
        );
      }
    });
    return findings;
  },
};
