/** Tests that are switched off, and tests that fake the world, prove nothing. */

import { type Finding, findingAt, isNode, isTest, type Rule, syntaxOf, walk } from "./source.ts";

const RUNNERS = /^(test|it|describe|suite|law)$/;
const SWITCHES = /^(skip|only|todo|skipIf|runIf)$/;

export const habits: Rule = {
  name: "test habits",
  looksAt: isTest,
  check: (source) => {
    const findings: Finding[] = [];
    walk(syntaxOf(source).program, (node) => {
      if (node.type !== "MemberExpression") return;
      const { object, property } = { object: node["object"], property: node["property"] };
      if (!isNode(object) || !isNode(property)) return;
      const root = String(object["name"]);
      const member = String(property["name"]);
      if (RUNNERS.test(root) && SWITCHES.test(member)) {
        const message = `${root}.${member}: assert what happens today and say why it is wrong`;
        findings.push(findingAt(source, node.start, message));
      } else if (root === "vi") {
        findings.push(findingAt(source, node.start, `vi.${member}: inject the part instead`));
      }
    });
    return findings;
  },
};
