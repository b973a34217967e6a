// Runs dependency-cruiser over a tree that is laid out as this repository and gives what broke the rules, one line each.
// What the rules are is in rules.ts; this file knows only how to ask.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

export interface Survey {
  /** `rule: from → to`, sorted. */
  readonly violations: readonly string[];
  readonly moduleCount: number;
  readonly dependencyCount: number;
}

/** Cruises the sources and tests of every package under `root`, with workspace imports resolved to their sources. */
export async function survey(root: string, rules: readonly IForbiddenRuleType[]): Promise<Survey> {
  const result = await cruise(foldersOf(root), {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: [...rules] },
    doNotFollow: { path: '(^|/)(node_modules|dist)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['source', 'import', 'types', 'node', 'default'],
      exportsFields: ['exports'],
    },
  });
  const { summary } = result.output as ICruiseResult;
  return {
    violations: summary.violations.map((each) => `${each.rule.name}: ${each.from} → ${each.to}`).toSorted(),
    moduleCount: summary.totalCruised,
    dependencyCount: summary.totalDependenciesCruised ?? 0,
  };
}

function foldersOf(root: string): string[] {
  const folders = readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [`packages/${entry.name}/src`, `packages/${entry.name}/test`]);
  return [...folders, 'test'].filter((folder) => existsSync(join(root, folder)));
}
