#!/usr/bin/env node
// Runs the binary of the package for this platform, which npm installed as an optional dependency.
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const platform = `@uselamina/cli-${process.platform}-${process.arch}`;
const file = process.platform === 'win32' ? 'lamina.exe' : 'lamina';

let binary;
try {
  binary = require.resolve(`${platform}/bin/${file}`);
} catch {
  console.error(`error: the package ${platform} is not installed`);
  console.error('try: install again without --omit=optional, or see the other ways to install: https://github.com/uselamina/lamina#install');
  process.exit(1);
}

const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit' });
// A terminal sends its signals to both processes; another sender sends them to this one only. The binary decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on('error', (err) => {
  console.error(`error: could not run ${binary}: ${err.message}`);
  process.exit(1);
});
child.on('exit', (status, signal) => {
  process.exit(signal ? 128 + constants.signals[signal] : status);
});
