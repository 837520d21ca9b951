// Secrets: documents name them and executors ask for them. A secret is a variable of the daemon, or else one that is stored
// in the database.

/** What stands behind the names. Capitals and small letters are the same in them. */
export interface Secrets {
  /** Undefined when there is none. Throws SecretError and nothing else. */
  find(name: string): Promise<string | undefined>
}

/** Why the value of a secret cannot be had. `SECRET_LOCKED`: it is stored, and the master key is missing or another. */
export class SecretError extends Error {
  readonly code: 'SECRET_MISSING' | 'SECRET_LOCKED' | 'SECRET_UNAVAILABLE'
  constructor(code: SecretError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SecretError'
    this.code = code
  }
}

export const MIN_SECRET_LENGTH = 8
const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

export function isSecretName(text: string): boolean {
  return SECRET_NAME.test(text)
}

/** The variable that holds the secret `name`. */
export function secretVariable(name: string): string {
  return `MBFLOW_SECRET_${name.toUpperCase()}`
}

/** The value of a secret that must be there. Throws SecretError. */
export async function requireSecret(secrets: Secrets, name: string): Promise<string> {
  const value = await secrets.find(name)
  if (value !== undefined) return value
  const [variable, command] = [secretVariable(name), `mbflow secret set ${name}`]
  throw new SecretError(
    'SECRET_MISSING',
    `there is no secret "${name}": store it (${command}), or set ${variable} where the daemon runs`,
  )
}

/** Secrets by their variables, as the configuration has read them; for other names, those that are stored. */
export function createSecrets(values: ReadonlyMap<string, string>, stored: Secrets): Secrets {
  return { find: async name => values.get(secretVariable(name)) ?? stored.find(name) }
}
