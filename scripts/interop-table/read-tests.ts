// Finds in the sources of the tests with strongSwan which tests there are, by the names that vitest gives them. It runs
// nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Between the file, the groups and the title of a test. */
const BETWEEN = ' > ';

/**
 * @param folder of the tests
 * @returns of each test `file > group > title`, the file without `.test.ts`; of `each` one for each row of its table
 */
export function readTestNames(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  return names.sort().flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return testNames(text, name.replace(/\.test\.ts$/, ''));
  });
}

/** @param file what stands before the names of the tests in `text` */
export function testNames(text: string, file: string): readonly string[] {
  const names: string[] = [];
  const visit = (node: ts.Node, above: string): void => {
    const call = ts.isCallExpression(node) ? testCall(node) : undefined;
    if (call === undefined) return ts.forEachChild(node, (child) => visit(child, above));
    for (const title of titlesOf(call)) {
      const name = `${above}${BETWEEN}${title}`;
      if (call.isGroup) ts.forEachChild(call.body, (child) => visit(child, name));
      else names.push(name);
    }
  };
  visit(ts.createSourceFile(`${file}.ts`, text, ts.ScriptTarget.Latest, true), file);
  return names;
}

interface TestCall {
  readonly isGroup: boolean;
  readonly title: string;
  /** Of `each`: what stands in the places of `%s`. */
  readonly rows: readonly (readonly string[])[] | undefined;
  readonly body: ts.Node;
}

/** `test('…', …)`, `test.each([…])('…', …)`, and the same of describe. What is skipped is none. */
function testCall({ expression, arguments: given }: ts.CallExpression): TestCall | undefined {
  const [first] = given;
  const body = given.find((one) => ts.isArrowFunction(one));
  if (first === undefined || body === undefined || !ts.isStringLiteralLike(first)) return undefined;
  const table = tableOf(expression);
  const name = (table?.of ?? expression).getText();
  if (name !== 'describe' && name !== 'test' && name !== 'it') return undefined;
  return { isGroup: name === 'describe', title: first.text, rows: table?.rows, body };
}

function tableOf(expression: ts.Expression): { of: ts.Expression; rows: string[][] } | undefined {
  if (!ts.isCallExpression(expression)) return undefined;
  const { expression: called, arguments: given } = expression;
  if (!ts.isPropertyAccessExpression(called) || called.name.text !== 'each') return undefined;
  return { of: called.expression, rows: rowsOf(given[0]) };
}

/** The rows of the table of `each`, or of the constant that holds it, as text. */
function rowsOf(table: ts.Expression | undefined): string[][] {
  if (table === undefined) return [];
  if (ts.isAsExpression(table)) return rowsOf(table.expression);
  if (ts.isIdentifier(table)) return rowsOf(constant(table));
  if (!ts.isArrayLiteralExpression(table)) return [];
  return table.elements.map((element) =>
    (ts.isArrayLiteralExpression(element) ? [...element.elements] : [element]).map(textOf),
  );
}

function constant(name: ts.Identifier): ts.Expression | undefined {
  let found: ts.Expression | undefined;
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name.text) found ??= node.initializer;
    else ts.forEachChild(node, visit);
  };
  visit(name.getSourceFile());
  return found;
}

function textOf(value: ts.Expression): string {
  if (ts.isStringLiteralLike(value)) return value.text;
  return ts.isArrayLiteralExpression(value) ? JSON.stringify(value.elements.map(textOf)) : value.getText();
}

function titlesOf({ title, rows }: TestCall): readonly string[] {
  if (rows === undefined) return [title];
  return rows.map((values) => {
    let next = 0;
    return title.replaceAll(/%[sjdi]/g, () => values[next++] ?? '');
  });
}
