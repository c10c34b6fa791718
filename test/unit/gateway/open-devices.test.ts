import { expect, test } from 'vitest';
import { EnvironmentError, NativeError } from '../../../src/base/errors.ts';
import { explainDeviceError } from '../../../src/gateway/open-devices.ts';

test.each([
  ['EMFILE', 'LimitNOFILE= of systemd'],
  ['ENFILE', 'fs.file-max'],
  ['EADDRINUSE', 'ss -lunp'],
  ['EBADFD', 'the TUN was deleted'],
])('%s is explained with its mend', (code, mend) => {
  const error = explainDeviceError(new NativeError(`bind 203.0.113.1:500: ${code}`, code, 'bind', 'x'));
  expect(error).toBeInstanceOf(EnvironmentError);
  expect(String(error)).toContain(mend);
});

test('what nobody foresaw stays as it is', () => {
  const error = new NativeError('bind: EIO', 'EIO', 'bind', 'x');
  expect(explainDeviceError(error)).toBe(error);
});
