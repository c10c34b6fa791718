// Builds and runs the tests of the native engine (native/test/), which know nothing of Node-API, under address
// and undefined-behaviour sanitizers. With --bench it builds and runs the micro-benchmark instead, optimized.
// It links the system's libcrypto; the addon itself uses the one inside the Node binary.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const bench = process.argv.includes('--bench');

const COMMON = ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-fno-exceptions', '-fno-rtti'];
const SANITIZED = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const OPTIMIZED = ['-O3', '-DNDEBUG'];
const FLAGS = [...COMMON, ...(bench ? OPTIMIZED : SANITIZED)];
const INCLUDES = ['include', 'src', 'test'].map((folder) => `-I${join(native, folder)}`);

process.exitCode = await main();

async function main() {
  const missing = findMissingTool();
  if (missing !== undefined) {
    console.error(missing);
    return 1;
  }
  const build = mkdtempSync(join(tmpdir(), 'isthmus-test-native-'));
  try {
    const objects = await compileAll(build);
    if (objects === undefined) return 1;
    const program = join(build, 'program');
    if ((await run('g++', [...FLAGS, ...objects, '-lcrypto', '-o', program])) !== 0) return 1;
    return await run(program, []);
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}

/** One line that says what to install, or undefined. */
function findMissingTool() {
  if (spawnSync('g++', ['--version']).error !== undefined) {
    return 'The C++ compiler is missing: apt-get install g++';
  }
  const preprocess = spawnSync('g++', ['-E', '-x', 'c++', '-'], { input: '#include <openssl/evp.h>\n' });
  return preprocess.status === 0 ? undefined : 'The OpenSSL headers are missing: apt-get install libssl-dev';
}

/** All of the engine but its Node-API face, and the tests or the benchmark. */
function sources() {
  const engine = join(native, 'src', 'engine');
  const tests = join(native, 'test');
  const isCpp = (name) => name.endsWith('.cc');
  const kind = bench ? 'bench_' : 'test_';
  return [
    ...readdirSync(engine)
      .filter((name) => isCpp(name) && name !== 'engine_object.cc')
      .map((name) => join(engine, name)),
    ...readdirSync(tests)
      .filter((name) => isCpp(name) && (name.startsWith(kind) || name.startsWith('support_')))
      .map((name) => join(tests, name)),
  ];
}

/** @returns the object files, or undefined where one source did not compile */
async function compileAll(build) {
  const all = sources();
  const objectOf = (source) => join(build, `${basename(source)}.o`);
  const queue = [...all];
  let failed = false;
  const worker = async () => {
    for (let source = queue.shift(); source !== undefined && !failed; source = queue.shift()) {
      const args = [...FLAGS, ...INCLUDES, '-c', source, '-o', objectOf(source)];
      if ((await run('g++', args)) !== 0) failed = true;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return failed ? undefined : all.map(objectOf);
}

/** @returns the exit code; a signal counts as 1 */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
