'use strict';
// The first step of scripts that people run before anything else: says in one line what is missing. Old syntax only, as
// in the bin, since the Node that is too old runs this.
var trouble = require('../bin/open-clanker.cjs').trouble();
if (trouble !== null) {
  console.error('open-clanker: ' + trouble);
  process.exit(1);
}
