// Where a policy comes from, for people.

/** @param line of the file; 0 where a vici client has loaded the policy */
export function policyPlace(line: number): string {
  return line === 0 ? 'loaded over vici' : `line ${line}`;
}
