// What is told of an IKE SA: one sentence for each thing that can happen, which is also the log line.

import type { CertificateFault } from '../pki/certification-path.ts';

interface Story {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly sentence: string;
}

export type StoryName =
  | 'initiating'
  | 'cookie-asked'
  | 'group-asked'
  | 'init-refused'
  | 'init-answered'
  | 'init-done'
  | 'no-ike-proposal'
  | 'no-child-proposal'
  | 'no-selectors'
  | 'unknown-identity'
  | 'other-identity-asked'
  | 'wrong-identity'
  | 'wrong-auth'
  | 'auth-refused'
  | 'signature-refused'
  | 'no-signature-scheme'
  | 'wrong-method'
  | 'wrong-signature'
  | 'unknown-signature'
  | 'weak-signature'
  | 'unfit-key'
  | 'unknown-public-key'
  | 'certificate-missing'
  | 'certificate-malformed'
  | 'certificate-other-identity'
  | CertificateFault
  | 'proposal-of-another'
  | 'not-unique'
  | 'superseded'
  | 'not-in-force'
  | 'failed'
  | 'message-failed'
  | 'peer-unknown'
  | 'path-failed'
  | 'established'
  | 'child-established'
  | 'child-too-narrow'
  | 'child-rekeyed'
  | 'child-refused'
  | 'child-deleted'
  | 'child-lost'
  | 'rekey-collision'
  | 'rekeyed'
  | 'rekey-refused'
  | 'try-later'
  | 'retransmitted'
  | 'too-many-children'
  | 'silent'
  | 'address-gone'
  | 'mapping-changed'
  | 'mapping-found'
  | 'address-updated'
  | 'address-refused'
  | 'address-unproved'
  | 'nat-not-allowed'
  | 'peer-moved'
  | 'peer-restarted'
  | 'liveness-check'
  | 'deleted'
  | 'closing'
  | 'expired'
  | 'malformed'
  | 'not-authentic';

