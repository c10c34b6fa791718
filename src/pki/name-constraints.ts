// Name constraints of a certification authority, RFC 5280 §4.2.1.10. What cannot be judged is refused.

import { contextTag, DerError, DerTag, readDer, readDerElements } from '../crypto/der.ts';
import { isWithin } from './distinguished-name.ts';
import { readGeneralName, type GeneralName } from './general-name.ts';

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** The content of a nameConstraints extension. @throws DerError */
export function readNameConstraints(der: Uint8Array): NameConstraints {
  let permitted: readonly GeneralName[] = [];
  let excluded: readonly GeneralName[] = [];
  for (const { tag, content } of readDerElements(readDer(der, DerTag.SEQUENCE))) {
    if (tag === contextTag(0)) permitted = readSubtrees(content);
    else if (tag === contextTag(1)) excluded = readSubtrees(content);
    else throw new DerError('not name constraints');
  }
  return { permitted, excluded };
}

function readSubtrees(content: Uint8Array): readonly GeneralName[] {
  return readDerElements(content).map((subtree) => {
    if (subtree.tag !== DerTag.SEQUENCE) throw new DerError('not a subtree');
    const [base, ...rest] = readDerElements(subtree.content);
    // RFC 5280 §4.2.1.10: minimum is zero, so DER leaves it out, and maximum is absent.
    if (base === undefined || rest.length > 0) throw new DerError('subtree with a distance');
    return readGeneralName(base);
  });
}

/** @returns the first name that the constraints do not allow */
export function findForbidden(
  { permitted, excluded }: NameConstraints,
  names: readonly GeneralName[],
): GeneralName | undefined {
  return names.find((name) => {
    const allowed = permitted.filter((base) => isSameType(base, name));
    if (allowed.length > 0 && !allowed.some((base) => contains(base, name) === true)) return true;
    return excluded.some((base) => isSameType(base, name) && contains(base, name) !== false);
  });
}

function isSameType(base: GeneralName, name: GeneralName): boolean {
  return base.type === name.type && (base.type !== 'other' || base.tag === (name as typeof base).tag);
}

/** @returns undefined where it cannot be said */
function contains(base: GeneralName, name: GeneralName): boolean | undefined {
  if (base.type === 'ip' && name.type === 'ip') return containsAddress(base.value, name.value);
  if (base.type === 'dn' && name.type === 'dn') return isWithin(base.value, name.value);
  if (base.type === 'dns' && name.type === 'dns') return containsHost(base.value, name.value, true);
  if (base.type === 'email' && name.type === 'email') {
    if (base.value.includes('@')) return base.value === name.value;
    return containsHost(base.value, name.value.slice(name.value.lastIndexOf('@') + 1), false);
  }
  if (base.type === 'uri' && name.type === 'uri') {
    const [, host] =
      /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([a-z0-9.-]+)(?::\d*)?(?:[/?#]|$)/.exec(name.value) ?? [];
    return host === undefined ? undefined : containsHost(base.value, host, false);
  }
  return undefined;
}

/** `.example.org` is everything below; without the dot the host itself, of DNS names with everything below. */
function containsHost(base: string, name: string, isTree: boolean): boolean {
  if (base === '') return true;
  // A dot at the end names the same host, and must not lead past what is excluded.
  const host = name.replace(/\.$/, '');
  if (base.startsWith('.')) return host.endsWith(base);
  return host === base || (isTree && host.endsWith(`.${base}`));
}

function containsAddress(base: Uint8Array, address: Uint8Array): boolean | undefined {
  if (base.length !== 8 && base.length !== 32) return undefined;
  const { length } = address;
  if (base.length !== 2 * length) return false;
  return address.every((byte, index) => {
    const mask = base[length + index] ?? 0;
    return (byte & mask) === ((base[index] ?? 0) & mask);
  });
}
