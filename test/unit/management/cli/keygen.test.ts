// A pre-shared key that was made is read as the text that it is.

import { expect, test } from 'vitest';
import { pskLine } from '../../../../src/management/cli/keygen.ts';

test.each(['0x', '0X', '0s', '0S'])(
  'no pre-shared key begins with %s, behind which bytes are read',
  (begin) => {
    const random = [Buffer.alloc(32, 7), Buffer.alloc(32, 9)];
    Buffer.from(`${begin}AA`, 'base64').copy(random[0] ?? Buffer.alloc(0));
    const expected = `${Buffer.alloc(32, 9).toString('base64')}\n`;
    expect(pskLine(() => random.shift() ?? Buffer.alloc(32, 1))).toBe(expected);
  },
);
