import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../../../src/base/errors.ts';
import { openTuntap2 } from '../../../../src/dataplane/tun/tuntap2-adapter.ts';
import { FakeTunStream } from '../../../support/fake-tun-stream.ts';

const loads = (loaded: unknown) => (): Promise<unknown> => Promise.resolve(loaded);

describe('openTuntap2', () => {
  it.each([
    ['named export', { Tun: FakeTunStream }],
    ['CommonJS export below default', { default: { Tun: FakeTunStream } }],
  ])('opens a device by the %s', async (_name, loaded) => {
    const tun = await openTuntap2(loads(loaded));
    const packets: Uint8Array[] = [];
    tun.on('data', (packet) => packets.push(packet));
    if (!(tun instanceof FakeTunStream)) throw new Error('not the Tun of the package');
    tun.emit('data', Buffer.of(0x45));
    expect(packets).toEqual([Buffer.of(0x45)]);
    expect(tun.write(Buffer.of(0x60))).toBe(true);
    expect(tun.written).toEqual([Buffer.of(0x60)]);
  });

  it('says how to install the package where it is missing', async () => {
    // As Node says it; the test runner has words of its own for an optional peer dependency.
    const missing = Object.assign(new Error("Cannot find package 'tuntap2' imported from isthmus"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const opening = openTuntap2(() => Promise.reject(missing));
    await expect(opening).rejects.toBeInstanceOf(EnvironmentError);
    await expect(opening).rejects.toThrow(/tuntap2 is not installed; run `npm install tuntap2`/u);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['does not load', () => Promise.reject(new Error('bad ELF header')), /does not load \(bad ELF header\)/u],
    [
      'misses a package of its own',
      () =>
        Promise.reject(
          Object.assign(new Error("Cannot find module 'bindings'"), { code: 'MODULE_NOT_FOUND' }),
        ),
      /does not load \(Cannot find module 'bindings'\)/u,
    ],
    ['exports something else', loads({ Tap: FakeTunStream }), /exports no Tun/u],
    ['exports nothing', loads(null), /exports no Tun/u],
  ])('says so where the package %s', async (_name, load, message) => {
    const opening = openTuntap2(load);
    await expect(opening).rejects.toBeInstanceOf(EnvironmentError);
    await expect(opening).rejects.toThrow(message);
  });

  it('says what is needed where the device cannot be opened', async () => {
    function Refused(): never {
      throw new Error('EPERM');
    }
    const opening = openTuntap2(loads({ Tun: Refused }));
    await expect(opening).rejects.toBeInstanceOf(EnvironmentError);
    await expect(opening).rejects.toThrow(/cannot open a TUN device \(EPERM\).*CAP_NET_ADMIN/u);
  });
});
