import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../../src/base/json.ts'
import { type Evaluator, ExpressionError, expressionLimits } from '../../../src/expression/expression.ts'
import { checkTemplates, hasTemplates, renderTemplates } from '../../../src/expression/template.ts'

const scope: JsonObject = {
  input: {
    name: 'Ada',
    count: 3,
    ok: true,
    none: null,
    list: [1, 'two'],
    object: { a: 1 },
    braces: '{{ input.name }}',
  },
}
/** Stands for the sandbox, which these tests must not need. */
const none: Evaluator = {
  evaluate: async expression =>
    Promise.reject(new ExpressionError('EXPRESSION_UNAVAILABLE', `asked for ${expression}`)),
}
const render = (value: Json, evaluator = none): Promise<Json> => renderTemplates(value, scope, evaluator)

const withSecrets = { ...none, secret: async (name: string) => `the secret ${name}` }

test('a secret is inserted as it is, where one may be named', async () => {
  expect(await renderTemplates({ a: '{{ secrets.crm }}', b: ['Token {{secrets.api}}!'] }, scope, withSecrets)).toEqual({
    a: 'the secret crm',
    b: ['Token the secret api!'],
  })
  await expect(renderTemplates('{{ secrets.crm }}', scope, none)).rejects.toMatchObject({ code: 'EXPRESSION_MISSING' })
})

test('an expression gets nothing of a secret', async () => {
  for (const expression of ['secrets', 'secrets.crm = "x"', '(secrets.crm)', '$.secrets.crm', 'secrets.crm.length']) {
    const seen: string[] = []
    const watching = {
      ...withSecrets,
      secret: async () => 'x',
      evaluate: async (_: string, given: JsonObject) => {
        seen.push(JSON.stringify(given))
        return null
      },
    }
    const rendered = await renderTemplates(`{{ ${expression} }}`, scope, watching).catch(error => error.code)
    expect([null, false, 'EXPRESSION_MISSING']).toContain(rendered)
    expect(seen.join()).not.toContain('secrets')
  }
})

test('text without templates is left alone, closing braces included', async () => {
  expect(await render('a } }} { b')).toBe('a } }} { b')
})

for (const name of ['name', 'count', 'ok', 'none', 'list', 'object']) {
  test(`a lone template keeps the type of its value: ${name}`, async () => {
    expect(await render(`{{ input.${name} }}`)).toEqual((scope.input as JsonObject)[name])
  })
}

test('within text a string is inserted as it is, everything else as its JSON text', async () => {
  expect(
    await render(
      '{{input.name}}, {{ input.count }} {{ input.ok }} {{ input.none }} {{ input.list }} {{ input.object }}!',
    ),
  ).toBe('Ada, 3 true null [1,"two"] {"a":1}!')
})

test('white space around a template makes it text', async () => {
  expect(await render(' {{ input.count }}')).toBe(' 3')
})

test('templates are found at any depth, and keys are not templates', async () => {
  expect(await render({ '{{ input.name }}': [{ deep: ['{{ input.count }}', 1, null] }] })).toEqual({
    '{{ input.name }}': [{ deep: [3, 1, null] }],
  })
})

test('what a value holds is never read as a template', async () => {
  expect(await render('{{ input.braces }}')).toBe('{{ input.name }}')
  expect(await render('a {{ input.braces }}')).toBe('a {{ input.name }}')
})

test('braces in strings, nested braces, comments and names belong to the expression', async () => {
  expect(await render('{{ "}}" }}')).toBe('}}')
  expect(await render('{{ "{{" }} and {{ \'}}\' }}')).toBe('{{ and }}')
  expect(await render('{{{"a": {"b": input.count}}}}')).toEqual({ a: { b: 3 } })
  expect(await render('{{ /* }} */ input.count }}')).toBe(3)
})

test('a key named __proto__ stays a key', async () => {
  const rendered = (await render(JSON.parse('{"__proto__": {"polluted": "{{ input.ok }}"}}'))) as JsonObject
  expect(Object.keys(rendered)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(rendered)).toBe(Object.prototype)
})

test('an expression that yields nothing is an error that names path and expression', async () => {
  await expect(render({ headers: { 'X-Id': ['{{ input.id }}'] } })).rejects.toMatchObject({
    code: 'EXPRESSION_MISSING',
    message: expect.stringMatching(
      /^headers\.X-Id\[0\]: \{\{ input\.id \}\} yields nothing \(input has no "id"; it has .+\); `\?\? "…"` behind it says/,
    ),
  })
})

