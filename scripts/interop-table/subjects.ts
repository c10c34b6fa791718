// What people ask of two implementations of IPsec, and which tests with strongSwan show it: by the beginning of a test's
// name, for either role of Isthmus in the exchange that it is about.

export interface Subject {
  readonly subject: string;
  /** Tests in which Isthmus begins the exchange, and in which strongSwan does. */
  readonly initiator: readonly string[];
  readonly responder: readonly string[];
  /** Where the titles end in proposals: which of their parts belong to the subject. */
  readonly parts?: RegExp;
}

const inBoth = (...tests: readonly string[]): Pick<Subject, 'initiator' | 'responder'> => ({
  initiator: tests,
  responder: tests,
});

const CERTIFIED = 'certificates > a tunnel, made by this side and then by strongSwan';
const REFUSED = 'certificates > refused on both sides, and said';
const MISFIT = 'psk > what does not fit is refused with the right notify, and said';
const REKEYS = 'psk > 10 rekeys under 200 pings a second: none lost, none twice, none dropped';
const WITHOUT_CHILD =
  'psk > a tunnel > RFC 6023, RFC 7296 §1.2, §1.3: that strongSwan begins without a Child SA';
const NAT = 'nat > RFC 7296 §2.23: a NAT before';

const GROUP = /^(modp|ecp|x)\d+$/;
const NO_GROUP = /^(?!modp|ecp|x\d|prf)/;

export const SUBJECTS: readonly Subject[] = [
  {
    subject: 'Pre-shared key',
    initiator: ['psk > a tunnel > that the first packet asks for'],
    responder: ['psk > a tunnel > that strongSwan asks for'],
  },
  {
    subject: 'A configuration of strongSwan, by `isthmus import`',
    initiator: ['import > of swanctl.conf', 'import > of ipsec.conf'],
    responder: [],
  },
  { subject: 'RSA certificates: PSS, PKCS#1', ...inBoth(`${CERTIFIED} > RSA`) },
  { subject: 'ECDSA certificates: P-256, P-384, P-521', ...inBoth(`${CERTIFIED} > ["ecdsa`) },
  { subject: 'Ed25519 certificates', ...inBoth(`${CERTIFIED} > ["ed25519`) },
  { subject: 'Bare public keys (RFC 7670)', ...inBoth(`${CERTIFIED} > RFC 7670`) },
  { subject: 'Intermediate authorities', ...inBoth(`${CERTIFIED} > an intermediate authority`) },
  { subject: 'Identity from subjectAltName', ...inBoth(`${CERTIFIED} > an identity`) },
  { subject: 'IKE ciphers, integrity', ...inBoth('algorithms > IKE > '), parts: NO_GROUP },
  { subject: 'IKE PRFs', ...inBoth('algorithms > IKE > '), parts: /^prf/ },
  { subject: 'IKE groups', ...inBoth('algorithms > IKE > '), parts: GROUP },
  { subject: 'ESP ciphers, integrity', ...inBoth('algorithms > ESP > '), parts: NO_GROUP },
  { subject: 'ESP groups (PFS)', ...inBoth('algorithms > ESP > '), parts: GROUP },
  {
    subject: 'Another group is asked for (INVALID_KE_PAYLOAD)',
    initiator: [
      'psk > a tunnel > RFC 7296 §1.2: to a strongSwan that wants another group',
      'psk > a tunnel > RFC 6023: whose IKE SA is made without it, and RFC 7296 §1.3',
    ],
    responder: [WITHOUT_CHILD],
  },
  {
    subject: 'IKE SA without a Child SA (RFC 6023)',
    initiator: ['psk > a tunnel > RFC 6023: whose IKE SA is made without it'],
    responder: [WITHOUT_CHILD],
  },
  {
    subject: 'Rekey of the Child SA, 10 under 200 pings a second',
    initiator: [`${REKEYS} > of the Child SA by this side`],
    responder: [`${REKEYS} > of the Child SA by strongSwan`],
  },
  {
    subject: 'Rekey of the IKE SA, 10 under 200 pings a second',
    initiator: [`${REKEYS} > of the IKE SA by this side`],
    responder: [`${REKEYS} > of the IKE SA by strongSwan`],
  },
  {
    subject: 'Deletion of the Child SA',
    ...inBoth('psk > deletion > of the Child SA by strongSwan, then by this side'),
  },
  {
    subject: 'Deletion of the IKE SA',
    initiator: ['psk > deletion > by this side'],
    responder: ['psk > deletion > of the IKE SA by strongSwan'],
  },
  {
    subject: 'Liveness check of a peer that stands still',
    initiator: ['psk > RFC 7296 §2.4: a strongSwan that stands still'],
    responder: ['psk > RFC 7296 §2.4: this side answers whether it lives'],
  },
  {
    subject: 'Crash and return (INITIAL_CONTACT)',
    initiator: ['crash > strongSwan crashes', 'crash > this side crashes'],
    responder: ['crash > strongSwan crashes'],
  },
  {
    subject: 'NAT before Isthmus',
    initiator: [`${NAT} this side > which begins`],
    responder: [`${NAT} this side > to which the router forwards`],
  },
  {
    subject: 'NAT before strongSwan',
    initiator: [`${NAT} strongSwan > to which the router forwards`],
    responder: [`${NAT} strongSwan > which begins`],
  },
  { subject: 'IKE fragmentation (RFC 7383)', ...inBoth(`${CERTIFIED} > RFC 7383`) },
  {
    subject: 'Narrowing of selectors',
    initiator: ['psk > RFC 7296 §2.9: this side asks'],
    responder: ['psk > RFC 7296 §2.9: strongSwan asks'],
  },
  {
    subject: 'SPD entries by name, for peers of unknown address (RFC 4301 §4.4.1.1)',
    initiator: ['names > this side comes from anywhere'],
    responder: ['names > strongSwan comes from anywhere'],
  },
  {
    subject: 'COOKIE under load',
    initiator: ['cookie > strongSwan asks for it'],
    responder: ['cookie > Isthmus asks for it'],
  },
  {
    subject: 'MOBIKE: the initiator moves (RFC 4555)',
    initiator: ['mobike > this side moves'],
    responder: ['mobike > strongSwan moves'],
  },
  {
    subject: 'Two workers under load: no packet is refused',
    ...inBoth('workers > flows in both directions and new keys'),
  },
  {
    subject: 'Refused: wrong secret',
    initiator: [`${MISFIT} > a wrong secret, as initiator`],
    responder: [`${MISFIT} > a wrong secret, as responder`],
  },
  {
    subject: 'Refused: wrong identity',
    ...inBoth('identity > a wrong identity', `${REFUSED} > RFC 4301 §4.4.3.1`),
  },
  { subject: 'Refused: revoked certificate', ...inBoth(`${REFUSED} > RFC 5280 §6.3`) },
  { subject: 'Refused: unknown authority', ...inBoth(`${REFUSED} > an authority`) },
  {
    subject: 'Refused: no common IKE proposal',
    initiator: [`${MISFIT} > no common IKE proposal, as initiator`],
    responder: [`${MISFIT} > no common IKE proposal, as responder`],
  },
  { subject: 'Refused: no common ESP proposal', ...inBoth(`${MISFIT} > no common ESP proposal, both ways`) },
  {
    subject: 'Refused: no common selectors',
    initiator: [`${MISFIT} > no common selectors, as initiator`],
    responder: [`${MISFIT} > no common selectors, as responder`],
  },
];
