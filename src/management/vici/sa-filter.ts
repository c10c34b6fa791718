// Which SAs a request means: by the name of a peer or policy, or by the number that list-sas shows.

import { integerOf, textOf, type ViciSection } from './message.ts';
import type { ChildSaView, IkeSaView } from './vici-gateway.ts';

/** What is undefined is not asked for. */
export interface SaFilter {
  readonly ike: string | undefined;
  readonly ikeId: number | undefined;
  readonly child: string | undefined;
  readonly childId: number | undefined;
}

/** @throws ViciRequestError */
export function readFilter(request: ViciSection): SaFilter {
  return {
    ike: textOf(request, 'ike'),
    ikeId: integerOf(request, 'ike-id'),
    child: textOf(request, 'child'),
    childId: integerOf(request, 'child-id'),
  };
}

export function isAboutChildren({ child, childId }: SaFilter): boolean {
  return child !== undefined || childId !== undefined;
}

export function isAboutAnything(filter: SaFilter): boolean {
  return isAboutChildren(filter) || filter.ike !== undefined || filter.ikeId !== undefined;
}

export function meansIkeSa({ ike, ikeId }: SaFilter, { name, uniqueId }: IkeSaView): boolean {
  return (ike === undefined || ike === name) && (ikeId === undefined || ikeId === uniqueId);
}

export function meansChildSa({ child, childId }: SaFilter, { name, uniqueId }: ChildSaView): boolean {
  return (child === undefined || child === name) && (childId === undefined || childId === uniqueId);
}