test('a default stands in for what is missing', async () => {
  expect(await render('{{ input.id ?? "none" }}')).toBe('none')
})

test('an error within an expression names path and expression', async () => {
  await expect(render({ 'a b': '{{ input.count = }}' })).rejects.toMatchObject({
    code: 'EXPRESSION_SYNTAX',
    message: '["a b"]: {{ input.count = }}: it ends where a value is expected (character 14, near `input.count =`)',
  })
})

test('a template that is never closed is an error', async () => {
  await expect(render({ url: 'http://{{ input.name' })).rejects.toMatchObject({
    code: 'EXPRESSION_SYNTAX',
    message: 'url: the {{ at character 8 is not closed by }}',
  })
})

test('what the fast path cannot tell comes from the evaluator, in its place', async () => {
  const evaluator: Evaluator = { evaluate: async expression => `<${expression}>` }
  expect(await render(['{{ $f() }}', 'a {{ 1 + 1 }} {{ input.count }}'], evaluator)).toEqual(['<$f()>', 'a <1 + 1> 3'])
})

test('an error of the evaluator keeps its code and gains the path', async () => {
  await expect(render({ body: { id: 'x{{ 1 + 1 }}' } })).rejects.toMatchObject({
    code: 'EXPRESSION_UNAVAILABLE',
    message: 'body.id: {{ 1 + 1 }}: asked for 1 + 1',
  })
})

test('with several errors the first is told and none is left unhandled', async () => {
  await expect(render(['{{ $a() }}', '{{ input.no }}', '{{ $b() }}', '{{ open'])).rejects.toBeInstanceOf(
    ExpressionError,
  )
})

test('the text one rendering puts together is limited', async () => {
  const filled = (length: number): Promise<Json> =>
    renderTemplates(['{{ a }}{{ a }}', '{{ a }}'], { a: 'x'.repeat(length) }, none) // the lone one is no copy
  expect(await filled(expressionLimits.rendered / 2)).toHaveLength(2)
  await expect(filled(expressionLimits.rendered / 2 + 1)).rejects.toMatchObject({ code: 'EXPRESSION_TOO_LARGE' })
})

test('checking finds every problem, with its path', () => {
  const value = { url: 'http://{{ host. }}/{{ ok }}/{{ b[ }}', list: ['{{ open'], fine: '{{ input.a }}', number: 1 }
  expect(checkTemplates(value, 'nodes[0].config')).toEqual([
    {
      path: 'nodes[0].config.url',
      message: '{{ host. }}: it ends where a value is expected (character 6, near `host.`)',
    },
    { path: 'nodes[0].config.url', message: '{{ b[ }}: "]" is missing at the end (character 3, near `b[`)' },
    {
      path: 'nodes[0].config.list[0]',
      message: 'the {{ at character 1 is not closed by }}',
      hint: 'braces, brackets and quotes within it must be closed too; the characters {{ themselves are written {{ "{{" }}',
    },
  ])
})

test('an empty template is a problem', () => {
  expect(checkTemplates('a {{ }} b', 'x')).toEqual([{ path: 'x', message: '{{  }}: the expression is empty' }])
})

test('a value has templates when any string in it has one, keys aside', () => {
  expect(hasTemplates({ a: [1, { b: 'x {{ y }}' }] })).toBe(true)
  expect(hasTemplates({ '{{ a }}': ['}}', null, 1, true] })).toBe(false)
})

test('any value, inserted alone, comes out unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async json => {
      const value = json as Json
      expect(await renderTemplates({ k: ['{{ value }}'] }, { value }, none)).toEqual({ k: [value] })
    }),
  )
})

test('any text around a template comes out unchanged', async () => {
  const text = fc
    .string({ unit: fc.constantFrom('a', '}', '{', '"', '\\', ' ', '/') })
    .filter(s => !s.includes('{{') && !s.endsWith('{'))
  await fc.assert(
    fc.asyncProperty(text, text, async (before, after) => {
      expect(await renderTemplates(`${before}{{ v }}${after}`, { v: 1 }, none)).toEqual(
        before + after === '' ? 1 : `${before}1${after}`,
      )
    }),
  )
})
