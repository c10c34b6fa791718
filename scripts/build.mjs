// Bundles src/ into dist/: the command line with the gateway, and the worker, each with the libraries it uses. A few
// files are found and read many times faster than hundreds, which is most of what a start takes. The worker is one file:
// the just-in-time compiler knows the constants of its own module, and asks for those of another at every packet.
// Types are checked by `npm run check`, not here.
//
//   node scripts/build.mjs

import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist');

/** It is there only where an administrator has installed it. */
const external = ['tuntap2'];

const outputs = [];
// All in one folder: the worker lies beside whatever starts it.
for (const [input, codeSplitting] of [
  [{ main: 'src/main.ts' }, true],
  [{ worker: 'src/dataplane/worker.ts' }, false],
]) {
  const { output } = await build({
    cwd: root,
    input,
    external,
    platform: 'node',
    logLevel: 'warn',
    output: { dir: folder, format: 'esm', sourcemap: true, entryFileNames: '[name].js', codeSplitting },
  });
  outputs.push(...output.map(({ fileName }) => fileName));
}
// The manual page says what --help says.
const manual = execFileSync(process.execPath, [join(folder, 'main.js'), 'manual'], { encoding: 'utf8' });
writeFileSync(join(folder, 'isthmus.1'), manual);
outputs.push('isthmus.1');
// The status page: one program for browsers, and what is served as it is.
const page = 'src/management/http/page';
await build({
  cwd: root,
  input: { page: `${page}/main.ts` },
  platform: 'browser',
  logLevel: 'warn',
  output: { dir: join(folder, 'page'), format: 'esm', minify: true, entryFileNames: '[name].js' },
});
for (const name of ['index.html', 'page.css', 'icon.svg'])
  copyFileSync(join(root, page, name), join(folder, 'page', name));

const written = new Set(['page', ...outputs.flatMap((name) => [name, `${name}.map`])]);
for (const name of readdirSync(folder))
  if (!written.has(name)) rmSync(join(folder, name), { recursive: true });
