// What peers said when they were asked: whether IKE is there at all. That is not authentic; it shows a way, and no more.

import { formatAddress } from '../../../base/address.ts';
import { failure, ok, unknown, warning, type Finding } from '../finding.ts';
import type { AskedPeer, PeerAnswer } from '../peer-question.ts';

/** What it says, where all is well. */
const FINE: Readonly<Record<string, string>> = {
  SA: 'it takes a proposal (SA)',
  COOKIE: 'it asks for a cookie first (COOKIE)',
  INVALID_KE_PAYLOAD: 'it asks for another group (INVALID_KE_PAYLOAD)',
};

/** Of a peer with several addresses one that answers is enough: then what another lacks is no failure. */
export function reachFindings(asked: readonly AskedPeer[]): readonly Finding[] {
  const answering = new Set(
    asked.filter(({ answer }) => answer?.kind === 'answered').map(({ name }) => name),
  );
  return asked.map((one) => {
    const finding = reachFinding(one);
    return finding.state === 'failure' && answering.has(one.name)
      ? { ...finding, state: 'warning' }
      : finding;
  });
}

function reachFinding({ name, address, ports, isGuarded, answer }: AskedPeer): Finding {
  const at = formatAddress(address);
  const where = `${name} (${at})`;
  if (answer === undefined)
    return unknown(`${where} was not asked: the policies lead what this host sends there into a tunnel`);
  switch (answer.kind) {
    case 'answered':
      return answeredFinding(where, answer);
    case 'unreachable':
      return unreachableFinding(where, at, ports, answer);
    case 'silent':
      if (isGuarded)
        return unknown(
          `whether ${where} answers is not known: the guard lets in no answer to doctor; isthmus up asks as the gateway does`,
        );
      return warning(
        `${where} does not answer IKE_SA_INIT at UDP ports ${ports.join(' and ')}: a firewall on the way, a wrong address, or the peer is down or takes nothing from this address`,
        `run at the peer, and doctor here again: tcpdump -ni any 'udp port ${ports.join(' or udp port ')}'`,
      );
  }
}

function answeredFinding(where: string, { port, said }: PeerAnswer & { readonly kind: 'answered' }): Finding {
  const head = `${where} answers IKE_SA_INIT at UDP port ${port}`;
  if (said !== 'NO_PROPOSAL_CHOSEN') return ok(`${head}: ${FINE[said] ?? `it says ${said}`}`);
  return warning(
    `${head}, and takes none of the proposals (NO_PROPOSAL_CHOSEN)`,
    'compare ike.proposals with those of the peer; it may also not expect this gateway at its address',
  );
}

function unreachableFinding(
  where: string,
  at: string,
  ports: readonly number[],
  { code, ports: closed }: PeerAnswer & { readonly kind: 'unreachable' },
): Finding {
  if (code === 'ECONNREFUSED' && closed.length < ports.length)
    return warning(
      `${where} is there: its UDP port ${closed.join(' and ')} is closed (ICMP port unreachable), and it is silent at the other`,
      `run at the peer, and doctor here again: tcpdump -ni any 'udp port ${ports.join(' or udp port ')}'`,
    );
  if (code === 'ECONNREFUSED')
    return failure(
      `${where} is there, and no IKE: its UDP ports ${ports.join(' and ')} are closed (ICMP port unreachable)`,
      'start the gateway at the peer, or correct its address',
    );
  if (code === 'EPERM')
    return failure(`a packet filter of this host drops what is sent to ${where}`, 'nft list ruleset');
  return failure(`${where} cannot be reached (${code})`, `ip route get ${at}`);
}
