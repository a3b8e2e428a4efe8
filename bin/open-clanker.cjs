#!/usr/bin/env node
'use strict';
// Runs on any Node since 8, so that an old one ends with a sentence and not with a syntax error: old syntax only.
// Decides which Node and which build of the program run, then gets out of the way.
var fs = require('fs');
var path = require('path');

var root = path.resolve(__dirname, '..');
var oldest = [24, 16];
// What measurably matters to the daemon's memory under load, at little cost in time: the young generation stays small,
// and the old one is collected when it has grown by a third, not to several times its size; functions are compiled one
// by one, as hundreds of them get hot at the same turn and would all wait in memory, and by the middle compiler only what
// runs all the time; and a gateway that rests may collect by itself. V8 flags count only on the command line, hence the
// re-execution.
var gatewayFlags = [
  '--max-semi-space-size=1',
  '--heap-growing-percent=30',
  '--no-concurrent-recompilation',
  '--invocation-count-for-maglev=1500',
  '--expose-gc',
];
// glibc keeps freed memory for each thread that ever used some; one pool that is given back is enough. Others ignore it.
var gatewayEnvironment = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };

function newEnough(version) {
  var parts = version.split('.').map(Number);
  return parts[0] > oldest[0] || (parts[0] === oldest[0] && parts[1] >= oldest[1]);
}

/** The Node that npm installed beside us in a clone, or null. */
function bundledNode() {
  var modules = path.join(root, 'node_modules');
  var target = process.platform + '-' + process.arch;
  var folders = [path.join(modules, 'node-' + target), path.join(modules, 'node-bin-' + target)];
  for (var i = 0; i < folders.length; i++) {
    var manifest = path.join(folders[i], 'package.json');
    if (fs.existsSync(manifest) && newEnough(JSON.parse(fs.readFileSync(manifest, 'utf8')).version)) {
      return path.join(folders[i], 'bin', 'node');
    }
  }
  return null;
}

/** Modification time of the newest file or folder under `entry`; a folder's own time shows what was removed. */
function newest(entry) {
  var stat = fs.statSync(entry, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return fs.readdirSync(entry).reduce(function (latest, name) {
    // Put together by hand: there are many, and path.join() would cost more than looking at them.
    return Math.max(latest, newest(entry + path.sep + name));
  }, stat.mtimeMs);
}

/** True when dist/ holds a build that is at least as new as all it was made from. An installed package has no src/. */
function isFresh() {
  var built = newest(path.join(root, 'dist', 'main.cjs'));
  if (built === 0) return false;
  var sources = ['src', 'migrations', 'package.json', path.join('tools', 'build.ts')];
  if (!fs.existsSync(path.join(root, 'src'))) return true;
  return sources.every(function (name) {
    return newest(path.join(root, name)) <= built;
  });
}

/** False in a clone in which nobody has run `npm ci`; what is published brings all it needs along. */
function isInstalled() {
  if (!fs.existsSync(path.join(root, 'src'))) return true;
  var manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  return Object.keys(manifest.dependencies || {}).every(function (name) {
    try {
      require.resolve(name);
    } catch (error) {
      return error.code !== 'MODULE_NOT_FOUND';
    }
    return true;
  });
}

/** Why nothing can be run here, and the fix; null when something can. */
function trouble() {
  if (!isInstalled()) return 'nothing is installed yet; run "npm ci" in ' + root + ' and then this again.';
  if (newEnough(process.versions.node) || bundledNode() !== null) return null;
  var found = 'Node ' + process.versions.node + ' is too old; it needs ' + oldest.join('.') + ' or newer.';
  return found + ' Install Node 26 from https://nodejs.org and run the command again.';
}

/** True when the command is `gateway`: the first word that is neither a global option nor its value. */
function isGateway(args) {
  for (var i = 0; i < args.length; i++) {
    if (args[i] === '-c' || args[i] === '--config') i++;
    else if (args[i].charAt(0) !== '-') return args[i] === 'gateway';
  }
  return false;
}

/** Replaces this process where the system can; else runs a child and passes signals and exit code through. */
function become(node, flags, args, env) {
  var argv = flags.concat([__filename], args);
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node].concat(argv), env);
  }
  var child = require('child_process').spawn(node, argv, { stdio: 'inherit', env: env });
  ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'].forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends its interrupt to the child too: once is enough.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on('error', function (error) {
    console.error(
      'open-clanker: cannot run ' + node + ' (' + error.message + '). Install Node 26 from https://nodejs.org',
    );
    process.exit(1);
  });
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Where compiled code is kept for the next start; null for a user whom the system knows no home of. */
function cacheFolder() {
  if (process.env.XDG_CACHE_HOME) return process.env.XDG_CACHE_HOME;
  try {
    return path.join(require('os').homedir(), '.cache');
  } catch (error) {
    if (error.syscall !== 'uv_os_homedir') throw error;
    return null;
  }
}

function refuse(reason) {
  console.error('open-clanker: ' + reason);
  process.exitCode = 1;
}

function main() {
  var args = process.argv.slice(2);
  var enough = newEnough(process.versions.node);
  var node = enough ? process.execPath : bundledNode();
  if (node === null) {
    refuse(trouble());
    return;
  }
  var tuned = isGateway(args) && process.platform !== 'win32';
  var missing = (tuned ? gatewayFlags : []).filter(function (flag) {
    return process.execArgv.indexOf(flag) < 0;
  });
  if (!enough || missing.length > 0) {
    // What the user set is left as it is.
    var env = Object.assign({}, tuned ? gatewayEnvironment : {}, process.env);
    become(node, process.execArgv.concat(missing), args, env);
    return;
  }
  if (isFresh()) {
    var cache = cacheFolder();
    if (cache !== null) require('module').enableCompileCache(path.join(cache, 'open-clanker'));
    require('../dist/main.cjs');
    return;
  }
  var wrong = trouble();
  if (wrong === null) require('../src/main.ts');
  else refuse(wrong);
}

if (require.main === module) main();
else
  module.exports = {
    isFresh: isFresh,
    trouble: trouble,
    gatewayFlags: gatewayFlags,
    gatewayEnvironment: gatewayEnvironment,
  };
