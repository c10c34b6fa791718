// Every field that a log line may have, found in the sources by their types: what is given to a logger, to the audit log, and to
// the stories of IKE.

import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../../..');
/** Methods whose first argument is the fields of a line, by what they are called on. */
const LOGGERS = /(^|\.)#?(log|audits|file|logs\.\w+)\??$/;
const LEVELS: ReadonlySet<string> = new Set(['debug', 'info', 'warn', 'error', 'write']);
/** What tells a story of IKE: the fields come last. */
const TELLERS: ReadonlySet<string> = new Set(['tell', 'tellOfStranger', 'tellOfPacket', 'refuse']);

/** @returns for each field the files that have it */
export function findLogFields(): ReadonlyMap<string, readonly string[]> {
  const { options, fileNames } = readProject();
  const program = ts.createProgram(fileNames, options);
  const checker = program.getTypeChecker();
  const found = new Map<string, Set<string>>();
  const add = (node: ts.Expression, file: string): void => {
    for (const type of partsOf(checker.getTypeAtLocation(node)))
      for (const { name } of checker.getPropertiesOfType(type)) {
        const files = found.get(name) ?? new Set();
        found.set(name, files.add(file));
      }
  };
  for (const source of program.getSourceFiles()) {
    if (source.isDeclarationFile || !source.fileName.startsWith(join(ROOT, 'src'))) continue;
    const file = source.fileName.slice(ROOT.length + 1);
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const fields = fieldsOf(node);
        if (fields !== undefined && isFields(fields, checker)) add(fields, file);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return new Map([...found].map(([name, files]) => [name, [...files].sort()]));
}

/** What a call gives to a log; undefined where it is another call. */
function fieldsOf({ expression, arguments: given }: ts.CallExpression): ts.Expression | undefined {
  const isMethod = ts.isPropertyAccessExpression(expression);
  const called = isMethod ? expression.name.text : expression.getText();
  if (TELLERS.has(called) && /\/src\/(ike|gateway)\//.test(expression.getSourceFile().fileName))
    return given.at(-1);
  const isLogger = isMethod && LEVELS.has(called) && LOGGERS.test(expression.expression.getText());
  return isLogger ? given[0] : undefined;
}

/** An object with names, and not a text, an error or a record of any names, whose names come from elsewhere. */
function isFields(node: ts.Expression, checker: ts.TypeChecker): boolean {
  const parts = partsOf(checker.getTypeAtLocation(node));
  return (
    parts.length > 0 &&
    parts.every(
      (type) =>
        (type.flags & ts.TypeFlags.Object) !== 0 &&
        type.getCallSignatures().length === 0 &&
        checker.getIndexInfosOfType(type).length === 0 &&
        type.getProperty('stack') === undefined,
    )
  );
}

function partsOf(type: ts.Type): readonly ts.Type[] {
  const parts = type.isUnion() ? type.types : [type];
  return parts.filter(({ flags }) => (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)) === 0);
}

function readProject(): { options: ts.CompilerOptions; fileNames: string[] } {
  const path = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: unknown };
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  return { options, fileNames: fileNames.filter((name) => name.startsWith(join(ROOT, 'src'))) };
}
