import fc from 'fast-check'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import { scan } from '../../../src/expression/scan.ts'

const fragments = fc.constantFrom(
  ...[
    'a',
    '$b',
    '1',
    '1.5e3',
    '"s"',
    '"}}"',
    "'{'",
    '"\\""',
    '`}}`',
    '`function`',
    '/x/',
    '/}}"/i',
    '/[(]\\)/',
    '/\\//',
  ],
  ...['(', ')', '[', ']', '{', '}', '|', '{"k": ', '{"k": {"l": 1}}', '$f(', '[]', 'function($x){', '$match(a, ', '}}'],
  ...[
    '.',
    '..',
    ',',
    ';',
    ':',
    ':=',
    '=',
    '<',
    '>',
    '!=',
    '+',
    '-',
    '*',
    '**',
    '/',
    '%',
    '&',
    '~>',
    '^(',
    '#$i',
    '@$i',
  ],
  ...[
    '??',
    '?:',
    '?',
    ' ? ',
    ' : ',
    ' and ',
    ' or ',
    ' in ',
    ' ',
    '/* }} " */',
    '\n',
    '<s-:n>',
    'a ?? b',
    '(a ?? b)',
    '"',
    '/',
  ],
)
const soup = fc.array(fragments, { minLength: 1, maxLength: 12 }).map(parts => parts.join(''))

/** Texts that jsonata accepts, put together so that most are. */
const { accepted } = fc.letrec<{ accepted: string }>(tie => ({
  accepted: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(
      'a',
      '$',
      '1',
      '"}}"',
      "'\\''",
      '`}}`',
      '*',
      '**',
      '%',
      'and',
      '$match(a, /}}"/)',
      '$f(?, /[{]/)',
      'a[]',
      '{}',
      '[]',
      '()',
    ),
    fc
      .tuple(
        tie('accepted'),
        fc.constantFrom('.', '+', '-', '*', '/', '%', '=', ' in ', ' and ', '??', '?:', '~>', '&'),
        tie('accepted'),
      )
      .map(parts => parts.join('')),
    fc
      .tuple(
        fc.constantFrom(
          '(',
          '$f(',
          '[',
          '[1..',
          '-',
          'a^(',
          'a^(>',
          'a[',
          '{"}}":',
          '(/* }} */',
          'function($x){',
          'function($x)<n-:(sn)>{',
          '|a|',
        ),
        tie('accepted'),
      )
      .map(([opener, inner]) => `${opener}${inner}${closers[opener] ?? ')'}`),
    fc.tuple(tie('accepted'), tie('accepted'), tie('accepted')).map(([a, b, c]) => `${a}?${b}:${c}`),
    fc.tuple(tie('accepted'), tie('accepted')).map(([a, b]) => `a~>|${a}|${b}|`),
    fc.tuple(tie('accepted'), tie('accepted')).map(([a, b]) => `$f(${a},${b})`),
  ),
}))
const closers: Readonly<Record<string, string>> = {
  '[': ']',
  '[1..': ']',
  'a[': ']',
  '-': '',
  '{"}}":': '}',
  'function($x){': '}',
  'function($x)<n-:(sn)>{': '}',
  '|a|': ',"k"|',
}

/** The nodes of the syntax tree; null when jsonata refuses the text. */
function nodes(text: string): number | null {
  let ast: unknown
  try {
    ast = jsonata(text).ast()
  } catch {
    return null
  }
  const count = (value: unknown): number =>
    typeof value !== 'object' || value === null
      ? 0
      : 1 + Object.values(value).reduce((sum: number, part) => sum + count(part), 0)
  return count(ast)
}

for (const [kind, texts, share] of [
  ['random', soup, 0.01],
  ['well-formed', accepted, 0.2],
] as const) {
  test(`in ${kind} text that jsonata accepts, the expression ends where the template closes it`, () => {
    let met = 0
    fc.assert(
      fc.property(texts, text => {
        if (nodes(text) === null) return
        met++
        expect(scan(`{{${text} }} {{ "x" }}`, 2, true)).toMatchObject({ end: text.length + 3, closed: true })
      }),
      { numRuns: 1000 },
    )
    expect(met).toBeGreaterThan(1000 * share)
  })

  test(`in ${kind} text that jsonata accepts, the copies foretell how large the tree can be`, () => {
    fc.assert(
      fc.property(texts, text => {
        const count = nodes(text)
        if (count !== null) expect(count).toBeLessThanOrEqual(8 * (text.length + 1) * 2 ** scan(text).copies)
      }),
      { numRuns: 1000 },
    )
  })
}

test('a chain of defaults copies nothing but its own left sides', () => {
  expect(scan('a ?? b ?? c ?: d ?? e').copies).toBe(1)
})

test('a default within the left side of a default is a copy of a copy', () => {
  expect(scan('((a ?? b) ?? c) ?? d').copies).toBe(3)
  expect(scan('$f([a ?? b]).x ?: d').copies).toBe(2)
})

test('a default on the right side of a default is not copied', () => {
  expect(scan('a ?? (b ?? (c ?? d))').copies).toBe(1)
})

test('depth counts brackets within brackets, not those in strings, names, comments and regular expressions', () => {
  expect(scan('($f([{"(((": `(((`}, /[(]/]) /* ((( */)').depth).toBe(4)
})

test('an expression that is never closed is told from one that is', () => {
  expect(scan('"a }}', 0, true).closed).toBe(false)
  expect(scan('{"a": 1 }}', 0, true)).toMatchObject({ closed: false })
  expect(scan('{"a": 1 }}}', 0, true)).toMatchObject({ closed: true, end: 9 })
})

test('a bracket left open does not hide the end of the template', () => {
  expect(scan('$f(a }} b', 0, true)).toMatchObject({ closed: true, end: 5 })
})

test('a function signature that could hide text from the scan is reported', () => {
  expect(scan('function($x)<s"(((">{$x}').signature).toBe(12)
  expect(scan('function($x)<a<n>-:(sn)>{$x}').signature).toBeUndefined()
  expect(scan('$f($x) < "a"').signature).toBeUndefined()
})
