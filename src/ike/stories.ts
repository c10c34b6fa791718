// What is told of an IKE SA: one sentence for each thing that can happen, which is also the log line.

interface Story {
  readonly level: 'debug' | 'info' | 'warn';
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
  | 'wrong-identity'
  | 'wrong-auth'
  | 'auth-refused'
  | 'established'
  | 'child-established'
  | 'child-rekeyed'
  | 'child-refused'
  | 'child-deleted'
  | 'child-lost'
  | 'rekey-collision'
  | 'rekeyed'
  | 'rekey-refused'
  | 'try-later'
  | 'retransmitted'
  | 'silent'
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
  established: { level: 'info', sentence: 'IKE SA established' },
  'child-established': { level: 'info', sentence: 'Child SA established' },
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
  'liveness-check': { level: 'debug', sentence: 'the peer was silent; asking whether it lives' },
  deleted: { level: 'info', sentence: 'IKE SA deleted by the peer' },
  closing: { level: 'info', sentence: 'IKE SA is being deleted' },
  expired: { level: 'warn', sentence: 'the IKE SA has reached its end and could not be replaced' },
  malformed: { level: 'warn', sentence: 'a message of the peer is not as RFC 7296 says' },
  'not-authentic': { level: 'debug', sentence: 'a message that is not authentic was dropped' },
};
