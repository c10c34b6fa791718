// Lint rules. Each rule of this project's own carries its reason in its message.

import { builtinModules } from 'node:module';
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const NODE_GLOBALS = {
  AbortController: 'readonly',
  AbortSignal: 'readonly',
  Buffer: 'readonly',
  clearTimeout: 'readonly',
  console: 'readonly',
  process: 'readonly',
  setTimeout: 'readonly',
  URL: 'readonly',
};

const EVERYWHERE = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Export a name: a default export is called something else in every file that imports it.',
  },
  {
    selector: 'TSEnumDeclaration',
    message: 'Use an `as const` object and a union: an enum is not erasable.',
  },
];

// Not in tests: what is missing there fails the test.
const SHIPPED = [
  ...EVERYWHERE,
  {
    selector: "TSNonNullExpression:not([expression.type='MemberExpression'][expression.computed=true])",
    message: '`!` is for an index that was bounds-checked; anything else that may be undefined is a case.',
  },
];

const PACKET_PATH = [
  {
    selector: 'Literal[bigint]',
    message: 'A bigint per packet allocates: use a safe integer or a high / low pair.',
  },
  {
    selector: 'MemberExpression[property.name=/BigU?[Ii]nt64/], NewExpression[callee.name=/^BigU?int64/i]',
    message: 'A bigint per packet allocates: use a safe integer or a high / low pair.',
  },
  {
    selector: "CallExpression[callee.name='BigInt']",
    message: 'A bigint per packet allocates: use a safe integer or a high / low pair.',
  },
];

const TESTS = [
  {
    selector:
      'MemberExpression[object.name=/^(describe|it|test|suite)$/][property.name=/^(only|skip|todo)$/]',
    message: 'A test runs or is deleted; a skipped one looks like a passed one.',
  },
  {
    selector: "NewExpression[callee.name='Promise'] CallExpression[callee.name='setTimeout']",
    message: 'Wait for the event, not for a time: a fixed wait is too short on a slow machine.',
  },
];

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'native/build/', 'test/architecture/fixtures/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // A switch whose cases hand on to functions of the same return type reads best so.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // The selector above allows `!` after an index only; noUncheckedIndexedAccess would ask for it per byte.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { globals: NODE_GLOBALS },
  },
  {
    rules: {
      eqeqeq: 'error',
      'max-lines': ['error', { max: 500 }],
      'no-console': 'error',
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules
            .filter((name) => !name.includes(':'))
            .map((name) => ({ name, message: `Write node:${name}: it cannot be mistaken for a package.` })),
        },
      ],
      'no-restricted-syntax': ['error', ...SHIPPED],
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/dataplane/**/*.ts', 'src/sad/**/*.ts', 'src/spd/**/*.ts', 'src/wire/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...SHIPPED, ...PACKET_PATH] },
  },
  {
    // Clocks are monotonic and injected: tests do not wait, and a set clock does not end an SA.
    files: ['src/{wire,crypto,spd,sad,pad,dataplane}/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'Date', message: 'Time is given, in monotonic milliseconds.' },
      ],
    },
  },
  {
    // The only places that print; the rest logs or returns.
    files: ['src/main.ts', 'src/management/cli/**/*.ts', 'scripts/**', '.ci/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...EVERYWHERE, ...TESTS] },
  },
  {
    // A helper that polls for a condition may wait between two looks.
    files: ['test/support/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...EVERYWHERE, TESTS[0]] },
  },
  {
    // Tools ask for a default export.
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