export const STORIES: Readonly<Record<StoryName, Story>> = {
  initiating: { level: 'info', sentence: 'IKE_SA_INIT sent' },
  'cookie-asked': { level: 'info', sentence: 'the peer asks for its cookie; IKE_SA_INIT sent again' },
  'group-asked': { level: 'info', sentence: 'the peer wants another key exchange; IKE_SA_INIT sent again' },
  'init-refused': { level: 'warn', sentence: 'the peer refuses IKE_SA_INIT' },
  'init-answered': { level: 'info', sentence: 'IKE_SA_INIT answered' },
  'init-done': { level: 'info', sentence: 'IKE_SA_INIT done, IKE_AUTH sent' },
  'no-ike-proposal': { level: 'warn', sentence: 'no IKE proposal in common' },
  'no-child-proposal': { level: 'warn', sentence: 'no ESP proposal in common' },
  'no-selectors': { level: 'warn', sentence: 'no traffic selectors in common' },
  'unknown-identity': { level: 'warn', sentence: 'no peer has this identity' },
  'other-identity-asked': { level: 'warn', sentence: 'the peer asks for another identity than ours' },
  'wrong-identity': {
    level: 'warn',
    sentence: 'the peer has another identity than the configuration expects',
  },
  'wrong-auth': {
    level: 'warn',
    sentence:
      'the peer does not prove its identity: the shared secret differs, or is meant for another identity',
  },
  'auth-refused': {
    level: 'warn',
    sentence:
      'the peer refuses our authentication: the shared secret differs, or it does not know our identity',
  },
  'signature-refused': {
    level: 'warn',
    sentence:
      'the peer refuses our authentication: it does not trust our certificate or key, or does not know our identity',
  },
  'no-signature-scheme': {
    level: 'warn',
    sentence: 'our key cannot sign in a way that the peer understands: it lacks RFC 7427, or our hash',
  },
  'wrong-method': {
    level: 'warn',
    sentence: 'the peer authenticates itself by another method than the configuration says',
  },
  'wrong-signature': {
    level: 'warn',
    sentence: 'the peer does not prove its identity: its signature is not by the key of its certificate',
  },
  'unknown-signature': {
    level: 'warn',
    sentence: 'the peer signs with an algorithm that is not known here',
  },
  'weak-signature': { level: 'warn', sentence: 'the peer signs with SHA-1, which is too weak' },
  'unfit-key': {
    level: 'warn',
    sentence: 'the signature of the peer and the key of its certificate are of different kinds',
  },
  'unknown-public-key': {
    level: 'warn',
    sentence: 'the peer has another public key than the configuration says',
  },
  'certificate-missing': { level: 'warn', sentence: 'the peer has sent no certificate' },
  'certificate-malformed': { level: 'warn', sentence: 'a certificate of the peer cannot be read' },
  'certificate-other-identity': {
    level: 'warn',
    sentence: 'the certificate of the peer is not for the identity that it claims',
  },
  'unknown-authority': {
    level: 'warn',
    sentence: 'no authority that is trusted for this peer has issued the certificate',
  },
  'chain-too-long': { level: 'warn', sentence: 'the peer has sent too many certificates' },
  'certificate-forged': {
    level: 'warn',
    sentence: 'the signature of a certificate is not by the authority that it names',
  },
  'certificate-weak': {
    level: 'warn',
    sentence: 'a certificate is signed with SHA-1, or has a key that is too short or of an unknown kind',
  },
  'certificate-not-yet-valid': { level: 'warn', sentence: 'a certificate is not valid yet' },
  'certificate-expired': { level: 'warn', sentence: 'a certificate has expired' },
  'certificate-unknown-critical': {
    level: 'warn',
    sentence: 'a certificate has a critical extension that is not known here',
  },
  'certificate-no-authority': {
    level: 'warn',
    sentence: 'a certificate was issued by one that may not issue it: no authority, or with a shorter path',
  },
  'certificate-wrong-usage': {
    level: 'warn',
    sentence: 'the key usage of a certificate does not allow what it is used for',
  },
  'certificate-forbidden-name': {
    level: 'warn',
    sentence: 'a certificate has a name that its authority may not give',
  },
  'certificate-revoked': { level: 'warn', sentence: 'a certificate was revoked by its authority' },
  'revocation-unknown': {
    level: 'warn',
    sentence: 'the revocation list of an authority is out of date, or not by it',
  },
  'proposal-of-another': {
    level: 'warn',
    sentence: 'the peer uses an IKE proposal that is allowed to another peer of its address only',
  },
  'not-unique': {
    level: 'warn',
    sentence: 'the peer has an IKE SA with us already, which the configuration keeps',
  },
  superseded: { level: 'info', sentence: 'a second IKE SA with the same peer stands; this one goes' },
  'not-in-force': {
    level: 'warn',
    sentence: 'the SAD could not do what the IKE SA needs; the IKE SA is closed',
  },
  failed: { level: 'error', sentence: 'an unforeseen error; the IKE SA is closed' },
  'peer-unknown': {
    level: 'warn',
    sentence:
      'no IKE SA is known to be with the peer that this is for, and nobody knows where it is: it has to begin',
  },
  'message-failed': { level: 'error', sentence: 'an unforeseen error; a message of IKE was dropped' },
  'path-failed': {
    level: 'error',
    sentence: 'an unforeseen error; no way to the peer was found, and what needs one is given up',
  },
  established: { level: 'info', sentence: 'IKE SA established' },
  'child-established': { level: 'info', sentence: 'Child SA established' },
  'child-too-narrow': {
    level: 'warn',
    sentence:
      'the networks of both sides differ: the Child SA that the peer agrees to does not carry the packet that asked for it',
  },
  'child-rekeyed': { level: 'info', sentence: 'Child SA rekeyed' },
  'child-refused': { level: 'warn', sentence: 'the peer refuses a Child SA' },
  'child-deleted': { level: 'info', sentence: 'Child SA deleted' },
  'child-lost': { level: 'warn', sentence: 'the peer no longer has the Child SA; making a new one' },
  'rekey-collision': { level: 'info', sentence: 'both sides rekeyed at once; one of the two new SAs goes' },
  rekeyed: { level: 'info', sentence: 'IKE SA rekeyed' },
  'rekey-refused': { level: 'warn', sentence: 'the peer refuses to rekey the IKE SA' },
  'try-later': { level: 'debug', sentence: 'the peer has no time now; trying again later' },
  retransmitted: { level: 'debug', sentence: 'request sent again' },
  silent: { level: 'warn', sentence: 'the peer does not answer; the IKE SA is closed' },
  'peer-restarted': { level: 'info', sentence: 'the peer has started anew; its earlier IKE SA is closed' },
  'address-gone': { level: 'info', sentence: 'our address is gone; telling the peer where we are' },
  'mapping-changed': {
    level: 'info',
    sentence: 'a NAT shows us to the peer at another address; telling the peer',
  },
  'mapping-found': {
    level: 'info',
    sentence: 'a NAT is on the way; telling the peer where it shows us now',
  },
  'address-updated': { level: 'info', sentence: 'the peer knows our new address' },
  'address-refused': { level: 'warn', sentence: 'the peer refuses our new address' },
  'address-unproved': {
    level: 'warn',
    sentence: 'the peer does not prove that it is at its new address; the IKE SA is closed',
  },
  'nat-not-allowed': { level: 'warn', sentence: 'the peer wants no NAT on its way, and there is one' },
  'peer-moved': { level: 'info', sentence: 'the peer says that it has moved' },
  'too-many-children': { level: 'warn', sentence: 'the peer has as many Child SAs as it may have' },
  'liveness-check': { level: 'debug', sentence: 'the peer was silent; asking whether it lives' },
  deleted: { level: 'info', sentence: 'IKE SA deleted by the peer' },
  closing: { level: 'info', sentence: 'IKE SA is being deleted' },
  expired: { level: 'warn', sentence: 'the IKE SA has reached its end and could not be replaced' },
  malformed: { level: 'warn', sentence: 'a message of the peer is not as RFC 7296 says' },
  'not-authentic': { level: 'debug', sentence: 'a message that is not authentic was dropped' },
};
