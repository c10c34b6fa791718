// Prints the totals of a vitest JSON report as `N passed, N failed`; fails where a test failed or none ran.

import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
  readFileSync(file, 'utf8'),
);

// A file that does not load has no tests to count, but it failed.
const filesThatDidNotRun = testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
).length;
const failed = numFailedTests + filesThatDidNotRun;

const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
console.log(`${numPassedTests} passed, ${failed} failed${skipped}`);
if (failed > 0 || numPassedTests === 0) process.exitCode = 1;
