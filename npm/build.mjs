// Makes the npm packages from a folder of GoReleaser: one package with the script, and one per platform with the binary.
//
//   node npm/build.mjs dist FOLDER
//
// Each subfolder of FOLDER is then a package for npm publish or npm pack. The packages need no install script.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [dist, target] = process.argv.slice(2);
if (!target) {
  console.error('usage: node npm/build.mjs DIST FOLDER');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(dist, 'metadata.json'), 'utf8'));
const binaries = JSON.parse(readFileSync(join(dist, 'artifacts.json'), 'utf8')).filter((a) => a.type === 'Binary');

// The names of Node.js for those of Go.
const systems = { linux: 'linux', darwin: 'darwin', windows: 'win32' };
const processors = { amd64: 'x64', arm64: 'arm64' };

const common = {
  version,
  license: 'MIT',
  homepage: 'https://uselamina.ai',
  repository: { type: 'git', url: 'git+https://github.com/uselamina/lamina.git' },
};

// writePackage writes a folder with a package.json, the license and files, which map names in the package to sources.
function writePackage(folder, manifest, files) {
  for (const [name, source] of Object.entries({ LICENSE: join(here, '..', 'LICENSE'), ...files })) {
    mkdirSync(dirname(join(target, folder, name)), { recursive: true });
    copyFileSync(source, join(target, folder, name));
    chmodSync(join(target, folder, name), name.startsWith('bin/') ? 0o755 : 0o644);
  }
  writeFileSync(join(target, folder, 'package.json'), JSON.stringify({ ...manifest, ...common }, null, 2) + '\n');
}

const optionalDependencies = {};
for (const { name, path, goos, goarch } of binaries) {
  const os = systems[goos], cpu = processors[goarch];
  const packageName = `@uselamina/cli-${os}-${cpu}`;
  writePackage(`cli-${os}-${cpu}`, {
    name: packageName,
    description: `The binary of @uselamina/cli for ${os} on ${cpu}`,
    os: [os],
    cpu: [cpu],
    files: ['bin'],
    preferUnplugged: true,
  }, { [`bin/${name}`]: join(dist, '..', path) });
  optionalDependencies[packageName] = version;
}
writePackage('cli', {
  name: '@uselamina/cli',
  description: 'Run packaged AI workflows from the command line',
  bin: { lamina: 'bin/lamina.js' },
  files: ['bin'],
  engines: { node: '>=18' },
  optionalDependencies,
}, { 'bin/lamina.js': join(here, 'lamina.js'), 'README.md': join(here, 'README.md') });
