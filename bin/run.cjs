'use strict'
// `node bin/run.cjs FILE ARGS…` runs a development tool with what `launch.cjs` sees to.
require('./launch.cjs')({ file: process.argv[2], args: process.argv.slice(3), dev: true })
