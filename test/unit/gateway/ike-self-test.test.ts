import { describe, expect, it } from 'vitest';
import { chooseProvider } from '../../../src/crypto/choose-provider.ts';
import { testHandshakes } from '../../../src/gateway/ike-self-test.ts';
import { ESP_PROPOSAL, IKE_PROPOSAL } from '../../support/ike-network.ts';

const proposals = { ike: [IKE_PROPOSAL], child: [ESP_PROPOSAL] };

describe('the handshake in memory', () => {
  it('makes a Child SA', async () => {
    expect(await testHandshakes(proposals, chooseProvider('auto'))).toBe(true);
  });

  it('fails where a key exchange does not work', async () => {
    const provider = chooseProvider('auto');
    let count = 0;
    const crypto = {
      ...provider,
      keyExchange: (group: number) => {
        const method = provider.keyExchange(group);
        return (
          method && {
            ...method,
            generate: () => {
              const share = method.generate();
              const other = method.generate();
              return {
                publicValue: share.publicValue,
                agree: (peer: Uint8Array) => (count++ % 2 === 0 ? share : other).agree(peer),
                destroy: () => {
                  share.destroy();
                },
              };
            },
          }
        );
      },
    };
    expect(await testHandshakes(proposals, crypto)).toBe(false);
  });
});
