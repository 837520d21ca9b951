// How an http node proves who it is: a header made of a secret.
import { type Static, Type } from 'typebox'
import { SecretName } from '../base/schema.ts'

const strict = { additionalProperties: false }
const scheme = { description: 'What the secret is: a password, a token, or a key.' }
const secret = SecretName('The secret.')

export const httpAuthSchema = Type.Union(
  [
    Type.Object(
      {
        scheme: Type.Literal('basic', scheme),
        username: Type.String({ minLength: 1, pattern: '^[^:]+$', description: 'The user; without a colon.' }),
        secret,
      },
      strict,
    ),
    Type.Object({ scheme: Type.Literal('bearer', scheme), secret }, strict),
    Type.Object(
      {
        scheme: Type.Literal('api_key', scheme),
        secret,
        header: Type.Optional(
          Type.String({
            pattern: "^[\\w!#$%&'*+.^`|~-]+$",
            default: 'X-Api-Key',
            description: 'The header that holds the key.',
          }),
        ),
        prefix: Type.Optional(Type.String({ description: 'What stands before the key, such as `Token `.' })),
      },
      strict,
    ),
  ],
  { description: 'How the request proves who sends it; another origin gets nothing of it.' },
)

export type HttpAuth = Static<typeof httpAuthSchema>

/** The name of the header, in small letters. */
export function authHeader(auth: Pick<HttpAuth, 'scheme'> & { readonly header?: string }): string {
  return auth.scheme === 'api_key' ? (auth.header ?? 'X-Api-Key').toLowerCase() : 'authorization'
}

export function authValue(auth: HttpAuth, secret: string): string {
  switch (auth.scheme) {
    case 'basic':
      return `Basic ${Buffer.from(`${auth.username}:${secret}`).toString('base64')}`
    case 'bearer':
      return `Bearer ${secret}`
    case 'api_key':
      return `${auth.prefix ?? ''}${secret}`
  }
}
