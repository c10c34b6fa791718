// Holds a message against its row of message-rules.ts, and looks for critical payloads that are not known
// (RFC 7296 §2.5). What payloads say to each other is the exchange's business.

import { ExchangeType, isErrorNotify, nameOfExchange, NotifyType, ProtocolId } from './iana.ts';
import type { IkeHeader } from './ike-header.ts';
import { MESSAGE_RULES, type MessageRule, type PayloadName } from './message-rules.ts';
import type { Payload } from './payload.ts';

type MessageKind = Pick<IkeHeader, 'exchangeType' | 'isResponse'>;

/** The payloads of a message, by where they stood. */
export interface MessagePayloads {
  readonly clear: readonly Payload[];
  /** Undefined where the message has no SK. */
  readonly encrypted?: readonly Payload[] | undefined;
}

/** Why a message is refused, under the name of the notify that says so. */
export type MessageFault =
  | {
      readonly notify: 'UNSUPPORTED_CRITICAL_PAYLOAD';
      /** The notify's data, one octet (RFC 7296 §2.5). */
      readonly payloadType: number;
      readonly text: string;
    }
  | { readonly notify: 'INVALID_SYNTAX'; readonly text: string };

/**
 * A response with an error notify may lack what it would have had: whoever goes on must look for the payloads that it
 * needs. Unknown payloads that are not critical count for nothing (RFC 7296 §2.5).
 *
 * @returns the first fault; undefined where there is none
 */
export function checkMessage(header: MessageKind, payloads: MessagePayloads): MessageFault | undefined {
  const all = [...payloads.clear, ...(payloads.encrypted ?? [])];
  for (const payload of all) {
    if (payload.type !== 'unknown' || !payload.critical) continue;
    const { payloadType } = payload;
    const text = `payload type ${payloadType} is critical and not known`;
    return { notify: 'UNSUPPORTED_CRITICAL_PAYLOAD', payloadType, text };
  }
  const encrypted = payloads.encrypted !== undefined;
  const rule = findRule(header, encrypted, all);
  if (rule === undefined) {
    const name = `${nameOfExchange(header.exchangeType)} ${header.isResponse ? 'response' : 'request'}`;
    return invalid(name, encrypted ? 'there is no such message under an IKE SA' : 'it is not encrypted');
  }
  const exposed = encrypted ? payloads.clear.find(({ type }) => type !== 'unknown') : undefined;
  const problem = exposed === undefined ? findProblem(rule, all) : `${exposed.type} is not encrypted`;
  return problem === undefined ? undefined : invalid(rule.name, problem);
}

function invalid(name: string, problem: string): MessageFault {
  return { notify: 'INVALID_SYNTAX', text: `${name}: ${problem}` };
}

function findRule(
  { exchangeType, isResponse }: MessageKind,
  encrypted: boolean,
  payloads: readonly Payload[],
): MessageRule | undefined {
  const sa = payloads.find((payload) => payload.type === 'SA');
  // RFC 7296 §1.3.2: to propose an IKE SA is to rekey the one that carries the message.
  const subject = sa?.proposals[0]?.protocolId === ProtocolId.IKE ? 'IKE SA' : 'Child SA';
  return MESSAGE_RULES.find(
    (rule) =>
      rule.exchangeType === exchangeType &&
      rule.isResponse === isResponse &&
      rule.encrypted === encrypted &&
      (rule.subject ?? subject) === subject,
  );
}

/** What breaks the row, in words. */
function findProblem(rule: MessageRule, payloads: readonly Payload[]): string | undefined {
  const counts = new Map<PayloadName, number>();
  for (const { type } of payloads) {
    if (type !== 'unknown') counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  for (const [type, count] of counts) {
    const [, , max = 0] = rule.payloads.find(([payload]) => payload === type) ?? [];
    if (count > max) return `${type} is there ${count} times; at most ${max} may be`;
  }
  const present = rule.together?.find((type) => counts.has(type));
  const absent = rule.together?.find((type) => !counts.has(type));
  if (present !== undefined && absent !== undefined) return `${absent} is missing, but ${present} is there`;
  if (rule.isResponse && payloads.some((payload) => isWholeResponse(rule, payload))) return undefined;
  const [missing] = rule.payloads.find(([type, min]) => (counts.get(type) ?? 0) < min) ?? [];
  return missing === undefined ? undefined : `${missing} is missing`;
}

/** RFC 7296 §C.1, §C.2, §C.4: an error notify, or a COOKIE, may stand alone. */
function isWholeResponse(rule: MessageRule, payload: Payload): boolean {
  if (payload.type !== 'N') return false;
  const isCookie = rule.exchangeType === ExchangeType.IKE_SA_INIT && payload.notifyType === NotifyType.COOKIE;
  return isCookie || isErrorNotify(payload.notifyType);
}
