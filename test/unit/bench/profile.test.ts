import { describe, expect, it } from 'vitest';
import { formatProfile } from '../../../scripts/bench/profile/profile-table.ts';
import { parseSamples, partOf, SAMPLE_NS } from '../../../scripts/bench/profile/samples.ts';

const TEXT = `
  49  7fc9a002e559 [unknown] (/tmp/perf-49.map)
  49      55d2c0de v8::internal::Runtime::GetObjectProperty(v8::internal::Isolate*) (/usr/bin/node)
  50      55d2c0df Builtins_LoadIC (/usr/bin/node)
  50      55d2c0e0 aesni_ctr32_encrypt_blocks (/usr/bin/node)
  50  7f1111111111 aes_gcm_dec_256_avx512 (/usr/lib/x86_64-linux-gnu/libIPSec_MB.so.1.3.0)
  50  7f2222222222 isthmus::OpenBatch (/opt/isthmus/native/build/Release/isthmus_native.node)
  50  ffffffff8168bc00 copy_user_enhanced_fast_string ([kernel.kallsyms])
  50  ffffffff8168bc01 try_to_wake_up ([kernel.kallsyms])
  50  ffffffff8168bc02 udp_sendmsg ([kernel.kallsyms])
   0  ffffffff821f236b pv_native_safe_halt ([kernel.kallsyms])
   0  7fb416ea957d [unknown] ([unknown])
`;

describe('the samples of perf', () => {
  const samples = parseSamples(TEXT);

  it('are all read', () => {
    expect(samples).toHaveLength(11);
    expect(samples[1]).toEqual({
      processId: 49,
      symbol: 'v8::internal::Runtime::GetObjectProperty(v8::internal::Isolate*)',
      object: '/usr/bin/node',
    });
  });

  it('are put down to the part of the work that they are', () => {
    expect(samples.map(partOf)).toEqual([
      'TypeScript',
      'node and libraries',
      'TypeScript',
      'cipher',
      'cipher',
      'addon',
      'kernel: copying',
      'kernel: sleeping and waking',
      'kernel: the rest',
      undefined,
      'TypeScript',
    ]);
  });

  it('become what a packet costs each gateway', () => {
    const report = formatProfile({
      ...{ test: 'udp64', unit: 'packet', units: 2 },
      ...{ seconds: (20 * SAMPLE_NS) / 1e9, cores: 1, samples, gateways: [49, 50] },
    });
    const row = (name: string): string[] =>
      report
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.slice(name.length)
        .trim()
        .split(/\s{2,}/) ?? [];
    const each = (SAMPLE_NS / 2).toFixed(0);
    expect(row('TypeScript')).toEqual([each, each, '10.0 %']);
    expect(row('cipher')).toEqual(['0', SAMPLE_NS.toFixed(0), '10.0 %']);
    expect(row('hosts, links and other processes')).toEqual(['5.0 %']);
    expect(row('nothing to do')).toEqual(['50.0 %']);
  });
});
