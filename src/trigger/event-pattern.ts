// Patterns of event types. A type is words parted by dots: `order.paid`. A pattern is a type in which `*` stands for one
// word and `**` for one or more: `order.*` is order.paid and not order.line.added, which `order.**` is too.
//
// What MBFlow tells of itself (`mbflow.…`) is reached only by patterns that begin with that word: whoever asks for
// everything does not mean the ends of the very executions it starts.

const RESERVED = 'mbflow'
const WORD = /^[^\s*.]+$/
const MOST_BYTES = 255

/** What is wrong with a pattern, to finish a sentence that begins with it; null when it is one. */
export function patternProblem(pattern: string): string | null {
  if (Buffer.byteLength(pattern) > MOST_BYTES) return `has more than ${MOST_BYTES} bytes`
  const words = pattern.split('.')
  const odd = words.find(word => word !== '*' && word !== '**' && !WORD.test(word))
  if (odd === undefined) return null
  if (odd === '') return 'has an empty word; write it like order.paid, order.* or order.**'
  if (odd.includes('*')) return 'has a star within a word; a star stands for a whole word, as in order.*'
  return 'has a blank in it'
}

export function isReservedType(type: string): boolean {
  return type.startsWith(`${RESERVED}.`)
}

/** Whether a sound pattern stands for a type. */
export function matchesType(pattern: string, type: string): boolean {
  if (isReservedType(type) && !isReservedType(pattern)) return false
  const wanted = pattern.split('.')
  const given = type.split('.')
  // The latest `**` may take one word more whenever what follows it does not fit.
  let [w, g, restart, taken] = [0, 0, -1, 0]
  while (g < given.length) {
    const word = wanted[w]
    if (word === '**') {
      restart = ++w
      taken = ++g
    } else if (word !== undefined && given[g] !== '' && (word === '*' || word === given[g])) {
      w++
      g++
    } else if (restart >= 0) {
      w = restart
      g = ++taken
    } else return false
  }
  return w === wanted.length
}
